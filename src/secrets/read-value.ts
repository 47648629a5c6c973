import { isQuote, type Place } from './named-value.ts';

/** Where a value stands, without quotes around it, and the scheme that it was said with, as in `Bearer …`. */
export type Value = { start: number; end: number; scheme: string | null };

const SCHEMES = new Set([
  'bearer',
  'basic',
  'token',
  'dpop',
  'api-token',
  'apikey',
  'api-key',
  'key',
  'negotiate',
  'flyv1',
]);

/** The longest scheme name. */
const MOST_SCHEME = 10;

/**
 * Reads values of one text, for places in ascending order. What ends a value is remembered, so that a text of many names
 * and few ends is still read once: the ends that lie ahead of one place are those ahead of the next.
 */
export function createValueReader(text: string): (place: Place) => Value | null {
  const nextQuote = remember((quote, from) => indexOrEnd(text, quote, from));
  const nextEnd = remember((_, from) => endOfBare(text, from));
  const nextLine = remember((_, from) => indexOrEnd(text, '\n', from));

  return ({ from, joined }) => {
    let start = skipBlanks(text, from, joined === 'colon');
    let escaped = false;
    if (text[start] === '\\' && isQuote(text.charCodeAt(start + 1))) [start, escaped] = [start + 1, true];
    // `b'…'` of Python, `@"…"` of Objective-C.
    if (/[bru@]/i.test(text[start] ?? '') && isQuote(text.charCodeAt(start + 1))) start += 1;
    const quote = text[start]!;
    if (isQuote(text.charCodeAt(start))) {
      const close = nextQuote(quote, ++start);
      if (close < text.length && close <= nextLine('', start)) {
        const end = escaped && text[close - 1] === '\\' ? close - 1 : close;
        return pastScheme(start, end, true);
      }
    } else if (joined === 'argument') return null;
    return pastScheme(start, nextEnd('', start), false);
  };

  /** A quoted value with a blank in it is a sentence, unless it begins with a scheme. */
  function pastScheme(start: number, end: number, quoted: boolean): Value | null {
    const blank = quoted ? blankWithin(text, start, end) : text[end] === ' ' ? end : -1;
    if (blank === -1) return start < end ? { start, end, scheme: null } : null;
    const scheme = blank - start <= MOST_SCHEME ? text.slice(start, blank).toLowerCase() : '';
    if (!SCHEMES.has(scheme)) return quoted ? null : { start, end, scheme: null };
    const from = skipBlanks(text, blank, false);
    const valueEnd = nextEnd('', from);
    return from < valueEnd ? { start: from, end: valueEnd, scheme } : null;
  }
}

/** Keeps the last answer for each kind of question, which holds for every place up to it. */
function remember(find: (what: string, from: number) => number): (what: string, from: number) => number {
  const known = new Map<string, { from: number; found: number }>();
  return (what, from) => {
    const kept = known.get(what);
    if (kept !== undefined && kept.from <= from && from <= kept.found) return kept.found;
    const found = find(what, from);
    known.set(what, { from, found });
    return found;
  };
}

function indexOrEnd(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? text.length : found;
}

const ENDS = new Uint8Array(128);
for (const character of ' \t\r\n\f\v"\'`<>;,)}]&|\\') ENDS[character.charCodeAt(0)] = 1;

function endOfBare(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code < 128 ? ENDS[code] === 1 : code > 0x2000) break;
    at++;
  }
  return at;
}

/** Past blanks; over the end of a line only where a colon promised a value and nothing else was on its line. */
function skipBlanks(text: string, from: number, lines: boolean): number {
  let at = from;
  for (let most = 40; most > 0; most--) {
    const code = text.charCodeAt(at);
    if (code === 32 || code === 9 || (lines && (code === 10 || code === 13))) at++;
    else break;
  }
  return at;
}

/** The first blank of a quoted value; -1 where there is none within what is looked at. */
function blankWithin(text: string, start: number, end: number): number {
  for (let at = start; at < Math.min(end, start + 4096); at++) {
    const code = text.charCodeAt(at);
    if (code === 32 || code === 9) return at;
  }
  return -1;
}
