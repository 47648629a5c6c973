import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sameBytes } from '../core/merkle.ts';
import { tileWidth } from '../core/tile.ts';
import { LogFileError, readBundle, readTile } from './log-files.ts';

const PARTIAL = /^(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})\.p\/([1-9]\d{0,2})$/;

/**
 * Partial tiles that a wider one has superseded are kept for slow readers. The checkpoint no longer needs them, so what
 * is compared here is that each is still a prefix of its successor: no byte of a log folder may be changed unseen.
 * Files past the checkpoint (a writer is ahead of it) are not part of what is signed. Returns the first problem.
 */
export function supersededProblem(dir: string, size: number): string | null {
  const tiles = join(dir, 'tile');
  if (!existsSync(tiles)) return null;
  for (const entry of readdirSync(tiles, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = join(entry.parentPath, entry.name).slice(tiles.length + 1);
    const [, kind, groups, width] = PARTIAL.exec(name) ?? [];
    if (kind === undefined || groups === undefined) continue;
    const index = Number(groups.replaceAll(/[x/]/g, ''));
    const level = kind === 'entries' ? 0 : Number(kind);
    if (Number(width) >= tileWidth(level, index, size)) continue;
    if (!isPrefix(dir, kind === 'entries' ? 'entries' : level, index, Number(width), size)) {
      return `\`tile/${name}\` is not what its wider successor begins with`;
    }
  }
  return null;
}

function isPrefix(dir: string, level: number | 'entries', index: number, width: number, size: number): boolean {
  const read = (wanted: number) =>
    level === 'entries' ? readBundle(dir, index, wanted) : readTile(dir, level, index, wanted);
  try {
    const wide = read(tileWidth(level === 'entries' ? 0 : level, index, size));
    return read(width).every((item, place) => sameBytes(item, wide[place]!));
  } catch (error) {
    if (error instanceof LogFileError) return false;
    throw error;
  }
}
