import { createHash } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InvalidConfig } from '../../core/errors.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/sqlite');

/**
 * Opens the database for this process alone, and brings its schema up to date.
 *
 * @throws InvalidConfig when the file cannot be written, is held by another process, or is of a newer Remit.
 */
export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    createPrivately(file);
    db = new DatabaseSync(file);
    // The kernel releases an exclusive lock when the process dies, however it dies.
    db.exec(`
      PRAGMA busy_timeout = 1000;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON; -- on macOS a plain fsync does not reach the medium; does nothing elsewhere
      PRAGMA wal_autocheckpoint = 8192; -- pages: a commit in many thousand pays for all, so that hardly any end or call waits for it
      BEGIN EXCLUSIVE; COMMIT;
    `);
  } catch (cause) {
    db?.close();
    throw new InvalidConfig(openProblem(file, cause), { cause });
  }
  try {
    migrate(db, file);
    // From here on each commit is made durable by who makes it; see wal.ts.
    db.exec('PRAGMA synchronous = NORMAL');
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/**
 * Only the owner may read the file, from its first moment; SQLite gives its WAL the same mode. An existing file is never
 * opened here: closing any descriptor of it would drop the locks that this process holds on it.
 */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    chmodSync(file, 0o600);
    return;
  }
  // Without this a power loss could take the new file's name away, and what was committed with it.
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function openProblem(file: string, cause: unknown): string {
  const text = cause instanceof Error ? cause.message : '';
  if (text.includes('locked')) return `database \`${file}\` is held by another process; stop that one first`;
  if (text.includes('not a database')) return `\`${file}\` is not a database; move it away or name another data folder`;
  return `database \`${file}\` cannot be opened for writing; check the folder, its permissions and the free space`;
}

type Migration = { name: string; sql: string; digest: string; breaking: boolean };

/** The migrations of this version, in order. The first line of each says whether older programs may go on with it. */
function migrations(): Migration[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(MIGRATIONS, name), 'utf8');
      const kind = /^-- (breaking|compatible):/.exec(sql)?.[1];
      if (kind === undefined) throw new Error(`migration ${name} does not say whether it is breaking or compatible`);
      return { name, sql, digest: createHash('sha256').update(sql).digest('hex'), breaking: kind === 'breaking' };
    });
}

function migrate(db: DatabaseSync, file: string): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL, breaking INTEGER NOT NULL) STRICT',
  );
  const known = migrations();
  const applied = new Map(
    db
      .prepare('SELECT name, digest, breaking FROM migrations')
      .all()
      .map((row) => [String(row['name']), { digest: String(row['digest']), breaking: row['breaking'] === 1 }]),
  );
  for (const [name, { breaking }] of applied) {
    if (breaking && !known.some((migration) => migration.name === name)) {
      throw new InvalidConfig(`database \`${file}\` is of a newer Remit (${name}); start that version`);
    }
  }
  // A table that others refer to is replaced by a new one of its name; whether all still fits together is looked at after it.
  db.exec('PRAGMA foreign_keys = OFF');
  for (const migration of known) {
    const before = applied.get(migration.name);
    if (before === undefined) {
      db.exec('BEGIN IMMEDIATE');
      db.exec(migration.sql);
      if (db.prepare('PRAGMA foreign_key_check').get() !== undefined) {
        throw new InvalidConfig(`database \`${file}\` does not hold together after ${migration.name}; restore a copy`);
      }
      db.prepare('INSERT INTO migrations (name, digest, breaking) VALUES (?, ?, ?)').run(
        migration.name,
        migration.digest,
        migration.breaking ? 1 : 0,
      );
      db.exec('COMMIT');
    } else if (before.digest !== migration.digest) {
      throw new InvalidConfig(`database \`${file}\` was made by another form of ${migration.name}; it cannot be used`);
    }
  }
  db.exec('PRAGMA foreign_keys = ON');
}
