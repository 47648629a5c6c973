import { isWordByte } from './keys.ts';
import type { Match } from './text-index.ts';

/**
 * Of a value that is to be distrusted: no letter or digit goes on before or behind it. Scripts without spaces have no
 * borders; other words count too, where they are long enough not to be met by chance (`loose`).
 */
export const AS_WORDS: Match = {
  begins: (text, place) => isEdge(text[place - 1], text[place]!),
  ends: (text, place) => isEdge(text[place], text[place - 1]!),
  loose: true,
};

/** The same, for what people write: the words as they are. */
export const AS_TEXT: Match = { ...AS_WORDS, loose: false };

function isEdge(neighbour: number | undefined, own: number): boolean {
  return neighbour === undefined || !isWordByte(neighbour) || (neighbour >= 0x80 && own >= 0x80);
}

/** Of what may be a part of a word. */
export const ANYWHERE: Match = { begins: () => true, ends: () => true, loose: true };

const BEFORE = byteSet(' \t\n"\'`([{<>,;:=|$#*~@!?');
const BEHIND = byteSet(' \t\n"\'`)]}<>,;:=|*~!?%');

/**
 * Of a value that is to be trusted: what stands beside it is no part of it for sure. `x.com` is not in `evil-x.com` or
 * `x.com.evil`, `/data` not in `/data/old`, and 30 not in 10:30; `trustForm` sets off a full stop that ends a sentence.
 */
export const AS_VALUE: Match = {
  begins: (text, place) => isFree(BEFORE, text, place - 1),
  ends: (text, place) => isFree(BEHIND, text, place),
  loose: false,
};

const isLineEnd = (byte: number | undefined) => byte === undefined || byte === 0x0a;

/** Of an item of a list: it is the whole line. */
export const AS_LINE: Match = {
  begins: (text, place) => isLineEnd(text[place - 1]),
  ends: (text, place) => isLineEnd(text[place]),
  loose: false,
};

/** Of what stands within a line beside other words, before them or behind. */
export const BESIDE_WORDS: readonly Match[] = [
  { ...AS_TEXT, ends: (text, place) => AS_TEXT.ends(text, place) && !isLineEnd(text[place]) },
  { ...AS_TEXT, begins: (text, place) => AS_TEXT.begins(text, place) && !isLineEnd(text[place - 1]) },
];

function isFree(free: ReadonlySet<number>, text: Buffer, place: number): boolean {
  const byte = text[place];
  if (byte === undefined) return true;
  if (byte < 0x80) return free.has(byte) && !(WITHIN.has(byte) && isDigit(text[place - 1]) && isDigit(text[place + 1]));
  return FREE.test(characterAt(text, place));
}

/** Between digits, they are part of a number or a time. */
const WITHIN = byteSet(".,:'");

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Punctuation of other scripts, and the characters of those that put no space between words. */
const FREE = /^[\p{P}\p{S}\p{Zs}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;

/** The character that has its first or its last byte at `place`. */
function characterAt(text: Buffer, place: number): string {
  let first = place;
  while (first > 0 && (text[first]! & 0xc0) === 0x80) first -= 1;
  return String.fromCodePoint(text.toString('utf8', first, first + 4).codePointAt(0) ?? 0);
}

function byteSet(characters: string): ReadonlySet<number> {
  return new Set(Buffer.from(characters, 'latin1'));
}
