import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { InvalidConfig } from '../../core/errors.ts';

export type Migration = {
  /** The file's name; names sort in the order of application. */
  name: string;
  /** `compatible`: a program that does not know it can still use the database. From the file's first line. */
  kind: 'compatible' | 'breaking';
  sql: string;
  /** `sha256:` over the file. */
  digest: string;
};

const FOLDER = new URL('../../../migrations/sqlite/', import.meta.url);
const FIRST_LINE = /^-- (compatible|breaking)\b/;

export function readMigrations(folder: URL = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => parseMigration(name, readFileSync(new URL(name, folder), 'utf8')));
}

export function parseMigration(name: string, sql: string): Migration {
  const kind = FIRST_LINE.exec(sql)?.[1];
  if (kind !== 'compatible' && kind !== 'breaking') {
    throw new Error(`the first line of migration \`${name}\` must start with \`-- compatible\` or \`-- breaking\``);
  }
  return { name, kind, sql, digest: `sha256:${createHash('sha256').update(sql).digest('hex')}` };
}

/**
 * Brings the database up to the newest migration, all of it or nothing.
 *
 * @throws InvalidConfig when the database holds a breaking migration that this program does not know, or one that
 * differs from the program's own.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[], now: number): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(`CREATE TABLE IF NOT EXISTS migration (
      name TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, applied_at INTEGER NOT NULL
    ) STRICT`);
    const applied = db.prepare('SELECT name, kind, digest FROM migration').all() as Omit<Migration, 'sql'>[];
    refuseForeign(applied, migrations);
    const done = new Set(applied.map(({ name }) => name));
    const note = db.prepare('INSERT INTO migration (name, kind, digest, applied_at) VALUES (?, ?, ?, ?)');
    for (const { name, kind, sql, digest } of migrations) {
      if (done.has(name)) continue;
      db.exec(sql);
      note.run(name, kind, digest, now);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function refuseForeign(applied: readonly Omit<Migration, 'sql'>[], known: readonly Migration[]): void {
  const digests = new Map(known.map(({ name, digest }) => [name, digest]));
  for (const { name, kind, digest } of applied) {
    const expected = digests.get(name);
    if (expected === undefined) {
      if (kind === 'compatible') continue;
      throw new InvalidConfig(
        `the database was written by a newer version (migration \`${name}\`): run that version, or restore a backup`,
      );
    }
    if (expected !== digest) {
      throw new InvalidConfig(
        `migration \`${name}\` of the database differs from this program's: run the version that wrote the database`,
      );
    }
  }
}
