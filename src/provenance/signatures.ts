/** Bits of a block's signature, and how many of them one key sets: of a full block, one key in a hundred is there by chance. */
export const BITS = 12_288;
const PROBES = 4;
/** Keys that a block takes at most. */
export const KEYS = 1024;

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
    const rows = keys.flatMap(rowsOf);
    let first = 0;
    for (const table of this.#wide) {
      yield* inTable(table, WIDE, rows, first);
      first += WIDE * NARROW;
    }
    for (const table of this.#narrow) {
      yield* inTable(table, 1, rows, first);
      first += NARROW;
    }
    for (const signature of this.#loose) {
      if (rows.every((row) => hasBit(signature, row))) yield first;
      first += 1;
    }
  }
}

/** @returns whether the signature did not have the key yet. */
export function sign(signature: Uint32Array, key: number): boolean {
  let isNew = false;
  let row = key % BITS;
  const step = stepOf(key);
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = 1 << (row & 31);
    if ((signature[row >>> 5]! & bit) === 0) {
      signature[row >>> 5]! |= bit;
      isNew = true;
    }
    row = (row + step) % BITS;
  }
  return isNew;
}

function rowsOf(key: number): number[] {
  const step = stepOf(key);
  return Array.from({ length: PROBES }, (_none, probe) => ((key % BITS) + probe * step) % BITS);
}

function stepOf(key: number): number {
  return 1 + ((Math.imul(key, 0x9e3779b1) >>> 0) % (BITS - 1));
}

function hasBit(signature: Uint32Array, row: number): boolean {
  return (signature[row >>> 5]! & (1 << (row & 31))) !== 0;
}

function* inTable(table: Uint32Array, width: number, rows: readonly number[], first: number): Generator<number> {
  for (let column = 0; column < width; column++) {
    let blocks = -1;
    for (const row of rows) {
      blocks &= table[row * width + column]!;
      if (blocks === 0) break;
    }
    for (let bit = 0; blocks !== 0; bit++, blocks >>>= 1) {
      if ((blocks & 1) !== 0) yield first + column * NARROW + bit;
    }
  }
}

function turned(signatures: readonly Uint32Array[]): Uint32Array {
  const table = new Uint32Array(BITS);
  for (const [block, signature] of signatures.entries()) {
    for (let row = 0; row < BITS; row++) if (hasBit(signature, row)) table[row]! |= 1 << block;
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
