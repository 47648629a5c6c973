import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventRecord, LogRecord } from '../../core/record.ts';
import { CONFORMANCE_NOW, storeConformance } from '../conformance.ts';
import type { Store } from '../ports.ts';
import { openSqliteStore, type SqliteOptions } from './open.ts';

let folder: string;
let files = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function openNew(overrides: Partial<SqliteOptions> = {}) {
  return openSqliteStore({
    file: join(folder, `data-${++files}`, 'remit.db'),
    clock: () => CONFORMANCE_NOW,
    ...overrides,
  });
}

describe('SQLite keeps the contract of the store', () => {
  storeConformance(async () => {
    const file = join(folder, `data-${++files}`, 'remit.db');
    const open = () => openNew({ file });
    return { store: await open(), reopen: open };
  });
});

describe('a commit that fails', () => {
  const cases: [string, (db: DatabaseSync) => void, number][] = [
    [
      'and was not persisted',
      () => {
        throw new Error('disk I/O error');
      },
      0,
    ],
    [
      'although it was persisted',
      (db) => {
        db.exec('COMMIT');
        throw new Error('the answer was lost');
      },
      2,
    ],
  ];
  test.each(cases)(
    '%s is acknowledged to nobody, and the store goes on with what is true',
    async (_name, fault, kept) => {
      let faulty = false;
      const store = await openNew({ commit: (db) => (faulty ? fault(db) : db.exec('COMMIT')) });
      await store.append([event('before')]);
      faulty = true;
      const failed = await Promise.allSettled([store.append([event('a')]), store.append([event('b')])]);
      expect(failed.every((result) => result.status === 'rejected' && result.reason.code === 'unavailable')).toBe(true);
      faulty = false;
      await store.append([event('after')]);
      expect(idsOf(store)).toEqual(['before', ...['a', 'b'].slice(0, kept), 'after']);
      expect(store.entries(0, 100).map(({ index }) => index)).toEqual(store.entries(0, 100).map((_, i) => i));
      expect(store.healthy()).toBe(true);
      await store.close();
    },
  );

  test('INVARIANT 4: a full disk denies, and the store goes on when there is room', async () => {
    let database: DatabaseSync | undefined;
    const store = await openNew({
      commit: (db) => {
        database = db;
        db.exec('COMMIT');
      },
    });
    await store.append([event('before')]);
    database!.exec('PRAGMA max_page_count = 30');
    const many = Array.from({ length: 20 }, (_, i) => ({ ...event(`big${i}`), subject: { text: 'x'.repeat(60_000) } }));
    await expect(store.append(many)).rejects.toMatchObject({ code: 'unavailable' });
    database!.exec('PRAGMA max_page_count = 1000000');
    await store.append([event('after')]);
    expect(idsOf(store)).toEqual(['before', 'after']);
    await store.close();
  });
});

test('a second process cannot open the file, and says why', async () => {
  const file = join(folder, 'one', 'remit.db');
  const store = await openNew({ file });
  await expect(openNew({ file })).rejects.toThrow('held by another process');
  await store.close();
});

test('a folder that cannot be made is a clear error', async () => {
  writeFileSync(join(folder, 'plain'), '');
  const file = join(folder, 'plain', 'data', 'remit.db');
  await expect(openNew({ file })).rejects.toMatchObject({ code: 'invalid_config' });
});

test('the database of a newer version is refused', async () => {
  const file = join(folder, 'newer', 'remit.db');
  await (await openNew({ file })).close();
  const db = new DatabaseSync(file);
  db.exec(`INSERT INTO migrations VALUES ('9999-later.sql', 'x', 1)`);
  db.close();
  await expect(openNew({ file })).rejects.toThrow('newer Remit');
});

test('a record that no entry of the log can hold is refused, and spoils nothing else', async () => {
  const store = await openNew();
  const big = { ...event('big'), subject: { text: 'x'.repeat(70_000) } };
  const results = await Promise.allSettled([
    store.append([event('a')]),
    store.append([big]),
    store.append([event('b')]),
  ]);
  expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'too_large' } });
  expect(idsOf(store)).toEqual(['a', 'b']);
  await store.close();
});

test('only the user can read the file', async () => {
  const file = join(folder, 'mode', 'remit.db');
  const store = await openNew({ file });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'mode')).mode & 0o777).toBe(0o700);
  await store.close();
});

function event(id: string): EventRecord {
  return { version: 1, id, time: CONFORMANCE_NOW, kind: 'event', event: 'process.started', subject: {} };
}

function idsOf(store: Store): string[] {
  return store.entries(0, 10_000).map(({ entry }) => (JSON.parse(entry) as LogRecord).id);
}
