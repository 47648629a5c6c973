import { isApproved, type Approval } from '../core/approval.ts';
import { Forbidden, InvalidRequest } from '../core/errors.ts';
import type { Delegator } from '../core/party.ts';
import { matchesOf, type StandingAnswer, type Variation } from '../core/standing-answer.ts';

/** "The next so many like this", within so many minutes, which may differ from this one so far. */
export type Next = { uses: number; minutes: number; vary: Variation };

/** What the configuration allows; `maxUses` 0 for none at all. */
export type StandingLimits = { maxUses: number; maxMinutes: number };

/**
 * The answer that stands from this yes on.
 *
 * @throws Forbidden, InvalidRequest naming what stands against it
 */
export function standingAnswer(
  next: Next,
  given: { approval: Approval; by: Delegator; at: number; id: string; taskExpiresAt: number },
  limits: StandingLimits,
): StandingAnswer {
  const { approval, by, at, id, taskExpiresAt } = given;
  const { uses, minutes, vary } = next;
  const { task, card } = approval;
  if (limits.maxUses === 0) throw new Forbidden('each action is answered by itself here; answer without `next`');
  if (uses > limits.maxUses) throw new InvalidRequest(`\`next.uses\`: at most ${limits.maxUses}`);
  if (minutes > limits.maxMinutes) throw new InvalidRequest(`\`next.minutes\`: at most ${limits.maxMinutes}`);
  if (task === null || card.target === 'remit') {
    throw new InvalidRequest('`next`: only calls of a target can be answered beforehand');
  }
  if (!isApproved(approval.approvers, [{ to: 'approved', by }])) {
    throw new Forbidden('several people have to approve this, so each action is answered by itself');
  }
  const matches = matchesOf(approval, vary);
  if ('problem' in matches) throw new InvalidRequest(`\`next\`: ${matches.problem}`);
  return {
    id,
    task,
    approval: approval.id,
    target: card.target,
    operation: card.operation,
    ...matches,
    policySet: approval.policySet,
    approvers: [by],
    uses,
    usesLeft: uses,
    state: 'active',
    createdAt: at,
    expiresAt: Math.min(at + minutes * 60_000, taskExpiresAt),
  };
}
