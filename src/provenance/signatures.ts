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

  /** Numbers of the blocks that may have all keys of which these are the rows, in order. */
  *having(rows: readonly number[]): Generator<number> {
    let first = 0;
    for (const table of this.#wide) {
      for (let column = 0; column < WIDE; column++) {
        const blocks = common(table, WIDE, column, rows);
        if (blocks !== 0) yield* bitsOf(blocks, first);
        first += NARROW;
      }
    }
    for (const table of this.#narrow) {
      const blocks = common(table, 1, 0, rows);
      if (blocks !== 0) yield* bitsOf(blocks, first);
      first += NARROW;
    }
    for (const signature of this.#loose) {
      if (rows.every((row) => hasBit(signature, row))) yield first;
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

/** The bits that one key sets. */
export function rowsOf(key: number): number[] {
  const step = stepOf(key);
  return Array.from({ length: PROBES }, (_none, probe) => (key + probe * step) & (BITS - 1));
}

function stepOf(key: number): number {
  return (key >>> 14) | 1;
}

function hasBit(signature: Uint32Array, row: number): boolean {
  return (signature[row >>> 5]! & (1 << (row & 31))) !== 0;
}

/** The blocks of one column that have all rows, as bits. */
function common(table: Uint32Array, width: number, column: number, rows: readonly number[]): number {
  let blocks = -1;
  for (let at = 0; at < rows.length && blocks !== 0; at++) blocks &= table[rows[at]! * width + column]!;
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
