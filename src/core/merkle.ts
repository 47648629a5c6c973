/**
 * The Merkle tree of RFC 6962, section 2.1. A tree is named by its size; a hash is 32 bytes; sizes and indexes are safe
 * integers. The hash function is passed in.
 */

export type Sha256 = (data: Uint8Array) => Uint8Array;

export const HASH_BYTES = 32;

/** RFC 6962, section 2.1: `SHA-256(0x00 || entry)`. */
export function leafHash(entry: Uint8Array, sha256: Sha256): Uint8Array {
  const data = new Uint8Array(1 + entry.length);
  data.set(entry, 1);
  return sha256(data);
}

/** RFC 6962, section 2.1: `SHA-256(0x01 || left || right)`. */
export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  const data = new Uint8Array(1 + 2 * HASH_BYTES);
  data[0] = 1;
  data.set(left, 1);
  data.set(right, 1 + HASH_BYTES);
  return sha256(data);
}

/** The hash over a power of two of neighbouring hashes of one height. */
export function perfectHash(hashes: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < row.length; i += 2) above.push(nodeHash(row[i]!, row[i + 1]!, sha256));
    row = above;
  }
  return row[0]!;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * What is needed to append: the root of each perfect subtree, largest first; one for each bit set in the size.
 * Appending takes one hash on average and at most log2(size).
 */
export class Frontier {
  readonly #sha256: Sha256;
  readonly #peaks: Uint8Array[];
  #size: number;

  constructor(sha256: Sha256, size = 0, peaks: readonly Uint8Array[] = []) {
    this.#sha256 = sha256;
    this.#size = size;
    this.#peaks = [...peaks];
  }

  get size(): number {
    return this.#size;
  }

  /** `completed` is told each perfect subtree that the leaf completes, lowest first, the leaf itself as height 0. */
  append(leaf: Uint8Array, completed: (height: number, hash: Uint8Array) => void = () => {}): void {
    let hash = leaf;
    let height = 0;
    completed(height, hash);
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      hash = nodeHash(this.#peaks.pop()!, hash, this.#sha256);
      height += 1;
      completed(height, hash);
    }
    this.#peaks.push(hash);
    this.#size += 1;
  }

  root(): Uint8Array {
    if (this.#peaks.length === 0) return this.#sha256(new Uint8Array());
    return this.#peaks.reduceRight((right, left) => nodeHash(left, right, this.#sha256));
  }

  clone(): Frontier {
    return new Frontier(this.#sha256, this.#size, this.#peaks);
  }
}

/** The hash of the perfect subtree over the leaves `index * 2^height` up to `(index + 1) * 2^height`. */
export type ReadNode = (height: number, index: number) => Uint8Array;

/** The largest power of two that is smaller than `n`; `n` is at least 2. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** RFC 6962, section 2.1: `MTH(D[start:end])`, for a range that the recursive definition reaches. */
function rangeHash(start: number, end: number, read: ReadNode, sha256: Sha256): Uint8Array {
  const length = end - start;
  const height = Math.round(Math.log2(length));
  if (2 ** height === length) return read(height, start / length);
  const middle = start + split(length);
  return nodeHash(rangeHash(start, middle, read, sha256), rangeHash(middle, end, read, sha256), sha256);
}

/** The root of the tree of `size` leaves. */
export function rootHash(size: number, read: ReadNode, sha256: Sha256): Uint8Array {
  return size === 0 ? sha256(new Uint8Array()) : rangeHash(0, size, read, sha256);
}

/**
 * RFC 6962, section 2.1.1: the audit path of the leaf, from its sibling up to a child of the root. Reads O(log size).
 *
 * @throws RangeError when the leaf is not in the tree.
 */
export function inclusionProof(index: number, size: number, read: ReadNode, sha256: Sha256): Uint8Array[] {
  if (index < 0 || index >= size) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const path: Uint8Array[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.push(rangeHash(middle, end, read, sha256));
      end = middle;
    } else {
      path.push(rangeHash(start, middle, read, sha256));
      start = middle;
    }
  }
  return path.reverse();
}

/**
 * RFC 6962, section 2.1.2: proves that the tree of `oldSize` is a prefix of the tree of `size`. Empty when either
 * nothing or everything is old.
 *
 * @throws RangeError when the old tree is the larger one.
 */
export function consistencyProof(oldSize: number, size: number, read: ReadNode, sha256: Sha256): Uint8Array[] {
  if (oldSize < 0 || oldSize > size) throw new RangeError(`a tree of ${oldSize} is no prefix of a tree of ${size}`);
  if (oldSize === 0) return [];
  const path: Uint8Array[] = [];
  let [start, end] = [0, size];
  // `end === oldSize` ends the recursion; the hash of that range is known to the verifier only when it starts at 0.
  while (end !== oldSize) {
    const middle = start + split(end - start);
    if (oldSize <= middle) {
      path.push(rangeHash(middle, end, read, sha256));
      end = middle;
    } else {
      path.push(rangeHash(start, middle, read, sha256));
      start = middle;
    }
  }
  if (start !== 0) path.push(rangeHash(start, end, read, sha256));
  return path.reverse();
}

/** RFC 9162, section 2.1.3.2 (the same tree as RFC 6962): whether the path leads from the leaf to the root. */
export function verifyInclusion(
  claim: { index: number; size: number; leaf: Uint8Array; path: readonly Uint8Array[]; root: Uint8Array },
  sha256: Sha256,
): boolean {
  if (claim.index < 0 || claim.index >= claim.size) return false;
  let [node, last] = [claim.index, claim.size - 1];
  let hash = claim.leaf;
  for (const sibling of claim.path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash, sha256);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling, sha256);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && sameBytes(hash, claim.root);
}

/** RFC 9162, section 2.1.4.2: whether the path proves that the old tree is a prefix of the new one. */
export function verifyConsistency(
  claim: { oldSize: number; oldRoot: Uint8Array; size: number; root: Uint8Array; path: readonly Uint8Array[] },
  sha256: Sha256,
): boolean {
  const { oldSize, oldRoot, size, root } = claim;
  if (oldSize < 0 || oldSize > size) return false;
  if (oldSize === 0) return claim.path.length === 0 && sameBytes(oldRoot, sha256(new Uint8Array()));
  if (oldSize === size) return claim.path.length === 0 && sameBytes(oldRoot, root);
  // A perfect old tree is itself the first hash of the path, and is left out of it.
  const path = Number.isInteger(Math.log2(oldSize)) && 2 ** Math.log2(oldSize) === oldSize ? [oldRoot] : [];
  path.push(...claim.path);
  const first = path.shift();
  if (first === undefined) return false;
  let [node, last] = [oldSize - 1, size - 1];
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  let [oldHash, newHash] = [first, first];
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(sibling, oldHash, sha256);
      newHash = nodeHash(sibling, newHash, sha256);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      newHash = nodeHash(newHash, sibling, sha256);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && sameBytes(oldHash, oldRoot) && sameBytes(newHash, root);
}
