import type { DatabaseSync } from 'node:sqlite';
import { Conflict } from '../../core/errors.ts';
import { mayBecome, type EndedState, type Task } from '../../core/task.ts';
import type { Records } from '../ports.ts';
import { checkIdentifiers } from './identifier.ts';
import { TASK_COLUMNS, taskView, type TaskRow } from './task-row.ts';
import type { Transaction, Verb } from './transaction.ts';

export type TaskEnd = { id: string; to: EndedState; at: number; reason: string };
export type TaskEnding = { outcome: 'ended'; tasks: Task[] } | { outcome: 'already_ended' } | { outcome: 'unknown' };

/**
 * INVARIANT 6: the task and all below it end in one step, and their open approvals close with them. A task that was
 * never started cannot complete, so it is revoked when a completed task takes it along.
 */
export function endTask(db: DatabaseSync) {
  // A task that has ended has nothing alive below it, so the walk stops there. Parents come before their children.
  const alive = db.prepare(
    `WITH RECURSIVE tree (id) AS (
       SELECT id FROM task WHERE id = ? AND state IN ('requested', 'active')
       UNION
       SELECT task.id FROM task JOIN tree ON task.parent = tree.id WHERE task.state IN ('requested', 'active')
     )
     SELECT ${TASK_COLUMNS} FROM task WHERE id IN (SELECT id FROM tree) ORDER BY seq`,
  );
  const known = db.prepare('SELECT 1 FROM task WHERE id = ?');
  const end = db.prepare('UPDATE task SET state = ?, ended_at = ?, end_reason = ? WHERE id = ?');
  const closeApprovals = db.prepare(
    `UPDATE approval SET state = 'closed' WHERE task = ? AND state IN ('pending', 'approved')`,
  );

  function endOne(tx: Transaction, row: TaskRow, { to, at, reason }: TaskEnd): Task {
    const state = mayBecome(row.state, to) ? to : 'revoked';
    const entry = taskView({ ...row, state, ended_at: at, end_reason: reason });
    const { id } = entry.task;
    end.run(state, at, reason, id);
    closeApprovals.run(id);
    tx.afterCommit((view) => {
      view.putTask(entry);
      view.dropApprovalsOf(id);
    });
    return entry.task;
  }

  return (request: TaskEnd, records: (ended: readonly Task[]) => Records): Verb<TaskEnding> =>
    (tx) => {
      checkIdentifiers(request.id);
      const rows = alive.all(request.id) as TaskRow[];
      const [root] = rows;
      if (root === undefined) {
        return { outcome: known.get(request.id) === undefined ? 'unknown' : 'already_ended' };
      }
      if (!mayBecome(root.state, request.to)) {
        throw new Conflict(`a task that is ${root.state} cannot become ${request.to}`);
      }
      const tasks = rows.map((row) => endOne(tx, row, request));
      tx.append(records(tasks));
      return { outcome: 'ended', tasks };
    };
}
