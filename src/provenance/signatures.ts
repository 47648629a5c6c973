/** Bits of a block's signature, and how many of them one key sets. Of a full block, one key in a hundred is there by chance. */
const BITS = 16_384;
const PROBES = 4;
/** Keys that a block takes at most. */
export const KEYS = 1365;

/** Blocks whose signatures are turned around together, and how many times that many a table has at most. */
const TURNED = 32;
const WIDEST = 16;

/** Signatures of `32 × width` blocks, turned around: a row for each bit, `width` words long, in it a bit for each block. */
type Table = { width: number; rows: Uint32Array };

/**
 * The signatures (Bloom filters) of all full blocks. A key is looked up in many blocks at once, by a few rows. Tables are
 * put together two by two as they come, so there are few.
 */
export class Signatures {
  /** Not yet enough to be turned around. */
  readonly #loose: Uint32Array[] = [];
  readonly #tables: Table[] = [];
  bytes = 0;

  /** Numbers blocks as they come. */
  add(signature: Uint32Array): void {
    this.#loose.push(signature);
    this.bytes += signature.byteLength;
    if (this.#loose.length < TURNED) return;
    let table = turned(this.#loose);
    this.#loose.length = 0;
    for (
      let last = this.#tables.at(-1);
      last?.width === table.width && table.width < WIDEST;
      last = this.#tables.at(-1)
    ) {
      this.#tables.pop();
      table = joined(last, table);
    }
    this.#tables.push(table);
  }

  /**
   * Hands over the numbers of the blocks that may have all of the keys, in order, until `take` says stop.
   *
   * @returns whether it never did.
   */
  each(keys: Uint32Array, take: (block: number) => boolean): boolean {
    const rows = rowsOf(keys);
    let first = 0;
    for (const table of this.#tables) {
      for (let word = 0; word < table.width; word++) {
        for (let left = common(table, word, rows), block = first; left !== 0; block++, left >>>= 1) {
          if ((left & 1) !== 0 && !take(block)) return false;
        }
        first += TURNED;
      }
    }
    for (const signature of this.#loose) {
      if (mayHave(signature, keys) && !take(first)) return false;
      first += 1;
    }
    return true;
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
export function mayHave(signature: Uint32Array, keys: Uint32Array): boolean {
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

/** The rows that the keys are in. */
function rowsOf(keys: Uint32Array): Uint16Array {
  const rows = new Uint16Array(keys.length * PROBES);
  for (let which = 0, row = 0; which < keys.length; which++) {
    const step = stepOf(keys[which]!);
    for (let probe = 0, at = keys[which]!; probe < PROBES; probe++, at += step) rows[row++] = at & (BITS - 1);
  }
  return rows;
}

/** Those of 32 blocks that may have all keys, as bits. */
function common({ rows, width }: Table, word: number, wanted: Uint16Array): number {
  let blocks = -1;
  for (let which = 0; which < wanted.length && blocks !== 0; which++) blocks &= rows[wanted[which]! * width + word]!;
  return blocks;
}

function turned(signatures: readonly Uint32Array[]): Table {
  const rows = new Uint32Array(BITS);
  for (const [block, signature] of signatures.entries()) {
    for (let word = 0; word < signature.length; word++) {
      // Most bits are not set.
      for (let left = signature[word]!, bit = 0; left !== 0; bit++, left >>>= 1) {
        if ((left & 1) !== 0) rows[word * 32 + bit]! |= 1 << block;
      }
    }
  }
  return { width: 1, rows };
}

function joined(left: Table, right: Table): Table {
  const { width } = left;
  const rows = new Uint32Array(BITS * width * 2);
  for (let row = 0; row < BITS; row++) {
    for (let word = 0; word < width; word++) {
      rows[row * 2 * width + word] = left.rows[row * width + word]!;
      rows[(row * 2 + 1) * width + word] = right.rows[row * width + word]!;
    }
  }
  return { width: width * 2, rows };
}
