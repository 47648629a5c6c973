import { openCheckpoint, type Checkpoint } from '../core/checkpoint.ts';
import { HASH_BYTES, inclusionProof, leafHash, verifyInclusion } from '../core/merkle.ts';
import { fromBase64, parseVerifierKey, toBase64, utf8 } from '../core/note.ts';
import type { LogRecord } from '../core/record.ts';
import { nodeReader, TILE_WIDTH, tileWidth } from '../core/tile.ts';
import { readRecord } from './check-record.ts';
import { noteCrypto, sha256 } from './ed25519.ts';
import { LogFileError, readBundle, readTile } from './log-files.ts';

/** One record with all that proves it to the holder of the log's public key. */
export type LogProof = {
  index: number;
  /** RFC 8785 text of the record. */
  entry: string;
  /** RFC 6962, section 2.1.1: from the leaf's sibling up. */
  path: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
};

export type ProofReport =
  | { ok: true; origin: string; index: number; size: number; entry: string; record: LogRecord }
  | { ok: false; problem: string };

const HEADER = 'c2sp.org/tlog-proof@v1';

/**
 * Proves an entry out of the files of a log folder.
 *
 * @throws LogFileError when files are missing or damaged: a proof that would not verify is never given out.
 */
export function proveEntry(dir: string, index: number, signed: string, checkpoint: Checkpoint): LogProof {
  const { size, root } = checkpoint;
  const bundle = Math.floor(index / TILE_WIDTH);
  const entry = readBundle(dir, bundle, tileWidth(0, bundle, size))[index % TILE_WIDTH]!;
  const read = nodeReader(size, (level, tile, width) => readTile(dir, level, tile, width), sha256);
  const path = inclusionProof(index, size, read, sha256);
  if (!verifyInclusion({ index, size, leaf: leafHash(entry, sha256), path, root }, sha256)) {
    throw new LogFileError(`the tiles do not lead from entry ${index} to the signed root`);
  }
  return { index, entry: Buffer.from(entry).toString('utf8'), path, checkpoint: signed };
}

/**
 * C2SP tlog-proof. The entry travels as the `extra` data, so that the file needs no companion; it is not trusted, but
 * hashed to the leaf that the rest of the file proves.
 */
export function formatProof(proof: LogProof): string {
  const path = proof.path.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${HEADER}\nextra ${toBase64(utf8(proof.entry))}\nindex ${proof.index}\n${path}\n${proof.checkpoint}`;
}

/** The parts of a proof file, or `null` when it is not well-formed or has no entry. */
function parseProof(text: string): { index: number; entry: Uint8Array; path: Uint8Array[]; checkpoint: string } | null {
  const blank = text.indexOf('\n\n');
  if (blank === -1) return null;
  const [header, extraLine, indexLine, ...hashes] = text.slice(0, blank).split('\n');
  const [, extra] = /^extra (\S+)$/.exec(extraLine ?? '') ?? [];
  const [, digits] = /^index (0|[1-9][0-9]{0,15})$/.exec(indexLine ?? '') ?? [];
  const entry = extra === undefined ? null : fromBase64(extra);
  if (header !== HEADER || entry === null || digits === undefined) return null;
  const path: Uint8Array[] = [];
  for (const line of hashes) {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) return null;
    path.push(hash);
  }
  return { index: Number(digits), entry, path, checkpoint: text.slice(blank + 2) };
}

/** Verifies a proof file with the log's public key alone. Never throws. */
export function verifyProof(text: string, vkey: string): ProofReport {
  const key = parseVerifierKey(vkey.trim(), sha256);
  if (key === null) return { ok: false, problem: 'the public key is not of the form `name+keyid+base64`' };
  const proof = parseProof(text);
  if (proof === null) return { ok: false, problem: `the file is not a \`${HEADER}\` proof with its entry` };
  const opened = openCheckpoint(proof.checkpoint, key, noteCrypto);
  if (opened.status !== 'signed') return { ok: false, problem: opened.problem };
  const { origin, size, root } = opened.checkpoint;
  const leaf = leafHash(proof.entry, sha256);
  if (!verifyInclusion({ index: proof.index, size, leaf, path: proof.path, root }, sha256)) {
    return { ok: false, problem: `the proof does not lead from entry ${proof.index} to the signed root` };
  }
  const read = readRecord(proof.entry);
  if ('problem' in read) return { ok: false, problem: `entry ${proof.index} ${read.problem}` };
  return { ok: true, origin, index: proof.index, size, entry: read.entry, record: read.record };
}
