import { findKeys, isWordByte, roomForKeys, SURE } from './keys.ts';

/** Longest value that is looked up in one piece, in bytes. */
export const LONGEST = 128;

/** Of a value, so many keys are looked up: more would only rule out what the text itself soon does. */
const found = roomForKeys(24);

/** A value that is looked up, in a form of the texts, and what of it is made only when it is needed. */
export class Needle {
  readonly bytes: Buffer;
  readonly #cut: boolean;
  #joined: Buffer | undefined;
  #keys: Uint32Array | undefined;
  #grams: Uint32Array | undefined;

  /** @param cut whether words may go on before and behind it, as it is a piece of a longer one. */
  constructor(form: string, cut: boolean) {
    this.bytes = Buffer.from(form, 'utf8');
    this.#cut = cut;
  }

  /** Its letters and digits alone. */
  get joined(): Buffer {
    return (this.#joined ??= wordBytes(this.bytes));
  }

  /** Keys of every block in which it stands as it is, with a border on either side. */
  get keys(): Uint32Array {
    if (this.#cut) return this.grams;
    return (this.#keys ??= keysOf(this.bytes, true));
  }

  /** Keys of every block in which it stands with any borders, or none; none where it is too short for that. */
  get grams(): Uint32Array {
    return (this.#grams ??= this.joined.length < SURE ? NONE : keysOf(this.joined, false));
  }
}

const NONE = new Uint32Array(0);

function keysOf(bytes: Buffer, withWords: boolean): Uint32Array {
  // Scripts without spaces have no words.
  const words = withWords && isAscii(bytes);
  return found.key.slice(0, findKeys(bytes, 0, bytes.length, words, found));
}

function isAscii(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at]! >= 0x80) return false;
  return true;
}

/** The bytes of words alone, without what stands between. */
function wordBytes(bytes: Buffer): Buffer {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) if (isWordByte(bytes[at]!)) length += 1;
  if (length === bytes.length) return bytes;
  const kept = Buffer.allocUnsafe(length);
  length = 0;
  for (let at = 0; at < bytes.length; at++) if (isWordByte(bytes[at]!)) kept[length++] = bytes[at]!;
  return kept;
}

/** A form of a value as what is looked up: a long one in pieces, of which all have to be there. */
export function needlesOf(form: string): readonly Needle[] {
  if (form.length * 3 <= LONGEST || Buffer.byteLength(form) <= LONGEST) {
    return SAYS.test(form) ? [new Needle(form, false)] : [];
  }
  const needles: Needle[] = [];
  for (let start = 0; start < form.length;) {
    let end = Math.min(form.length, start + Math.floor(LONGEST / 3));
    // Not between the halves of a surrogate pair.
    if (end < form.length && /[\ud800-\udbff]/.test(form[end - 1]!)) end -= 1;
    const piece = form.slice(start, end);
    if (SAYS.test(piece)) needles.push(new Needle(piece, true));
    start = end;
  }
  return needles;
}

const SAYS = /[a-z0-9\p{L}\p{N}]/u;
