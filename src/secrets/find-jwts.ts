import { CLASS_OF_LETTER, isIn, runEnd } from './character-class.ts';
import type { FoundSecret } from './found.ts';

const BASE64URL = CLASS_OF_LETTER.u;

/** Of how many characters a header may consist to be read. */
const HEADER = 4096;

/** JSON Web Tokens in compact form, signed (RFC 7515), encrypted (RFC 7516) or neither; known by the algorithm that their header names. */
export function* findJwts(text: string): Generator<FoundSecret> {
  let at = text.indexOf('eyJ');
  while (at !== -1) {
    const headerEnd = runEnd(text, at, BASE64URL, Infinity);
    let end = headerEnd;
    let dots = 0;
    if (!isIn(BASE64URL, text.charCodeAt(at - 1)))
      while (dots < 4 && text[end] === '.') {
        end = runEnd(text, end + 1, BASE64URL, Infinity);
        dots++;
      }
    if (dots >= 2 && isHeader(text.slice(at, Math.min(headerEnd, at + HEADER))))
      yield { start: at, end, rule: 'jwt', certainty: 'certain' };
    // Another may begin at a dot of what was no token, but nowhere within its runs.
    at = text.indexOf('eyJ', headerEnd);
  }
}

/** `"alg"` in base64, at each of the three places where it may begin within a group of three bytes. */
const NAMES_ALGORITHM = /ImFsZyI|JhbGci|iYWxnI/;

function isHeader(encoded: string): boolean {
  return NAMES_ALGORITHM.test(encoded);
}
