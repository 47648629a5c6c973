import type { JsonObject } from './json.ts';
import type { Delegator } from './party.ts';

export const APPROVAL_STATES = ['pending', 'approved', 'refused', 'spent', 'expired', 'closed'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** A request that a person say yes to one exact action, once (invariant 8). Times in ms since the epoch. */
export type Approval = {
  id: string;
  /** `actionDigest` of the action that waits. */
  digest: string;
  task: string;
  /** Each entry is a group, or a person's subject or e-mail; an approver must satisfy every entry. */
  approvers: string[];
  requester: { agent: string; delegator: Pick<Delegator, 'issuer' | 'subject' | 'name'> };
  /** What the approver sees, computed by the gateway. */
  card: {
    target: string;
    operation: string;
    effect: string;
    resources: string[];
    arguments: JsonObject;
    purpose: string;
    chain: { task: string; agent: string }[];
    reasons: string[];
  };
  policySet: string;
  state: ApprovalState;
  createdAt: number;
  expiresAt: number;
  answeredBy?: Delegator;
  answeredAt?: number;
};

/** Whether this person is one whom the `@approval` entries name: each entry a group, subject or e-mail of theirs. */
export function mayAnswer(approvers: readonly string[], person: Delegator): boolean {
  return (
    approvers.length > 0 &&
    approvers.every((entry) => person.groups.includes(entry) || person.subject === entry || person.email === entry)
  );
}
