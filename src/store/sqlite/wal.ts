import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

/** The write-ahead log of a database that is open for this process alone. */
export type Wal = {
  /** Makes all that was committed durable; a promise where that takes a while. Fails when the disk says that it could not. */
  sync(): Promise<void> | void;
  close(): void;
};

/** A disk that is as quick as this is waited for: to leave the event loop and come back takes as long. In milliseconds. */
const QUICK_MS = 1;

/**
 * With `synchronous = NORMAL` SQLite syncs this file when it begins anew and before a checkpoint, and leaves to us the fsync
 * after each commit (https://sqlite.org/pragma.html#pragma_synchronous), which it would have the event loop wait for however
 * slow the disk is. An open database never replaces the file, and holds no lock on it that closing a descriptor could drop. On
 * macOS `fdatasync` of libuv is `F_FULLFSYNC`.
 */
export function openWal(database: string): Wal {
  const descriptor = openSync(`${database}-wal`, 'r+');
  // A process that was killed may have left what it never made durable: what is read from here on is.
  fdatasyncSync(descriptor);
  /** How long it took of late. */
  let usual = 0;
  const took = (since: number): void => void (usual += (performance.now() - since - usual) / 8);
  return {
    sync: () => {
      const since = performance.now();
      if (usual <= QUICK_MS) {
        fdatasyncSync(descriptor);
        return took(since);
      }
      return new Promise((resolve, reject) => {
        fdatasync(descriptor, (error) => {
          took(since);
          if (error === null) resolve();
          else reject(error);
        });
      });
    },
    close: () => closeSync(descriptor),
  };
}
