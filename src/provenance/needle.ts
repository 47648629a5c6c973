import { eachKey, isWordByte, SURE } from './keys.ts';

/** Of a value, so many keys are looked up: more would only rule out what the text itself soon does. */
const KEYS_LOOKED_UP = 24;

/** A value that is looked up, in a form of the texts, and what of it is made only when it is needed. */
export class Needle {
  readonly bytes: Buffer;
  readonly #cut: boolean;
  #joined: Buffer | undefined;
  #keys: readonly number[] | undefined;
  #grams: readonly number[] | undefined;

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
  get keys(): readonly number[] {
    if (this.#cut) return this.grams;
    return (this.#keys ??= keysOf(this.bytes, true));
  }

  /** Keys of every block in which it stands with any borders, or none; none where it is too short for that. */
  get grams(): readonly number[] {
    return (this.#grams ??= this.joined.length < SURE ? [] : keysOf(this.joined, false));
  }
}

function keysOf(bytes: Buffer, withWords: boolean): number[] {
  const keys: number[] = [];
  // Scripts without spaces have no words.
  const words = withWords && !bytes.some((byte) => byte >= 0x80);
  eachKey(bytes, 0, bytes.length, (key, word) => (word === 0 || words ? keys.push(key) : 0) < KEYS_LOOKED_UP);
  return keys;
}

/** The bytes of words alone, without what stands between. */
function wordBytes(bytes: Buffer): Buffer {
  if (bytes.every(isWordByte)) return bytes;
  const kept = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (const byte of bytes) if (isWordByte(byte)) kept[length++] = byte;
  return kept.subarray(0, length);
}
