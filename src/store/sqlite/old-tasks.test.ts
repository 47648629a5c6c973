import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOW, taskFixture } from '../conformance/fixture.ts';
import { openDatabase } from './database.ts';
import { insertTask, oldDatabase } from './old-database.ts';
import { openSqliteStore } from './open.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-old-'));
  file = join(folder, 'remit.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => openSqliteStore({ file, clock: () => NOW + 2 });

test('tasks of before keep what they have used and who is below whom, and what refers to them still holds', async () => {
  {
    using db = oldDatabase(file, '0014');
    for (const id of ['root', 'child']) insertTask(db, taskFixture({ id, parent: id === 'root' ? null : 'root' }));
    db.exec(`UPDATE tasks SET used_calls = 2, used_at = ${NOW + 1} WHERE id = 'child'`);
    db.exec(`INSERT INTO issued_tokens (id, task, expires_at) VALUES ('jti', 'child', ${NOW + 60_000})`);
  }
  const store = await open();
  expect(store.chain('child').map(({ task, used }) => [task.id, used.calls])).toEqual([
    ['child', 2],
    ['root', 0],
  ]);
  expect(store.unused(NOW).map(({ id }) => id)).toEqual(['root']);
  const ended = await store.endTask({ id: 'root', to: 'completed', at: NOW + 2, reason: 'done' }, () => []);
  expect(ended.outcome === 'ended' && ended.tasks.map(({ id, state }) => [id, state])).toEqual([
    ['root', 'completed'],
    ['child', 'revoked'],
  ]);
  expect(store.closing('child')).toMatchObject({ outstanding: { tokens: ['jti'] }, attempts: 0 });
  await expect(store.createTask(taskFixture({ id: 'orphan', parent: 'nobody' }), [])).resolves.toBe('parent_ended');
  await store.close();
});

test('foreign keys are held after the migrations', () => {
  using db = openDatabase(file);
  expect(() => db.exec("INSERT INTO closings (task, body) VALUES ('nobody', '{}')")).toThrow(/FOREIGN KEY/);
});

test('a database that does not hold together is not migrated further', async () => {
  {
    using db = oldDatabase(file, '0014');
    insertTask(db, taskFixture({ id: 'child', parent: 'lost' }));
  }
  await expect(open()).rejects.toThrow(/does not hold together after 0014-rowid-tables\.sql; restore a copy/);
});
