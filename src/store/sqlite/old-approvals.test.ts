import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { approvalFixture, bob, MINUTE, NOW, taskFixture } from '../conformance/fixture.ts';
import { insertTask, oldDatabase } from './old-database.ts';
import { openSqliteStore } from './open.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-old-'));
  file = join(folder, 'remit.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A database as the version before answers had a table of their own left it. */
function before(): void {
  using db = oldDatabase(file, '0005');
  const task = taskFixture();
  insertTask(db, task);
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
