import { eachKey, isWordByte, SURE } from './keys.ts';
import { rowsOf } from './signatures.ts';

/** Of a value, so many keys are looked up: more would only rule out what the text itself soon does. */
const KEYS_LOOKED_UP = 8;

/** A value that is looked up, in a form of the texts, and what of it is made only when it is needed. */
export class Needle {
  readonly bytes: Buffer;
  #joined: Buffer | undefined;
  #rows: number[] | undefined;

  constructor(form: string) {
    this.bytes = Buffer.from(form, 'utf8');
  }

  /** Its letters and digits alone. */
  get joined(): Buffer {
    return (this.#joined ??= wordBytes(this.bytes));
  }

  /** Bits of the signature that every block with the value has. */
  get rows(): readonly number[] {
    return (this.#rows ??= this.#makeRows());
  }

  #makeRows(): number[] {
    const keys = new Set<number>();
    // Words may be divided otherwise in the text, so of a longer value only the grams are sure to be there.
    const sure = this.joined.length < SURE ? this.bytes : this.joined;
    eachKey(sure, 0, sure.length, (key) => keys.add(key).size < KEYS_LOOKED_UP);
    return [...keys].flatMap(rowsOf);
  }
}

/** The bytes of words alone, without what stands between. */
export function wordBytes(bytes: Buffer): Buffer {
  const kept = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (isWordByte(byte)) kept[length++] = byte;
  }
  return kept.subarray(0, length);
}
