import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, type Checkpoint } from '../core/checkpoint.ts';
import { Conflict, Unavailable } from '../core/errors.ts';
import { HASH_BYTES, leafHash, sameBytes } from '../core/merkle.ts';
import { utf8, type VerifierKey } from '../core/note.ts';
import { TILE_WIDTH, TileEdge, tilePath } from '../core/tile.ts';
import type { LogStore } from '../store/ports.ts';
import { noteCrypto, sha256 } from './ed25519.ts';
import { CHECKPOINT_FILE, LogFileError, readIfPresent, readTile } from './log-files.ts';

export type EntrySource = Pick<LogStore, 'entries' | 'size'>;

export type Resumed = {
  /** Where to go on writing from: a tree that is a prefix of what was signed. */
  edge: TileEdge;
  /** The newest checkpoint on disk, or `null` when there is none worth keeping. */
  signed: { text: string; checkpoint: Checkpoint } | null;
};

/**
 * Decides where the tree goes on after a start. The database is the truth and the files are derived, with one exception:
 * a checkpoint that our key signed has been seen by others, so the database must still contain what it covers.
 *
 * The last `checkLast` records are compared with the signed root through the tiles; when the tiles do not lead to that
 * root, all records are, and the files are then made anew.
 *
 * @throws Conflict when the database lost or changed what was signed, or the folder holds the log of another key.
 * @throws Unavailable when the checkpoint exists and cannot be read: unread, it may be evidence.
 */
export function resume(dir: string, key: VerifierKey, log: EntrySource, checkLast: number): Resumed {
  const fresh: Resumed = { edge: TileEdge.empty(sha256), signed: null };
  const text = checkpointText(dir);
  if (text === null) return fresh;
  const opened = openCheckpoint(text, key, noteCrypto);
  switch (opened.status) {
    case 'malformed':
    case 'bad_signature':
      // Damaged, not forged to any use: whoever can write the file could as well have removed it.
      return fresh;
    case 'other_key':
      throw new Conflict(
        `${opened.problem}: restore the signing key of \`${dir}\`, or move the folder away to begin a new log`,
      );
    case 'signed':
      break;
  }
  const { checkpoint } = opened;
  if (checkpoint.size > log.size()) {
    const lost = `the database holds ${log.size()} records and the checkpoint in \`${dir}\` was signed over ${checkpoint.size}`;
    throw new Conflict(`${lost}: keep the folder as evidence and restore the database from a backup`);
  }
  const recent = Math.floor(Math.max(0, checkpoint.size - checkLast) / TILE_WIDTH) * TILE_WIDTH;
  for (const start of new Set([recent, 0])) {
    const edge = restoreEdge(dir, start);
    if (edge !== null && leadsTo(checkpoint, edge, log)) return { edge, signed: { text, checkpoint } };
  }
  const where = firstDifference(dir, log, checkpoint.size);
  const changed = `the database is not what the checkpoint in \`${dir}\` was signed over${where}`;
  throw new Conflict(`${changed}: keep the folder as evidence and restore the database from a backup`);
}

/** Entries `start` up to `end` as UTF-8. Throws when the database does not give exactly these. */
export function databaseEntries(log: EntrySource, start: number, end: number): Uint8Array[] {
  const rows = log.entries(start, end - start);
  if (rows.length !== end - start || rows.some(({ index }, i) => index !== start + i)) {
    throw new Unavailable(`the database did not give the records ${start} to ${end - 1} of the log`);
  }
  return rows.map(({ entry }) => utf8(entry));
}

function checkpointText(dir: string): string | null {
  try {
    const bytes = readIfPresent(join(dir, CHECKPOINT_FILE));
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  } catch (cause) {
    throw new Unavailable(`the checkpoint in \`${dir}\` exists and cannot be read`, { cause });
  }
}

function restoreEdge(dir: string, size: number): TileEdge | null {
  if (!hasFullTiles(dir, size)) return null;
  try {
    return TileEdge.restore(size, (level, index, width) => readTile(dir, level, index, width), sha256);
  } catch (cause) {
    if (cause instanceof LogFileError) return null;
    throw cause;
  }
}

/** Whether every full tile and bundle below `size` is there. Their content below the checked range is not read. */
function hasFullTiles(dir: string, size: number): boolean {
  for (let index = 0; index < Math.floor(size / TILE_WIDTH); index++) {
    if (!existsSync(join(dir, tilePath('entries', index)))) return false;
  }
  for (let level = 0, full = Math.floor(size / TILE_WIDTH); full > 0; level++, full = Math.floor(full / TILE_WIDTH)) {
    for (let index = 0; index < full; index++) {
      const found = statSync(join(dir, tilePath(level, index)), { throwIfNoEntry: false });
      if (found?.size !== TILE_WIDTH * HASH_BYTES) return false;
    }
  }
  return true;
}

function leadsTo(checkpoint: Checkpoint, from: TileEdge, log: EntrySource): boolean {
  const edge = from.clone();
  while (edge.size < checkpoint.size) {
    const end = Math.min(edge.size + TILE_WIDTH, checkpoint.size);
    for (const entry of databaseEntries(log, edge.size, end)) edge.append(leafHash(entry, sha256));
  }
  return sameBytes(edge.root(), checkpoint.root);
}

/** For the operator: the first record whose leaf on disk is another. Only words; the signed root has already decided. */
function firstDifference(dir: string, log: EntrySource, size: number): string {
  try {
    for (let first = 0; first < size; first += TILE_WIDTH) {
      const end = Math.min(first + TILE_WIDTH, size);
      const leaves = readTile(dir, 0, first / TILE_WIDTH, end - first);
      const entries = databaseEntries(log, first, end);
      const i = entries.findIndex((entry, at) => !sameBytes(leafHash(entry, sha256), leaves[at]!));
      if (i !== -1) return ` (record ${first + i} is the first that differs)`;
    }
  } catch {
    // The tiles are gone as well, so the record cannot be named.
  }
  return '';
}
