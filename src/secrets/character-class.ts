/**
 * Classes of ASCII characters as bits, so that a scanner asks one table. Everything beyond ASCII is in no class.
 * The letters are those of the patterns in token-formats.ts.
 */
export const CLASS_OF_LETTER = {
  d: 1, // digits
  h: 2, // hexadecimal digits of either case
  l: 4, // lower-case letters and digits
  U: 8, // upper-case letters and digits
  a: 16, // letters and digits
  u: 32, // base64url: letters, digits, `-`, `_`
  b: 64, // base64: letters, digits, `+`, `/`
  t: 128, // what tokens are made of: letters, digits, `-`, `_`, `=`, `.`, `~`
} as const;

export type ClassLetter = keyof typeof CLASS_OF_LETTER;

const TABLE = new Uint8Array(128);

for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  const digit = /[0-9]/.test(character);
  const letter = /[A-Za-z]/.test(character);
  const add = (name: ClassLetter, belongs: boolean) => {
    if (belongs) TABLE[code]! |= CLASS_OF_LETTER[name];
  };
  add('d', digit);
  add('h', /[0-9A-Fa-f]/.test(character));
  add('l', digit || /[a-z]/.test(character));
  add('U', digit || /[A-Z]/.test(character));
  add('a', digit || letter);
  add('u', digit || letter || /[-_]/.test(character));
  add('b', digit || letter || /[+/]/.test(character));
  add('t', digit || letter || /[-_=.~]/.test(character));
}

/** Whether the UTF-16 code unit belongs to the class; `NaN`, as `charCodeAt` says beyond the end, to none. */
export function isIn(mask: number, code: number): boolean {
  return code < 128 && (TABLE[code]! & mask) !== 0;
}

export const isAlphanumeric = (code: number): boolean => isIn(CLASS_OF_LETTER.a, code);

/** The end of the run of a class from a place, at most `most` characters on. */
export function runEnd(text: string, from: number, mask: number, most: number): number {
  const limit = Math.min(text.length, from + most);
  let at = from;
  while (at < limit && isIn(mask, text.charCodeAt(at))) at++;
  return at;
}
