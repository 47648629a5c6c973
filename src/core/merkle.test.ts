import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  consistencyProof,
  Frontier,
  inclusionProof,
  leafHash,
  rootHash,
  verifyConsistency,
  verifyInclusion,
  type ReadNode,
} from './merkle.ts';

const sha256 = (data: Uint8Array) => new Uint8Array(createHash('sha256').update(data).digest());
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

// The leaves and roots of the test suite of Certificate Transparency's reference implementation.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** The referee: RFC 6962, section 2.1, word for word. Shares no code with the product. */
function mth(d: Buffer[]): Buffer {
  if (d.length === 0) return createHash('sha256').digest();
  if (d.length === 1) return createHash('sha256').update(Buffer.of(0)).update(d[0]!).digest();
  const k = 2 ** Math.ceil(Math.log2(d.length) - 1);
  return createHash('sha256')
    .update(Buffer.of(1))
    .update(mth(d.slice(0, k)))
    .update(mth(d.slice(k)))
    .digest();
}
function path(m: number, d: Buffer[]): Buffer[] {
  if (d.length === 1) return [];
  const k = 2 ** Math.ceil(Math.log2(d.length) - 1);
  if (m < k) return [...path(m, d.slice(0, k)), mth(d.slice(k))];
  return [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
}
function subproof(m: number, d: Buffer[], known: boolean): Buffer[] {
  if (m === d.length) return known ? [] : [mth(d)];
  const k = 2 ** Math.ceil(Math.log2(d.length) - 1);
  if (m <= k) return [...subproof(m, d.slice(0, k), known), mth(d.slice(k))];
  return [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
}

const entriesOf = (size: number) => Array.from({ length: size }, (_, i) => Buffer.from(`entry ${i}`));
const nodesOf =
  (entries: Buffer[]): ReadNode =>
  (height, index) =>
    mth(entries.slice(index * 2 ** height, (index + 1) * 2 ** height));

test('the roots of the reference vectors', () => {
  const frontier = new Frontier(sha256);
  expect(hex(frontier.root())).toBe(ROOTS[0]);
  LEAVES.forEach((leaf, i) => {
    frontier.append(leafHash(bytes(leaf), sha256));
    expect(hex(frontier.root())).toBe(ROOTS[i + 1]);
  });
});

test('proofs of the reference vectors', () => {
  const read = nodesOf(LEAVES.map((leaf) => Buffer.from(leaf, 'hex')));
  expect(inclusionProof(5, 8, read, sha256).map(hex)).toEqual([
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
  expect(consistencyProof(6, 8, read, sha256).map(hex)).toEqual([
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
});

test('roots and proofs are those of the recursive definition, for every leaf and prefix of every small tree', () => {
  const all = entriesOf(33);
  for (let size = 1; size <= all.length; size++) {
    const entries = all.slice(0, size);
    const read = nodesOf(entries);
    const root = mth(entries);
    expect(hex(rootHash(size, read, sha256))).toBe(hex(root));
    for (let m = 0; m < size; m++) {
      const proof = inclusionProof(m, size, read, sha256);
      expect(proof.map(hex)).toEqual(path(m, entries).map(hex));
      const leaf = leafHash(entries[m]!, sha256);
      expect(verifyInclusion({ index: m, size, leaf, path: proof, root }, sha256)).toBe(true);
      expect(verifyInclusion({ index: (m + 1) % size, size, leaf, path: proof, root }, sha256)).toBe(size === 1);
    }
    for (let m = 1; m <= size; m++) {
      const proof = consistencyProof(m, size, read, sha256);
      expect(proof.map(hex)).toEqual(subproof(m, entries, true).map(hex));
      const claim = { oldSize: m, oldRoot: mth(entries.slice(0, m)), size, root, path: proof };
      expect(verifyConsistency(claim, sha256)).toBe(true);
    }
  }
});

test('a changed, shortened or lengthened proof proves nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 70 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1), fc.nat())),
      ([size, m, salt]) => {
        const entries = entriesOf(size);
        const read = nodesOf(entries);
        const root = mth(entries);
        const leaf = leafHash(entries[m]!, sha256);
        const inclusion = inclusionProof(m, size, read, sha256);
        const oldSize = Math.max(1, m);
        const oldRoot = mth(entries.slice(0, oldSize));
        const consistency = consistencyProof(oldSize, size, read, sha256);
        for (const broken of brokenForms(inclusion, salt)) {
          expect(verifyInclusion({ index: m, size, leaf, path: broken, root }, sha256)).toBe(false);
        }
        for (const broken of brokenForms(consistency, salt)) {
          expect(verifyConsistency({ oldSize, oldRoot, size, root, path: broken }, sha256)).toBe(false);
        }
        expect(verifyConsistency({ oldSize, oldRoot: root, size, root, path: consistency }, sha256)).toBe(false);
      },
    ),
    { numRuns: 100 },
  );
});

function brokenForms(proof: Uint8Array[], salt: number): Uint8Array[][] {
  const at = salt % proof.length;
  const changed = Uint8Array.from(proof[at]!);
  changed[salt % 32]! ^= 1;
  return [proof.slice(1), proof.slice(0, -1), [...proof, proof[0]!], proof.with(at, changed)];
}

test('nothing is old, everything is old, and what is outside the tree', () => {
  const entries = entriesOf(5);
  const read = nodesOf(entries);
  const root = mth(entries);
  expect(consistencyProof(0, 5, read, sha256)).toEqual([]);
  expect(verifyConsistency({ oldSize: 0, oldRoot: mth([]), size: 5, root, path: [] }, sha256)).toBe(true);
  expect(verifyConsistency({ oldSize: 5, oldRoot: root, size: 5, root, path: [] }, sha256)).toBe(true);
  expect(verifyConsistency({ oldSize: 5, oldRoot: mth([]), size: 5, root, path: [] }, sha256)).toBe(false);
  expect(verifyConsistency({ oldSize: 6, oldRoot: root, size: 5, root, path: [] }, sha256)).toBe(false);
  expect(verifyInclusion({ index: 5, size: 5, leaf: root, path: [], root }, sha256)).toBe(false);
  expect(() => inclusionProof(5, 5, read, sha256)).toThrow('leaf 5 is not in a tree of 5');
  expect(() => consistencyProof(6, 5, read, sha256)).toThrow('a tree of 6 is no prefix of a tree of 5');
});
