/** Reads the files of a log folder. They may be anybody's: whatever is wrong with them is a `LogFileError` in words. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBundle, decodeTile, TILE_WIDTH, tilePath } from '../core/tile.ts';

export const CHECKPOINT_FILE = 'checkpoint';
export const PUBLIC_KEY_FILE = 'log.pub';

/** A file of the log is missing or is not what its name says. `message` names it. */
export class LogFileError extends Error {
  override readonly name = 'LogFileError';
}

/** The bytes of a file, or `null` when there is none. */
export function readIfPresent(file: string): Uint8Array | null {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new LogFileError(`\`${file}\` cannot be read (${code ?? 'unknown error'})`, { cause });
  }
}

/** The text of a file of the log folder, or `null` when there is none. */
export function readText(dir: string, name: string): string | null {
  const bytes = readIfPresent(join(dir, name));
  if (bytes === null) return null;
  try {
    // `ignoreBOM` keeps a byte order mark, so that no two files read as the same text.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new LogFileError(`\`${name}\` is not UTF-8 text`, { cause });
  }
}

/** The first `width` hashes of a tile. */
export function readTile(dir: string, level: number, index: number, width: number): Uint8Array[] {
  return readPrefix(dir, level, index, width, decodeTile);
}

/** The first `width` entries of an entry bundle. */
export function readBundle(dir: string, index: number, width: number): Uint8Array[] {
  return readPrefix(dir, 'entries', index, width, decodeBundle);
}

function readPrefix(
  dir: string,
  level: number | 'entries',
  index: number,
  width: number,
  decode: (bytes: Uint8Array) => Uint8Array[] | null,
): Uint8Array[] {
  const path = tilePath(level, index, width);
  for (const candidate of [width, ...widerThan(dir, level, index, width)]) {
    const found = tilePath(level, index, candidate);
    const bytes = readIfPresent(join(dir, found));
    if (bytes === null) continue;
    const items = decode(bytes);
    if (items?.length !== candidate) throw new LogFileError(`\`${found}\` does not hold exactly ${candidate} items`);
    return items.slice(0, width);
  }
  throw new LogFileError(`\`${path}\` is missing`);
}

/**
 * C2SP tlog-tiles: a partial tile may be gone once a wider one exists, of which it is a prefix. Yielded only when the
 * exact file is missing, which happens to a reader that is slower than the writer.
 */
function* widerThan(dir: string, level: number | 'entries', index: number, width: number): Generator<number> {
  if (width === TILE_WIDTH) return;
  let names: string[] = [];
  try {
    names = readdirSync(join(dir, `${tilePath(level, index)}.p`));
  } catch {
    // No partial tile at all; the full one may exist.
  }
  const widths = names.filter((name) => /^[1-9][0-9]{0,2}$/.test(name)).map(Number);
  yield* widths.filter((other) => other > width && other < TILE_WIDTH).sort((a, b) => a - b);
  yield TILE_WIDTH;
}

/** The entries `start` up to `end` as text, in order, bundle by bundle. `end` is at most the checkpoint's size. */
export function* readEntries(dir: string, start: number, end: number): Generator<{ index: number; entry: string }> {
  for (let bundle = Math.floor(start / TILE_WIDTH); bundle * TILE_WIDTH < end; bundle++) {
    const first = bundle * TILE_WIDTH;
    const entries = readBundle(dir, bundle, Math.min(TILE_WIDTH, end - first));
    for (let i = Math.max(0, start - first); i < entries.length; i++) {
      yield { index: first + i, entry: Buffer.from(entries[i]!).toString('utf8') };
    }
  }
}
