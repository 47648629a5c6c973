import type { DatabaseSync } from 'node:sqlite';
import type { Delegator } from '../../core/party.ts';
import type { Records } from '../ports.ts';
import { APPROVAL_COLUMNS, approvalFrom, asOf, type ApprovalRow } from './approval-row.ts';
import { checkIdentifiers } from './identifier.ts';
import type { Verb } from './transaction.ts';

export type ApprovalAnswer = { id: string; to: 'approved' | 'refused'; by: Delegator; at: number };
export type ApprovalAnswering = 'answered' | 'already_answered' | 'expired' | 'task_ended' | 'unknown';

/** The first answer counts. The end of the task beats an answer that arrives with it. */
export function answerApproval(db: DatabaseSync) {
  const find = db.prepare(
    `SELECT approval.body, approval.state, answered_by, answered_at,
       task.state = 'active' AND task.expires_at > ? AS task_live
     FROM approval JOIN task ON task.id = approval.task WHERE approval.id = ?`,
  );
  const write = db.prepare(
    `UPDATE approval SET state = ?, answered_by = ?, answered_at = ? WHERE id = ? AND state = 'pending'
     RETURNING ${APPROVAL_COLUMNS}`,
  );

  return (answer: ApprovalAnswer, records: Records): Verb<ApprovalAnswering> =>
    (tx) => {
      checkIdentifiers(answer.id);
      const now = Math.max(answer.at, tx.now);
      const row = find.get(now, answer.id) as (ApprovalRow & { task_live: number }) | undefined;
      if (row === undefined) return 'unknown';
      const approval = asOf(approvalFrom(row), now);
      if (approval.state === 'closed') return 'task_ended';
      if (approval.answeredAt !== undefined) return 'already_answered';
      if (row.task_live === 0) return 'task_ended';
      if (approval.state !== 'pending') return 'expired';
      const written = write.get(answer.to, JSON.stringify(answer.by), answer.at, answer.id) as ApprovalRow;
      tx.append(records);
      const answered = approvalFrom(written);
      tx.afterCommit((view) => view.putApproval(answered));
      return 'answered';
    };
}
