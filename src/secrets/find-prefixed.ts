import { CLASS_OF_LETTER, isIn, runEnd } from './character-class.ts';
import type { FoundSecret } from './found.ts';
import { isPlaceholder } from './placeholder.ts';
import { looksDrawn, makeupOf, type Makeup } from './randomness.ts';
import { TOKEN_FORMATS } from './token-formats.ts';

/** A word, up to two more, and what they are the prefix of: how most issuers write what they give out now. */
const PREFIXED = /^([A-Za-z][A-Za-z0-9]{1,11})[_-]((?:[a-z][a-z0-9]{1,9}[_-]){0,2})([A-Za-z0-9_-]{22,200})$/;

/** Beginnings of what is shown to everybody, or only identifies. */
const SHOWN =
  /^(?:pk|pub|public|sha\d*|md5|css|ids?|cursor|page|next|etag|hash|rev|ref|version|build|chunk|req|request|trace|span|session|cs|pi|seti)$/i;

/** Words by which a prefix says that it is of a secret: `sk-…`, `bb_live_…`, `n8n_api_…`, `snyk_sat…`. */
const SAYS_SO = /^(?:sk|rk|pat|sat|token|apikey|api|secret|live|prod)$/;

/** Whose formats are known: what begins so and is none of them is none. */
const KNOWN = new Set(TOKEN_FORMATS.map(({ pattern }) => pattern.prefix.split(/[_-]/)[0]!));

const LEAST = 26;
const MOST = 230;

/** Tokens of issuers that nobody here knows: a prefix of words, and behind it what can only be drawn at random. */
export function* findPrefixed(text: string): Generator<FoundSecret> {
  const belongs = (place: number) => isIn(CLASS_OF_LETTER.u, text.charCodeAt(place));
  for (let at = 0; at + LEAST <= text.length;) {
    // A run begins at `at`, or nowhere: from its far end, most texts are passed by in a few looks.
    let other = at + LEAST - 1;
    while (other >= at && belongs(other)) other--;
    if (other >= at) {
      at = other + 1;
      continue;
    }
    const end = runEnd(text, at, CLASS_OF_LETTER.u, text.length);
    // The letter of an escape, as in `\n`, is no part of it.
    const start = text[at - 1] === '\\' && /[nrt]/.test(text[at]!) ? at + 1 : at;
    const length = end - start;
    if (length >= LEAST && length <= MOST && !isPart(text, start, end) && isToken(text.slice(start, end))) {
      yield { start, end, rule: 'prefixed-token', certainty: 'likely' };
    }
    at = end;
  }
}

function isToken(run: string): boolean {
  const [, prefix = '', words = '', body = ''] = PREFIXED.exec(run) ?? [];
  if (body === '' || SHOWN.test(prefix) || isPlaceholder(body)) return false;
  const said = [prefix, ...words.split(/[_-]/)].some((word) => SAYS_SO.test(word));
  if (KNOWN.has(prefix) && !(said && prefix === 'sk')) return false;
  const made = makeupOf(body);
  if (!looksDrawn(body, made)) return false;
  // By chance a text in base64 begins so, too: then it is no word, or goes on with the same signs.
  if (made.others > 0) return /^[a-z]{3,}$/.test(prefix) && body.length >= 40 && isMixed(made);
  if (said) return body.length >= 24 && made.digits * 8 >= made.length;
  return isMixed(made) ? body.length >= 32 : body.length >= 40 && isBase36(body, made);
}

function isMixed({ length, digits, lower, upper, changes }: Makeup): boolean {
  // Of 62 signs each drawn as often as the others, the rarest kind are digits.
  return digits * 20 > length && lower * 6 > length && upper * 6 > length && changes * 5 > length;
}

/** Letters of one case with digits all over, and more letters than a number has. */
function isBase36(body: string, { length, digits, changes }: Makeup): boolean {
  return !/^[0-9a-f]+$/i.test(body) && digits * 7 > length && changes * 4 > length;
}

/** Of a longer text in code, of a path or of a file's name. */
function isPart(text: string, start: number, end: number): boolean {
  return '+/.%'.includes(text[start - 1] ?? ' ') || '+/.='.includes(text[end] ?? ' ');
}
