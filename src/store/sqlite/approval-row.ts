import type { Approval } from '../../core/approval.ts';
import { frozenJson } from './frozen.ts';

/** The columns of `approval` that make up an `Approval`. */
export const APPROVAL_COLUMNS = 'body, state, answered_by, answered_at';

export type ApprovalRow = {
  /** JSON of the `FixedApproval`. */
  body: string;
  state: Approval['state'];
  answered_by: string | null;
  answered_at: number | null;
};

/** What never changes about an approval. */
type FixedApproval = Omit<Approval, 'state' | 'answeredBy' | 'answeredAt'>;

export function approvalBody(approval: Approval): string {
  const { state: _state, answeredBy: _answeredBy, answeredAt: _answeredAt, ...fixed } = approval;
  return JSON.stringify(fixed);
}

export function approvalFrom(row: ApprovalRow): Approval {
  const approval: Approval = { ...(frozenJson(row.body) as FixedApproval), state: row.state };
  if (row.answered_by !== null)
    approval.answeredBy = frozenJson(row.answered_by) as NonNullable<Approval['answeredBy']>;
  if (row.answered_at !== null) approval.answeredAt = row.answered_at;
  return Object.freeze(approval);
}

/** Whether the approval still waits for an answer or for the action it allows. */
export function isOpen(approval: Approval): boolean {
  return approval.state === 'pending' || approval.state === 'approved';
}

/** The approval as it is at `now`: an open one whose time has passed is expired, whether or not that was written. */
export function asOf(approval: Approval, now: number): Approval {
  return isOpen(approval) && approval.expiresAt <= now ? { ...approval, state: 'expired' } : approval;
}
