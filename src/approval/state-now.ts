import type { Approval } from '../core/approval.ts';
import type { AuthorizeParts } from '../task/authorize.ts';

/**
 * An approval whose time is over has expired, whether or not the store has noticed. One that was asked for under another
 * policy set is closed: the action is another by now, and an answer would be of no use.
 */
export function stateNow(approval: Approval, { clock, pdp }: Pick<AuthorizeParts, 'clock' | 'pdp'>): Approval['state'] {
  if (approval.state !== 'pending' && approval.state !== 'approved') return approval.state;
  if (clock() >= approval.expiresAt) return 'expired';
  return approval.policySet === pdp().policySet ? approval.state : 'closed';
}
