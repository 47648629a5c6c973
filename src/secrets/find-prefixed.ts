import { CLASS_OF_LETTER, isIn, runEnd } from './character-class.ts';
import type { FoundSecret } from './found.ts';
import { isPlaceholder } from './placeholder.ts';
import { looksDrawn, makeupOf } from './randomness.ts';
import { TOKEN_FORMATS } from './token-formats.ts';

/** A word or two before a run of letters and digits: how most issuers write what they give out now. */
const PREFIXED = /^([A-Za-z][A-Za-z0-9]{1,11})[_-](?:[a-z][a-z0-9]{1,9}[_-])?([A-Za-z0-9]{32,200})$/;

/** Beginnings of what is shown to everybody. */
const SHOWN =
  /^(?:pk|pub|public|sha\d*|md5|css|id|ids|cursor|page|next|etag|hash|rev|ref|version|build|chunk|req|request|trace|span|session|cs|pi|seti)$/i;

/** Whose formats are known: what begins so and is none of them is none. */
const KNOWN = new Set(TOKEN_FORMATS.map(({ pattern }) => pattern.prefix.split(/[_-]/)[0]!));

const LONGEST = 230;

/** Tokens of issuers that nobody here knows: a prefix of words, and behind it what can only be drawn from a whole alphabet. */
export function* findPrefixed(text: string): Generator<FoundSecret> {
  for (let at = 0; at < text.length;) {
    if (!isIn(CLASS_OF_LETTER.u, text.charCodeAt(at))) {
      at++;
      continue;
    }
    const end = runEnd(text, at, CLASS_OF_LETTER.u, text.length);
    if (end - at >= 35 && end - at <= LONGEST && !isPart(text, at, end)) {
      const [, prefix, body] = PREFIXED.exec(text.slice(at, end)) ?? [];
      if (prefix !== undefined && body !== undefined && !SHOWN.test(prefix) && !KNOWN.has(prefix) && isDrawn(body)) {
        yield { start: at, end, rule: 'prefixed-token', certainty: 'likely' };
      }
    }
    at = end;
  }
}

/** Of a longer text in code, of a path or of a file's name. */
function isPart(text: string, start: number, end: number): boolean {
  return '+/.%'.includes(text[start - 1] ?? ' ') || '+/.='.includes(text[end] ?? ' ');
}

function isDrawn(body: string): boolean {
  const made = makeupOf(body);
  const least = made.length / 12;
  const mixed = made.digits >= least && made.lower >= least && made.upper >= least;
  return mixed && made.changes * 5 > made.length && looksDrawn(body, made) && !isPlaceholder(body);
}
