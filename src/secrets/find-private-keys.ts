import type { FoundSecret } from './found.ts';

const BEGIN = '-----BEGIN ';
const LABEL = /-----BEGIN ([A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?)-----/y;

/** What stands between the lines of a key: base64, header lines, and line ends that may be escaped. */
const BODY = /[A-Za-z0-9+/=\s\\:,."']*/y;

/** Fewer characters of base64 than this are no key of any kind. */
const LEAST_KEY = 40;

/** Private keys in PEM (RFC 7468) and OpenPGP armour, from the first dash to the last, also where the end is missing. */
export function* findPrivateKeys(text: string): Generator<FoundSecret> {
  let at = text.indexOf(BEGIN);
  while (at !== -1) {
    LABEL.lastIndex = at;
    const label = LABEL.exec(text);
    let next = at + BEGIN.length;
    if (label !== null) {
      next = bodyEnd(text, at + label[0].length);
      if (keyLength(text.slice(at + label[0].length, next)) >= LEAST_KEY) {
        const ending = `-----END ${label[1]}-----`;
        const end = text.startsWith(ending, next) ? next + ending.length : next;
        yield { start: at, end, rule: 'private-key', certainty: 'certain' };
        next = end;
      }
    }
    at = text.indexOf(BEGIN, next);
  }
  yield* findPuttyKeys(text);
}

const PUTTY = /Private-Lines: \d{1,3}\r?\n(?:[A-Za-z0-9+/=]{1,64}\r?\n){1,100}/y;

/** Keys in PuTTY's own format, which has no armour. */
function* findPuttyKeys(text: string): Generator<FoundSecret> {
  if (!text.includes('PuTTY-User-Key-File-')) return;
  for (let at = text.indexOf('Private-Lines: '); at !== -1; at = text.indexOf('Private-Lines: ', at + 15)) {
    PUTTY.lastIndex = at;
    const found = PUTTY.exec(text);
    if (found !== null && keyLength(found[0].slice(found[0].indexOf('\n'))) >= LEAST_KEY) {
      yield { start: at, end: at + found[0].length, rule: 'private-key', certainty: 'certain' };
    }
  }
}

function bodyEnd(text: string, from: number): number {
  BODY.lastIndex = from;
  BODY.exec(text);
  let end = BODY.lastIndex;
  // A header such as `DEK-Info` holds one dash; five of them are the end.
  while (text[end] === '-' && text[end + 1] !== '-' && end < text.length) {
    BODY.lastIndex = end + 1;
    BODY.exec(text);
    end = BODY.lastIndex;
  }
  return end;
}

function keyLength(body: string): number {
  return body.replace(/\\[nrt]|[^A-Za-z0-9+/=]/g, '').length;
}
