/** Files that hold a secret: for their owner alone, and whole after a crash at any point. */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InvalidConfig, Unavailable } from '../core/errors.ts';

/** What an interrupted write leaves beside its file: today's name, and that of the log's key in older versions. */
const LEFTOVER = /^\.(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12}\.tmp)$/;

export type PrivateFile = {
  text: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
};

/**
 * `null` when there is no such file.
 *
 * @throws InvalidConfig when others than its owner can read or write it, Unavailable when it cannot be read.
 */
export function readPrivateFile(file: string): PrivateFile | null {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const { mode, mtimeMs } = fstatSync(descriptor);
    // Windows has no such bits and reports 0o666 for every file.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(4, '0');
      throw new InvalidConfig(
        `\`${file}\` is open to others than its owner (mode ${bits}): run \`chmod 600\` on it; if somebody may have read it, replace what is in it`,
      );
    }
    return { text: readFileSync(descriptor, 'utf8'), modifiedAt: Math.floor(mtimeMs) };
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    if (codeOf(cause) === 'ENOENT') return null;
    throw new Unavailable(`\`${file}\` cannot be read (${codeOf(cause)})`, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Of two that create it at once, one wins: `false` for the other, whose text is nowhere. @throws Unavailable */
export function createPrivateFile(file: string, text: string): boolean {
  const staged = stagePrivateFile(file, text);
  try {
    // A link, unlike a rename, never replaces what is already there.
    linkSync(staged.aside, file);
    syncFolder(file);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw unwritable(file, cause);
  } finally {
    staged.discard();
  }
}

/** A new text of a file, durable beside it. */
export type StagedFile = {
  aside: string;
  /** After a crash at any point the file is the one before or this one. @throws Unavailable: it is the one before. */
  commit(): void;
  /** Never throws. */
  discard(): void;
};

/** What takes space is taken here, so that a full disk is found before anything else has happened. @throws Unavailable */
export function stagePrivateFile(file: string, text: string): StagedFile {
  // Not the process id: in a container that is the same after a crash, and so would be what the crash left behind.
  const aside = `${file}.${randomUUID()}`;
  const discard = () => {
    try {
      rmSync(aside, { force: true });
    } catch {
      // It is removed at the next start, and must not hide what went wrong first.
    }
  };
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeDurably(aside, text);
  } catch (cause) {
    discard();
    throw unwritable(file, cause);
  }
  return {
    aside,
    commit: () => {
      try {
        renameSync(aside, file);
      } catch (cause) {
        discard();
        throw unwritable(file, cause);
      }
      try {
        syncFolder(file);
      } catch {
        // The file is the new one, and whoever is told otherwise would go on with the old. Power loss may still undo it.
      }
    },
    discard,
  };
}

/** Removes what interrupted writes left beside `file`. Only for a folder that this process alone works on. */
export function removeLeftovers(file: string): void {
  const folder = dirname(file);
  const name = basename(file);
  for (const entry of readFolder(folder)) {
    if (entry.startsWith(name) && LEFTOVER.test(entry.slice(name.length))) rmSync(join(folder, entry), { force: true });
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return [];
    throw new Unavailable(`\`${folder}\` cannot be read (${codeOf(cause)})`, { cause });
  }
}

function writeDurably(file: string, text: string): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A rename is durable when its folder is. Windows cannot open a folder, and needs not. */
function syncFolder(file: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(dirname(file), 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unwritable(file: string, cause: unknown): Unavailable {
  return new Unavailable(`\`${file}\` cannot be written (${codeOf(cause)}); what it holds stays`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
