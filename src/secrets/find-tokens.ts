import { CLASS_OF_LETTER, isAlphanumeric, isIn } from './character-class.ts';
import type { FoundSecret } from './found.ts';
import { isPlaceholder } from './placeholder.ts';
import { looksDrawn, looksWorded, makeupOf } from './randomness.ts';
import { TOKEN_FORMATS, type TokenFormat } from './token-formats.ts';
import { matchEnd } from './token-pattern.ts';

/** Formats by the first two characters of their prefixes, so that most places of a text cost one look. */
const BY_START = new Map<number, TokenFormat[]>();
const STARTS = new Uint8Array(128);

for (const format of TOKEN_FORMATS) {
  const { prefix } = format.pattern;
  const start = prefix.charCodeAt(0) * 128 + prefix.charCodeAt(1);
  BY_START.set(start, [...(BY_START.get(start) ?? []), format]);
  STARTS[prefix.charCodeAt(0)] = 1;
}

/** Tokens known by their format, wherever they stand. */
export function* findTokens(text: string): Generator<FoundSecret> {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 128 || STARTS[code] === 0 || !beginsToken(text, at)) continue;
    const found = longestAt(text, at, code);
    if (found === null) continue;
    yield found;
    at = found.end - 1;
  }
}

function longestAt(text: string, at: number, code: number): FoundSecret | null {
  let longest: FoundSecret | null = null;
  for (const format of BY_START.get(code * 128 + text.charCodeAt(at + 1)) ?? []) {
    if (!text.startsWith(format.pattern.prefix, at)) continue;
    const end = matchEnd(text, at, format.pattern);
    if (end <= (longest?.end ?? 0) || isPartOfName(text, at, end, format)) continue;
    if (!format.fixed && !couldBeReal(text.slice(at + format.pattern.prefix.length, end))) continue;
    longest = { start: at, end, rule: format.rule, certainty: format.certainty };
  }
  return longest;
}

/** Whether a token could begin here: nothing of the kind is before it, but for an escape of a URL or of JSON. */
function beginsToken(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  if (!isIn(CLASS_OF_LETTER.u, before)) return true;
  if (text[at - 3] === '%') return isIn(CLASS_OF_LETTER.h, before) && isIn(CLASS_OF_LETTER.h, text.charCodeAt(at - 2));
  return text[at - 2] === '\\' && /[nrt]/.test(text[at - 1]!);
}

/** A short prefix after or before a dot, as in `logo.ico-…` and `pul-….png`, is a piece of a file's name. */
function isPartOfName(text: string, at: number, end: number, { pattern }: TokenFormat): boolean {
  if (pattern.prefix.length > 5) return false;
  if (text[at - 1] === '.' && isAlphanumeric(text.charCodeAt(at - 2))) return true;
  return text[end] === '.' && isAlphanumeric(text.charCodeAt(end + 1));
}

function couldBeReal(body: string): boolean {
  const made = makeupOf(body);
  return looksDrawn(body, made) && !isPlaceholder(body) && !(body.length >= 16 && looksWorded(made));
}
