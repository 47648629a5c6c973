import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from './open.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-schema-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('all migrations together give the golden schema', async () => {
  const file = join(folder, 'remit.db');
  await (await openSqliteStore({ file, clock: () => 0 })).close();
  using db = new DatabaseSync(file);
  const rows = db.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name').all();
  const schema = rows.map(({ sql }) => `${String(sql)};\n`).join('\n');
  expect(schema).toBe(readFileSync(join(import.meta.dirname, 'schema.golden.sql'), 'utf8'));
});

test('every table is strict, and none compares text other than byte for byte', async () => {
  const file = join(folder, 'remit.db');
  await (await openSqliteStore({ file, clock: () => 0 })).close();
  using db = new DatabaseSync(file);
  const tables = db.prepare(`SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'`).all();
  expect(tables.length).toBeGreaterThan(5);
  expect(tables.filter(({ strict }) => strict !== 1)).toEqual([]);
  expect(db.prepare(`SELECT name FROM sqlite_schema WHERE sql LIKE '%COLLATE%'`).all()).toEqual([]);
});
