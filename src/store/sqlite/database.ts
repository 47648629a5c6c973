import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InvalidConfig } from '../../core/errors.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/sqlite');

/**
 * Opens the database for this process alone, durable at each commit, and brings its schema up to date.
 *
 * @throws InvalidConfig when the file cannot be written, is held by another process, or is of a newer Remit.
 */
export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    db = new DatabaseSync(file);
    chmodSync(file, 0o600);
    // The kernel releases an exclusive lock when the process dies, however it dies.
    db.exec(`
      PRAGMA busy_timeout = 1000;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      BEGIN EXCLUSIVE; COMMIT;
    `);
  } catch (cause) {
    throw new InvalidConfig(openProblem(file, cause), { cause });
  }
  migrate(db, file);
  return db;
}

function openProblem(file: string, cause: unknown): string {
  const text = cause instanceof Error ? cause.message : '';
  if (text.includes('locked')) return `database \`${file}\` is held by another process; stop that one first`;
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
  for (const migration of known) {
    const before = applied.get(migration.name);
    if (before === undefined) {
      db.exec('BEGIN IMMEDIATE');
      db.exec(migration.sql);
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
}
