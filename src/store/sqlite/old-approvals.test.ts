import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { alice, approvalFixture, bob, MINUTE, NOW, taskFixture } from '../conformance/fixture.ts';
import { openSqliteStore } from './open.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/sqlite');

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-old-'));
  file = join(folder, 'remit.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A database as the version before answers had a table of their own left it. */
function before(): void {
  using db = new DatabaseSync(file);
  db.exec('CREATE TABLE migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL, breaking INTEGER NOT NULL) STRICT');
  for (const name of readdirSync(MIGRATIONS)
    .toSorted()
    .filter((each) => each < '0005')) {
    const sql = readFileSync(join(MIGRATIONS, name), 'utf8');
    db.exec(sql);
    const digest = createHash('sha256').update(sql).digest('hex');
    db.prepare('INSERT INTO migrations VALUES (?, ?, ?)').run(name, digest, sql.startsWith('-- breaking') ? 1 : 0);
  }
  const task = taskFixture();
  db.prepare(
    `INSERT INTO tasks (id, parent, state, delegator_issuer, delegator_subject, agent, created_at, expires_at, budget_calls, body)
     VALUES (?, NULL, 'active', ?, ?, ?, ?, ?, 10, ?)`,
  ).run(task.id, alice.issuer, alice.subject, task.agent.id, NOW, NOW + 10 * MINUTE, JSON.stringify(task));
  const insert = db.prepare('INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const [id, state, by] of [
    ['pending', 'pending', null],
    ['approved', 'approved', bob],
    ['refused', 'refused', bob],
    ['spent', 'spent', bob],
  ] as const) {
    const { answers: _answers, ...body } = approvalFixture({ id, digest: id });
    const { sensitivity: _sensitivity, policies: _policies, ...card } = body.card;
    const text = JSON.stringify({ ...body, card, state: 'pending' });
    insert.run(
      id,
      task.id,
      id,
      state,
      NOW,
      NOW + 5 * MINUTE,
      by === null ? null : NOW + 1,
      by === null ? null : JSON.stringify(by),
      text,
    );
  }
}

test('approvals of before keep their state and their answers, and go on', async () => {
  before();
  const store = await openSqliteStore({ file, clock: () => NOW + 2 });
  const states = store.approvals({ limit: 9 }).map(({ id, state, answers }) => [id, state, answers]);
  expect(Object.fromEntries(states.map(([id, ...rest]) => [id, rest]))).toEqual({
    pending: ['pending', []],
    approved: ['approved', [{ to: 'approved', by: bob, at: NOW + 1 }]],
    refused: ['refused', [{ to: 'refused', by: bob, at: NOW + 1 }]],
    spent: ['spent', [{ to: 'approved', by: bob, at: NOW + 1 }]],
  });
  expect(store.approval('pending')!.card).toMatchObject({ sensitivity: 'restricted', policies: [] });
  expect(store.givenApproval('task_1', 'approved', NOW + 2)).toEqual({ id: 'approved', approvers: [bob] });
  expect(await store.admit({ chain: ['task_1'], counted: true, approval: 'approved' }, [])).toEqual({ admitted: true });
  expect(await store.answerApproval({ id: 'pending', to: 'approved', by: bob, at: NOW + 2 }, [])).toBe('answered');
  expect(
    store.answersAlike({ target: 'files', operation: 'write_file', agent: taskFixture().agent.id, since: 0 }, 9),
  ).toMatchObject({
    approved: 3,
    refused: 1,
  });
  await store.close();
});
