import type { DatabaseSync } from 'node:sqlite';
import type { Approval } from '../../core/approval.ts';
import { Conflict, NotFound } from '../../core/errors.ts';
import type { Records } from '../ports.ts';
import { APPROVAL_COLUMNS, approvalBody, approvalFrom, type ApprovalRow } from './approval-row.ts';
import { checkIdentifiers } from './identifier.ts';
import type { Transaction, Verb } from './transaction.ts';

/**
 * One open request for one exact action of one task. `records` is called with whichever approval the caller gets, so
 * that each held call has its record.
 *
 * Rejects with `Conflict` when the task is not active: an ended task has no queue to join.
 */
export function requestApproval(db: DatabaseSync) {
  const task = db.prepare('SELECT state, expires_at FROM task WHERE id = ?');
  const open = db.prepare(
    `SELECT ${APPROVAL_COLUMNS}, expires_at FROM approval
     WHERE task = ? AND digest = ? AND state IN ('pending', 'approved')`,
  );
  const expire = db.prepare(
    `UPDATE approval SET state = 'expired' WHERE task = ? AND digest = ? AND state IN ('pending', 'approved')`,
  );
  const insert = db.prepare(
    `INSERT INTO approval (id, task, digest, state, expires_at, body) VALUES (?, ?, ?, 'pending', ?, ?)`,
  );

  function checkTask(id: string, now: number): void {
    const found = task.get(id) as { state: string; expires_at: number } | undefined;
    if (found === undefined) throw new NotFound(`there is no task \`${id}\``);
    if (found.state !== 'active' || found.expires_at <= now) {
      throw new Conflict(`task \`${id}\` is not active: nothing can be approved for it`);
    }
  }

  function insertNew(tx: Transaction, wanted: Approval): Approval {
    const body = approvalBody(wanted);
    insert.run(wanted.id, wanted.task, wanted.digest, wanted.expiresAt, body);
    const made = approvalFrom({ body, state: 'pending', answered_by: null, answered_at: null });
    tx.afterCommit((view) => view.putApproval(made));
    return made;
  }

  return (wanted: Approval, records: (approval: Approval) => Records): Verb<Approval> =>
    (tx) => {
      checkIdentifiers(wanted.id, wanted.task, wanted.digest);
      const now = Math.max(wanted.createdAt, tx.now);
      checkTask(wanted.task, now);
      const found = open.get(wanted.task, wanted.digest) as (ApprovalRow & { expires_at: number }) | undefined;
      const waits = found !== undefined && found.expires_at > now ? approvalFrom(found) : undefined;
      if (found !== undefined && waits === undefined) {
        const stale = approvalFrom(found).id;
        expire.run(wanted.task, wanted.digest);
        tx.afterCommit((view) => view.dropApproval(stale));
      }
      const approval = waits ?? insertNew(tx, wanted);
      tx.append(records(approval));
      return approval;
    };
}
