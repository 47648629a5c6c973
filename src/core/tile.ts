/**
 * C2SP tlog-tiles: the tree and its entries as files. A tile of level L holds up to 256 neighbouring hashes, each over
 * 256^L leaves; a full tile never changes, and a partial one is a prefix of every wider one.
 */
import { Frontier, HASH_BYTES, perfectHash, type ReadNode, type Sha256 } from './merkle.ts';

export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** The longest entry, in bytes of its RFC 8785 text: an entry bundle gives its length as a uint16. */
export const MAX_ENTRY_BYTES = 65_535;

export type Tile = { level: number; index: number; hashes: readonly Uint8Array[] };

/** `tile/0/x001/x234/067` or, when partial, `tile/0/x001/x234/067.p/8`; level `entries` for entry bundles. */
export function tilePath(level: number | 'entries', index: number, width: number = TILE_WIDTH): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  const suffix = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${groups.join('/')}${suffix}`;
}

/** How many hashes the tile has in a tree of `size`: 256 when full, 0 or less when it does not exist yet. */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH);
}

/** The partial tile of each level at the right edge of a tree of `size`, lowest first. */
export function edgeTiles(size: number): { level: number; index: number; width: number }[] {
  const tiles: { level: number; index: number; width: number }[] = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width });
  }
  return tiles;
}

/** A tile as bytes: its hashes one after the other. */
export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, i) => bytes.set(hash, i * HASH_BYTES));
  return bytes;
}

/** The hashes of a tile, or `null` when the bytes are not whole hashes. */
export function decodeTile(bytes: Uint8Array): Uint8Array[] | null {
  if (bytes.length % HASH_BYTES !== 0) return null;
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(bytes.subarray(at, at + HASH_BYTES));
  return hashes;
}

/**
 * An entry bundle: each entry after its length as a big-endian uint16.
 *
 * @throws RangeError for an entry longer than `MAX_ENTRY_BYTES`.
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new RangeError(`an entry of ${entry.length} bytes fits no bundle`);
    view.setUint16(at, entry.length);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** The entries of a bundle, or `null` when its lengths do not add up. */
export function decodeBundle(bytes: Uint8Array): Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) return null;
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) return null;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** The first `width` hashes of a tile. Throws when they cannot be had. */
export type ReadTile = (level: number, index: number, width: number) => readonly Uint8Array[];

/** Nodes of the tree of `size`, out of its tiles. Each tile is read once; keep a reader for one proof only. */
export function nodeReader(size: number, readTile: ReadTile, sha256: Sha256): ReadNode {
  const seen = new Map<string, readonly Uint8Array[]>();
  return (height, index) => {
    const level = Math.floor(height / TILE_HEIGHT);
    const span = 2 ** (height % TILE_HEIGHT);
    const tile = Math.floor((index * span) / TILE_WIDTH);
    const path = tilePath(level, tile);
    const hashes = seen.get(path) ?? readTile(level, tile, tileWidth(level, tile, size));
    seen.set(path, hashes);
    const from = (index * span) % TILE_WIDTH;
    return perfectHash(hashes.slice(from, from + span), sha256);
  };
}

/** The right edge of a growing tree: its frontier, and the hashes of the tile of each level that is not full yet. */
export class TileEdge {
  readonly #sha256: Sha256;
  readonly #frontier: Frontier;
  readonly #rows: Uint8Array[][];

  private constructor(sha256: Sha256, frontier: Frontier, rows: Uint8Array[][]) {
    this.#sha256 = sha256;
    this.#frontier = frontier;
    this.#rows = rows;
  }

  static empty(sha256: Sha256): TileEdge {
    return new TileEdge(sha256, new Frontier(sha256), []);
  }

  /** The edge of a tree of `size`, out of its partial tiles. Unchecked: compare `root()` with what was signed. */
  static restore(size: number, readTile: ReadTile, sha256: Sha256): TileEdge {
    const rows: Uint8Array[][] = [];
    const peaks: Uint8Array[] = [];
    for (const { level, index, width } of edgeTiles(size)) {
      const row = [...readTile(level, index, width)];
      while (rows.length < level) rows.push([]);
      rows[level] = row;
      // The peaks within one tile, largest first, stand before those of the levels below.
      const own: Uint8Array[] = [];
      for (let span = TILE_WIDTH / 2, from = 0; span >= 1; span /= 2) {
        if (Math.floor(width / span) % 2 === 0) continue;
        own.push(perfectHash(row.slice(from, from + span), sha256));
        from += span;
      }
      peaks.unshift(...own);
    }
    return new TileEdge(sha256, new Frontier(sha256, size, peaks), rows);
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** Adds a leaf hash; returns the tiles that it filled, lowest first. */
  append(leaf: Uint8Array): Tile[] {
    const filled: Tile[] = [];
    const size = this.#frontier.size + 1;
    this.#frontier.append(leaf, (height, hash) => {
      if (height % TILE_HEIGHT !== 0) return;
      const level = height / TILE_HEIGHT;
      const row = (this.#rows[level] ??= []);
      row.push(hash);
      if (row.length < TILE_WIDTH) return;
      filled.push({ level, index: size / TILE_WIDTH ** (level + 1) - 1, hashes: row });
      this.#rows[level] = [];
    });
    return filled;
  }

  /** The partial tiles, lowest first. */
  partial(): Tile[] {
    return edgeTiles(this.size).map(({ level, index }) => ({ level, index, hashes: [...this.#rows[level]!] }));
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  clone(): TileEdge {
    return new TileEdge(
      this.#sha256,
      this.#frontier.clone(),
      this.#rows.map((row) => [...row]),
    );
  }
}
