import { CLASS_OF_LETTER, isAlphanumeric, isIn } from './character-class.ts';

/** A name with what may be its value: where the value's text begins, and how the two are joined. */
export type Place = { name: string; from: number; joined: 'operator' | 'colon' | 'argument' | 'flag' | 'sentence' };

/** `setApiKey('…')`. */
const SETTER = /^(?:set|with|use|put|add)[A-Z_]/;

const MOST_NAME = 64;
const [SPACE, QUOTE, APOSTROPHE, PARENTHESIS, COMMA, DASH, COLON, EQUALS, GREATER, BACKTICK, PIPE] = [
  32, 34, 39, 40, 44, 45, 58, 61, 62, 96, 124,
];

const OF_OPERATOR = 1;
const BLANK = 2;
const CLOSING = 4;
/** Letters, digits, `_`, `-`, `.`, `$` and blanks; and what is beyond ASCII. */
const OF_NAME = 8;

const PLACES = new Uint8Array(128);
const put = (mask: number, characters: string) => {
  for (const character of characters) PLACES[character.charCodeAt(0)]! |= mask;
};
put(OF_OPERATOR, '?:+=<~!-');
put(BLANK, ' \t');
put(CLOSING, '"\'`\\])');
put(OF_NAME, ' \t_-.$');
for (let code = 0; code < 128; code++) if (isAlphanumeric(code)) PLACES[code]! |= OF_NAME;

/** The name and the place of the value, where an operator that joins the two is at `at`; else `null`. */
export function readNamed(text: string, at: number): Place | null {
  switch (text.charCodeAt(at)) {
    case EQUALS:
      return beforeType(text, placeOf(text, at, 'operator', text[at + 1] === '>' ? at + 2 : at + 1), at);
    case COLON:
      if (text.startsWith('//', at + 1)) return null;
      return placeOf(text, at, 'colon', text[at + 1] === ':' || text[at + 1] === '=' ? at + 2 : at + 1);
    case GREATER:
      return placeOf(text, at, 'operator', at + 1);
    case PIPE:
      return text[at - 1] === '|' ? placeOf(text, at - 1, 'operator', at + 1) : null;
    case COMMA:
      return isQuote(text.charCodeAt(at - 1)) ? placeOf(text, at, 'argument', at + 1) : null;
    case PARENTHESIS: {
      if (!isQuote(text.charCodeAt(at + 1))) return null;
      const place = placeOf(text, at, 'argument', at + 1);
      // Of a path of names, as in `builder.setApiKey`, the last.
      const name = place?.name.slice(place.name.lastIndexOf('.') + 1).trim() ?? '';
      return place !== null && SETTER.test(name) ? { ...place, name } : null;
    }
    case DASH:
      return text.charCodeAt(at + 1) === DASH && !isIn(CLASS_OF_LETTER.u, text.charCodeAt(at - 1))
        ? flagOf(text, at + 2)
        : null;
    case SPACE:
      return text.startsWith('is ', at + 1) ? placeOf(text, at, 'sentence', at + 4) : null;
    default:
      return null;
  }
}

export const isQuote = (code: number): boolean => code === QUOTE || code === APOSTROPHE || code === BACKTICK;

/** `apiKey: String = …`: the name stands before its type. */
function beforeType(text: string, place: Place | null, operator: number): Place | null {
  const type =
    place === null ? null : /^\s*(?:&?(?:static\s)?str|String|string|NSString|any|object|text)\s*$/i.exec(place.name);
  if (place === null || type === null) return place;
  const colon = text.lastIndexOf(':', operator);
  return colon === -1 || operator - colon > 40 ? place : (placeOf(text, colon, 'operator', place.from) ?? place);
}

/** Reads the name that ends before an operator, leftwards: past the operator's own start, blanks and closing quotes. */
function placeOf(text: string, operator: number, joined: Place['joined'], from: number): Place | null {
  let end = skipBack(text, operator, OF_OPERATOR, 3);
  end = skipBack(text, end, BLANK, 40);
  end = skipBack(text, end, CLOSING, 4);
  const start = skipBack(text, end, OF_NAME, MOST_NAME);
  return start === end ? null : { name: text.slice(start, end), from, joined };
}

function skipBack(text: string, from: number, mask: number, most: number): number {
  const least = Math.max(0, from - most);
  let at = from;
  while (at > least) {
    const code = text.charCodeAt(at - 1);
    if (code < 128 ? (PLACES[code]! & mask) === 0 : mask !== OF_NAME) break;
    at--;
  }
  return at;
}

/** `--name value` of a command line. */
function flagOf(text: string, start: number): Place | null {
  let end = start;
  while (end - start < MOST_NAME && isIn(CLASS_OF_LETTER.u, text.charCodeAt(end))) end++;
  if (text.charCodeAt(end) !== SPACE || end === start || text.charCodeAt(end + 1) === DASH) return null;
  return { name: text.slice(start, end), from: end + 1, joined: 'flag' };
}
