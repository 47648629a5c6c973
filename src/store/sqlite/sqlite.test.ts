import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EventRecord, LogRecord } from '../../core/record.ts';
import { storeConformance } from '../conformance.ts';
import { NOW } from '../conformance/fixture.ts';
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
    clock: () => NOW,
    ...overrides,
  });
}

storeConformance('sqlite', async (clock) => {
  const open = () => openSqliteStore({ file: join(folder, 'conformance', 'remit.db'), clock });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    dispose: () => store.close(),
  };
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

test('a database of a newer version is refused if that version says so, and used otherwise', async () => {
  const file = join(folder, 'newer', 'remit.db');
  await (await openNew({ file })).close();
  const note = (sql: string) => {
    using db = new DatabaseSync(file);
    db.exec(sql);
  };
  note(`INSERT INTO migrations VALUES ('9998-later.sql', 'x', 0)`);
  await (await openNew({ file })).close();
  note(`INSERT INTO migrations VALUES ('9999-later.sql', 'x', 1)`);
  await expect(openNew({ file })).rejects.toThrow('newer Remit');
  note(
    `DELETE FROM migrations WHERE breaking = 1 AND name LIKE '99%'; UPDATE migrations SET digest = 'y' WHERE name LIKE '0001%'`,
  );
  await expect(openNew({ file })).rejects.toMatchObject({ code: 'invalid_config' });
});

test('what may wait has no commit of its own where another verb comes', async () => {
  let commits = 0;
  const store = await openNew({
    commit: (db) => {
      commits += 1;
      db.exec('COMMIT');
    },
  });
  const late = [store.appendSoon([event('a')]), store.appendSoon([event('b')])];
  await new Promise((resolve) => setImmediate(resolve));
  await store.append([event('c')]);
  await Promise.all(late);
  expect([commits, store.size()]).toEqual([1, 3]);
  await store.close();
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

test('only the owner can read what the store writes', async () => {
  const file = join(folder, 'a', 'b', 'remit.db');
  const store = await openNew({ file });
  await store.append([event('r1')]);
  const mode = (path: string) => statSync(path).mode & 0o777;
  expect([file, `${file}-wal`].map(mode)).toEqual([0o600, 0o600]);
  expect([join(folder, 'a'), join(folder, 'a', 'b')].map(mode)).toEqual([0o700, 0o700]);
  await store.close();
  chmodSync(file, 0o644);
  await (await openNew({ file })).close();
  expect(mode(file)).toBe(0o600);
});

function event(id: string): EventRecord {
  return { version: 1, id, time: NOW, kind: 'event', event: 'process.started', subject: {} };
}

function idsOf(store: Store): string[] {
  return store.entries(0, 10_000).map(({ entry }) => (JSON.parse(entry) as LogRecord).id);
}
