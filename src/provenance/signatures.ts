/** Bits of a block's signature, and how many of them one key sets. Of a full block, one key in a hundred is there by chance. */
const BITS = 16_384;
const PROBES = 4;
/** Keys that a block takes at most. */
export const KEYS = 1365;

/** Blocks whose signatures are turned around together, and how many of those are put together again. */
const NARROW = 32;
const WIDE = 32;

/**
 * The signatures (Bloom filters) of all full blocks, turned around: a row for each bit, in it a bit for each block. A key
 * is looked up in all blocks at once, by a few rows.
 */
export class Signatures {
  /** Not yet enough to be turned around. */
  readonly #loose: Uint32Array[] = [];
  readonly #narrow: Uint32Array[] = [];
  readonly #wide: Uint32Array[] = [];
  bytes = 0;

  /** Numbers blocks as they come. */
  add(signature: Uint32Array): void {
    this.#loose.push(signature);
    this.bytes += signature.byteLength;
    if (this.#loose.length < NARROW) return;
    this.#narrow.push(turned(this.#loose));
    this.#loose.length = 0;
    if (this.#narrow.length < WIDE) return;
    this.#wide.push(joined(this.#narrow));
    this.#narrow.length = 0;
  }

  /** Numbers of the blocks that may have all of the keys, in order. */
  *having(keys: readonly number[]): Generator<number> {
    let first = 0;
    for (const table of this.#wide) {
      for (let column = 0; column < WIDE; column++) {
        const blocks = common(table, WIDE, column, keys);
        if (blocks !== 0) yield* bitsOf(blocks, first);
        first += NARROW;
      }
    }
    for (const table of this.#narrow) {
      const blocks = common(table, 1, 0, keys);
      if (blocks !== 0) yield* bitsOf(blocks, first);
      first += NARROW;
    }
    for (const signature of this.#loose) {
      if (mayHave(signature, keys)) yield first;
      first += 1;
    }
  }
}

export function emptySignature(): Uint32Array {
  return new Uint32Array(BITS / 32);
}

/** @returns whether the signature did not have the key yet. */
export function sign(signature: Uint32Array, key: number): boolean {
  let isNew = false;
  const step = stepOf(key);
  for (let probe = 0, at = key; probe < PROBES; probe++, at += step) {
    const row = at & (BITS - 1);
    const bit = 1 << (row & 31);
    if ((signature[row >>> 5]! & bit) !== 0) continue;
    signature[row >>> 5]! |= bit;
    isNew = true;
  }
  return isNew;
}

/** Whether all of the keys may be in the block; `false` is certain. */
export function mayHave(signature: Uint32Array, keys: readonly number[]): boolean {
  for (let which = 0; which < keys.length; which++) {
    const key = keys[which]!;
    const step = stepOf(key);
    for (let probe = 0, at = key; probe < PROBES; probe++, at += step) {
      const row = at & (BITS - 1);
      if ((signature[row >>> 5]! & (1 << (row & 31))) === 0) return false;
    }
  }
  return true;
}

function stepOf(key: number): number {
  return (key >>> 14) | 1;
}

/** The blocks of one column that may have all of the keys, as bits. */
function common(table: Uint32Array, width: number, column: number, keys: readonly number[]): number {
  let blocks = -1;
  for (let which = 0; which < keys.length; which++) {
    const key = keys[which]!;
    const step = stepOf(key);
    for (let probe = 0, at = key; probe < PROBES; probe++, at += step) {
      blocks &= table[(at & (BITS - 1)) * width + column]!;
      if (blocks === 0) return 0;
    }
  }
  return blocks;
}

function* bitsOf(blocks: number, first: number): Generator<number> {
  for (let bit = 0, left = blocks; left !== 0; bit++, left >>>= 1) if ((left & 1) !== 0) yield first + bit;
}

function turned(signatures: readonly Uint32Array[]): Uint32Array {
  const table = new Uint32Array(BITS);
  for (const [block, signature] of signatures.entries()) {
    for (let word = 0; word < signature.length; word++) {
      // Most bits are not set.
      for (let left = signature[word]!, bit = 0; left !== 0; bit++, left >>>= 1) {
        if ((left & 1) !== 0) table[word * 32 + bit]! |= 1 << block;
      }
    }
  }
  return table;
}

function joined(tables: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(BITS * WIDE);
  for (const [column, table] of tables.entries()) {
    for (let row = 0; row < BITS; row++) whole[row * WIDE + column] = table[row]!;
  }
  return whole;
}
