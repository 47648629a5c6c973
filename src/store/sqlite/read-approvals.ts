import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Approval } from '../../core/approval.ts';
import type { ApprovalStore } from '../ports.ts';
import { APPROVAL_COLUMNS, approvalFrom, asOf, type ApprovalRow } from './approval-row.ts';

type Filter = Parameters<ApprovalStore['approvals']>[0];

/** The reads of approvals that go to the database: those that are not open any more, and lists. */
export function readApprovals(db: DatabaseSync) {
  const one = db.prepare(`SELECT ${APPROVAL_COLUMNS} FROM approval WHERE id = ?`);

  return {
    one(id: string): Approval | undefined {
      const row = id.isWellFormed() ? one.get(id) : undefined;
      return row === undefined ? undefined : approvalFrom(row as ApprovalRow);
    },
    /** Newest first, each as it is at `now`. */
    list(filter: Filter, now: number): Approval[] {
      const conditions = ['1'];
      const values: SQLInputValue[] = [];
      if (filter.task !== undefined) {
        conditions.push('task = ?');
        values.push(filter.task);
      }
      switch (filter.state) {
        case undefined:
          break;
        case 'pending':
        case 'approved':
          conditions.push('state = ? AND expires_at > ?');
          values.push(filter.state, now);
          break;
        case 'expired':
          conditions.push(`(state = 'expired' OR (state IN ('pending', 'approved') AND expires_at <= ?))`);
          values.push(now);
          break;
        case 'refused':
        case 'spent':
        case 'closed':
          conditions.push('state = ?');
          values.push(filter.state);
      }
      const sql = `SELECT ${APPROVAL_COLUMNS} FROM approval WHERE ${conditions.join(' AND ')} ORDER BY seq DESC LIMIT ?`;
      const rows = db.prepare(sql).all(...values, Math.max(0, filter.limit)) as ApprovalRow[];
      return rows.map((row) => asOf(approvalFrom(row), now));
    },
  };
}
