import type { DatabaseSync } from 'node:sqlite';
import type { Task } from '../../core/task.ts';
import type { Records } from '../ports.ts';
import { checkIdentifiers } from './identifier.ts';
import { taskBody, taskView } from './task-row.ts';
import type { Verb } from './transaction.ts';

/**
 * A task may only be handed on by one that is active. As the end of a task ends all below it, an active parent means
 * that every ancestor is active too.
 */
export function createTask(db: DatabaseSync) {
  const activeParent = db.prepare(`SELECT 1 FROM task WHERE id = ? AND state = 'active' AND expires_at > ?`);
  const insert = db.prepare(
    `INSERT INTO task (id, parent, delegator_issuer, delegator_subject, agent, state, expires_at, budget_calls,
       ended_at, end_reason, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (task: Task, records: Records): Verb<'created' | 'parent_ended'> =>
    (tx) => {
      checkIdentifiers(task.id, task.delegator.issuer, task.delegator.subject, task.agent.id);
      if (task.parent !== null && activeParent.get(task.parent, tx.now) === undefined) return 'parent_ended';
      const { state, endedAt = null, endReason = null } = task;
      const body = taskBody(task);
      insert.run(
        task.id,
        task.parent,
        task.delegator.issuer,
        task.delegator.subject,
        task.agent.id,
        state,
        task.window.expiresAt,
        task.budget.calls,
        endedAt,
        endReason,
        body,
      );
      tx.append(records);
      const entry = taskView({ body, state, ended_at: endedAt, end_reason: endReason, used_calls: 0 });
      tx.afterCommit((view) => view.putTask(entry));
      return 'created';
    };
}
