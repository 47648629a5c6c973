import { openCheckpoint, type Checkpoint } from '../core/checkpoint.ts';
import { leafHash, sameBytes } from '../core/merkle.ts';
import { formatVerifierKey, parseVerifierKey, toBase64, type VerifierKey } from '../core/note.ts';
import type { LogRecord } from '../core/record.ts';
import { TILE_WIDTH, TileEdge, tilePath, tileWidth, type Tile } from '../core/tile.ts';
import { readRecord, RecordOrder } from './check-record.ts';
import { noteCrypto, sha256 } from './ed25519.ts';
import { supersededProblem } from './superseded.ts';
import { CHECKPOINT_FILE, LogFileError, PUBLIC_KEY_FILE, readBundle, readText, readTile } from './log-files.ts';

export { verifyProof, type ProofReport } from './proof-file.ts';

export type VerifyReport =
  | {
      ok: true;
      origin: string;
      size: number;
      /** Base64, as in the checkpoint. */
      root: string;
      records: Record<LogRecord['kind'], number>;
      /** Size of the older checkpoint that was proven to be a prefix. */
      since?: number;
    }
  /** `index`: the first entry that is affected, where one can be named. */
  | { ok: false; problem: string; index?: number };

/**
 * Verifies a whole log folder with nothing but the public key (INVARIANT 10): the signature, every entry up to the
 * root, and the order of records. `since` is the text of an older checkpoint that somebody kept: the log must continue
 * it. Files that are past the checkpoint are not read. Never throws.
 */
export function verifyLog(dir: string, vkey: string, options: { since?: string } = {}): VerifyReport {
  const key = parseVerifierKey(vkey.trim(), sha256);
  if (key === null) return { ok: false, problem: 'the public key is not of the form `name+keyid+base64`' };
  try {
    const current = readCheckpoint(dir, key);
    if ('problem' in current) return { ok: false, problem: current.problem };
    if (options.since === undefined) return verifyTree(dir, current, null);
    const older = openCheckpoint(options.since, key, noteCrypto);
    if (older.status !== 'signed') return { ok: false, problem: `of the older checkpoint: ${older.problem}` };
    return verifyTree(dir, current, older.checkpoint);
  } catch (cause) {
    if (cause instanceof LogFileError) return { ok: false, problem: cause.message };
    // Verification has no bad input, only findings: a fault in here must not look like a verified log, nor like a crash.
    const message = cause instanceof Error ? cause.message : String(cause);
    return { ok: false, problem: `the log cannot be verified: ${message}` };
  }
}

function readCheckpoint(dir: string, key: VerifierKey): Checkpoint | { problem: string } {
  const published = readText(dir, PUBLIC_KEY_FILE);
  if (published !== null && published !== `${formatVerifierKey(key)}\n`) {
    return { problem: `\`${PUBLIC_KEY_FILE}\` in the folder is another key than the one given` };
  }
  const text = readText(dir, CHECKPOINT_FILE);
  if (text === null) return { problem: `\`${CHECKPOINT_FILE}\` is missing` };
  const opened = openCheckpoint(text, key, noteCrypto);
  return opened.status === 'signed' ? opened.checkpoint : { problem: opened.problem };
}

function verifyTree(dir: string, current: Checkpoint, older: Checkpoint | null): VerifyReport {
  if (older !== null && older.size > current.size) {
    const problem = `the log has ${current.size} records, fewer than the ${older.size} of the older checkpoint`;
    return { ok: false, problem, index: current.size };
  }
  const edge = TileEdge.empty(sha256);
  const order = new RecordOrder();
  let continues = older === null || continuesFrom(edge, older);
  for (let bundle = 0; bundle * TILE_WIDTH < current.size; bundle++) {
    const width = tileWidth(0, bundle, current.size);
    const entries = readBundle(dir, bundle, width);
    const leaves = readTile(dir, 0, bundle, width);
    for (const [i, entry] of entries.entries()) {
      const index = edge.size;
      const leaf = leafHash(entry, sha256);
      if (!sameBytes(leaf, leaves[i]!)) {
        const problem = `record ${index} is not what its leaf in \`${tilePath(0, bundle, width)}\` was made of`;
        return { ok: false, problem, index };
      }
      const read = readRecord(entry);
      const problem = 'problem' in read ? read.problem : order.add(index, read.record);
      if (problem !== null) return { ok: false, problem: `record ${index} ${problem}`, index };
      const wrong = edge.append(leaf).find((tile) => !onDisk(dir, tile));
      if (wrong !== undefined) return wrongTile(wrong);
      continues ||= older !== null && continuesFrom(edge, older);
    }
  }
  const wrong = edge.partial().find((tile) => !onDisk(dir, tile));
  if (wrong !== undefined) return wrongTile(wrong);
  if (!sameBytes(edge.root(), current.root)) {
    return { ok: false, problem: 'the records do not add up to the root that the checkpoint signs' };
  }
  if (!continues) {
    return { ok: false, problem: `the log does not continue the older checkpoint: its ${older?.size} records differ` };
  }
  const { origin, size, root } = current;
  const changed = supersededProblem(dir, size);
  if (changed !== null) return { ok: false, problem: changed };
  const report: VerifyReport = { ok: true, origin, size, root: toBase64(root), records: order.counts };
  return older === null ? report : { ...report, since: older.size };
}

function continuesFrom(edge: TileEdge, older: Checkpoint): boolean {
  return edge.size === older.size && sameBytes(edge.root(), older.root);
}

/** Whether the tile in the folder is the one computed from the entries. */
function onDisk(dir: string, tile: Tile): boolean {
  const found = readTile(dir, tile.level, tile.index, tile.hashes.length);
  return found.every((hash, i) => sameBytes(hash, tile.hashes[i]!));
}

function wrongTile(tile: Tile): VerifyReport {
  const index = tile.index * TILE_WIDTH ** (tile.level + 1);
  const path = tilePath(tile.level, tile.index, tile.hashes.length);
  return { ok: false, problem: `\`${path}\` is not made of the tiles below it (from record ${index} on)`, index };
}
