import { z } from '@hono/zod-openapi';
import type { ApprovalCard } from '../approval/card.ts';
import type { ApprovalState } from '../core/approval.ts';
import { iso, time } from './wire.ts';

/**
 * An approval as the AuthZEN Access Request and Approval Profile (draft 1, June 2026) has it, for whoever has asked. Remit
 * asks by itself when it holds an action, so there is a task at once and nothing to submit; and an approval is never a permit:
 * the same request is decided again (`reevaluate`).
 */
const STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled'] as const;
type Status = (typeof STATUSES)[number];

const STATUS_OF: Readonly<Record<ApprovalState, Status>> = {
  pending: 'pending',
  approved: 'approved',
  spent: 'approved',
  refused: 'denied',
  expired: 'expired',
  closed: 'cancelled',
};

const taskWire = z.object({
  id: z.string(),
  status: z.enum(STATUSES),
  status_endpoint: z.string(),
  expires_at: time,
});

export const accessRequestWire = z
  .object({
    task: taskWire,
    result: z
      .object({
        mode: z.literal('reevaluate'),
        approval: z.object({
          id: z.string(),
          approved_at: time,
          approved_until: time,
          state: z.enum(['active', 'consumed', 'expired', 'cancelled']),
        }),
      })
      .optional()
      .openapi({ description: 'of an approval that was given: make the same request again' }),
  })
  .openapi('AccessRequest');

export function accessRequestTask(
  { id, status, expiresAt }: { id: string; status: Status; expiresAt: number },
  publicUrl: string,
): z.output<typeof taskWire> {
  return { id, status, status_endpoint: `${publicUrl}/v1/access-requests/${id}`, expires_at: iso(expiresAt) };
}

export function accessRequestToWire(
  { approval, state }: ApprovalCard,
  publicUrl: string,
): z.output<typeof accessRequestWire> {
  const { id, expiresAt, answers } = approval;
  const task = accessRequestTask({ id, status: STATUS_OF[state], expiresAt }, publicUrl);
  // Approved once, whatever became of it since.
  if (approval.state !== 'approved' && approval.state !== 'spent') return { task };
  return {
    task,
    result: {
      mode: 'reevaluate',
      approval: {
        id,
        approved_at: iso(answers.at(-1)?.at ?? approval.createdAt),
        approved_until: iso(expiresAt),
        state:
          state === 'approved'
            ? 'active'
            : state === 'spent'
              ? 'consumed'
              : state === 'expired'
                ? 'expired'
                : 'cancelled',
      },
    },
  };
}
