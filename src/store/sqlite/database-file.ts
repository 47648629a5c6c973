import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InvalidConfig } from '../../core/errors.ts';
import { openError } from './sqlite-error.ts';

/** How long an opening waits for a process that is just letting go of the database, milliseconds. */
const BUSY_TIMEOUT = 1_000;

/**
 * Opens the database for this process alone. Folders are made with mode 0700, the file with 0600.
 *
 * @throws Unavailable when another live process holds it. The lock is the kernel's, so `kill -9` releases it.
 * @throws InvalidConfig when folder or file cannot be used.
 */
export function openDatabaseFile(file: string): DatabaseSync {
  createPrivateFile(file);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true });
    // EXCLUSIVE comes before WAL: then the index of the WAL is kept on the heap, and the first access takes the lock
    // and never gives it back.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    // With FULL the WAL is synced before COMMIT returns: a resolved promise survives a power loss. `fullfsync` asks the
    // same of macOS, whose plain fsync does not reach the medium; it does nothing elsewhere.
    db.exec('PRAGMA synchronous = FULL');
    db.exec('PRAGMA fullfsync = ON');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    return db;
  } catch (error) {
    db?.close();
    throw openError(error, file);
  }
}

function createPrivateFile(file: string): void {
  const folder = dirname(file);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (createEmpty(file)) syncFolder(folder);
    // Not through a descriptor: closing any descriptor of a file drops all POSIX locks that this process has on it.
    else chmodSync(file, 0o600);
  } catch (error) {
    throw new InvalidConfig(`the data folder \`${folder}\` cannot be written: check its owner and mode`, {
      detail: String(error),
      cause: error,
    });
  }
}

function createEmpty(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Without this a power loss could take the new file's name away, and what was committed with it. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
