import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Frontier, inclusionProof, leafHash, rootHash, sameBytes, verifyInclusion } from './merkle.ts';
import {
  decodeBundle,
  decodeTile,
  edgeTiles,
  encodeBundle,
  encodeTile,
  MAX_ENTRY_BYTES,
  nodeReader,
  TileEdge,
  tilePath,
  tileWidth,
  type ReadTile,
} from './tile.ts';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();

test.each([
  [0, 0, undefined, 'tile/0/000'],
  [0, 0, 1, 'tile/0/000.p/1'],
  [1, 999, 255, 'tile/1/999.p/255'],
  [0, 1000, undefined, 'tile/0/x001/000'],
  [2, 1234067, undefined, 'tile/2/x001/x234/067'],
  ['entries', 1234067, 8, 'tile/entries/x001/x234/067.p/8'],
] as const)('level %s index %i width %s is at %s', (level, index, width, path) => {
  expect(tilePath(level, index, width)).toBe(path);
});

test('the example of the specification: the tiles of a tree of 70,000', () => {
  expect(edgeTiles(70_000)).toEqual([
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ]);
  expect(edgeTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
  expect(edgeTiles(0)).toEqual([]);
  expect(tileWidth(0, 272, 70_000)).toBe(256);
  expect(tileWidth(0, 274, 70_000)).toBeLessThanOrEqual(0);
});

test('a bundle holds entries from the empty one to the longest', () => {
  const entries = [new Uint8Array(), Uint8Array.of(7), new Uint8Array(MAX_ENTRY_BYTES).fill(3)];
  expect(decodeBundle(encodeBundle(entries))).toEqual(entries);
  expect(Array.from(encodeBundle(entries.slice(0, 2)))).toEqual([0, 0, 0, 1, 7]);
  expect(() => encodeBundle([new Uint8Array(MAX_ENTRY_BYTES + 1)])).toThrow('an entry of 65536 bytes fits no bundle');
});

test.each([[[0]], [[0, 1]], [[0, 2, 9]], [[0, 0, 255, 255, 1]]])('bytes %j are no bundle', (bytes) => {
  expect(decodeBundle(Uint8Array.from(bytes))).toBeNull();
});

test('bytes that are not whole hashes are no tile', () => {
  expect(decodeTile(new Uint8Array(33))).toBeNull();
  expect(decodeTile(encodeTile([sha256(Uint8Array.of(1))]))).toHaveLength(1);
});

test('across 256 and 65,536: the tiles, the frontier and a restored edge agree, and proofs read few tiles', () => {
  const interesting = new Set([1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792, 66_000]);
  const tiles = new Map<string, readonly Uint8Array[]>();
  const leaves: Uint8Array[] = [];
  const edge = TileEdge.empty(sha256);
  const frontier = new Frontier(sha256);
  for (let i = 0; i < 66_000; i++) {
    const leaf = leafHash(Buffer.from(String(i)), sha256);
    leaves.push(leaf);
    frontier.append(leaf);
    for (const tile of edge.append(leaf)) tiles.set(tilePath(tile.level, tile.index), tile.hashes);
    if (!interesting.has(edge.size)) continue;

    const size = edge.size;
    const partial = new Map(edge.partial().map((tile) => [tilePath(tile.level, tile.index), tile.hashes]));
    let reads = 0;
    const readTile: ReadTile = (level, index, width) => {
      reads += 1;
      const hashes = (partial.get(tilePath(level, index)) ?? tiles.get(tilePath(level, index)))!;
      expect(hashes.length).toBeGreaterThanOrEqual(width);
      return hashes.slice(0, width);
    };
    const root = frontier.root();
    expect(sameBytes(edge.root(), root)).toBe(true);
    expect(sameBytes(rootHash(size, nodeReader(size, readTile, sha256), sha256), root)).toBe(true);
    const restored = TileEdge.restore(size, readTile, sha256);
    expect([restored.size, sameBytes(restored.root(), root)]).toEqual([size, true]);
    expect(restored.partial()).toEqual(edge.partial());
    for (const index of [0, Math.floor(size / 2), size - 1]) {
      reads = 0;
      const path = inclusionProof(index, size, nodeReader(size, readTile, sha256), sha256);
      expect(verifyInclusion({ index, size, leaf: leaves[index]!, path, root }, sha256)).toBe(true);
      // One tile a level on the way up, and one a level at the right edge.
      expect(reads).toBeLessThanOrEqual(6);
    }
  }
});

test('a clone goes its own way', () => {
  const edge = TileEdge.empty(sha256);
  edge.append(leafHash(Uint8Array.of(1), sha256));
  const before = edge.root();
  const clone = edge.clone();
  clone.append(leafHash(Uint8Array.of(2), sha256));
  expect([edge.size, clone.size]).toEqual([1, 2]);
  expect(edge.root()).toEqual(before);
  expect(edge.partial()[0]!.hashes).toHaveLength(1);
});
