import type { Decision, DecisionInput } from './decision.ts';
import type { JsonObject } from './json.ts';
import type { Delegator } from './party.ts';
import { redactArguments } from './redact.ts';

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

/**
 * INVARIANT 8: asks for exactly this action, and the card shows every argument as it will be used. An approval does not
 * outlive the task that it is for.
 */
export function approvalRequest(asked: {
  id: string;
  digest: string;
  input: Pick<DecisionInput, 'action' | 'chain' | 'now'>;
  decision: Pick<Decision, 'approvers' | 'reasons' | 'policySet'>;
  lifetimeMs: number;
}): Approval {
  const { action, chain, now } = asked.input;
  const acting = chain[0]!.task;
  const { issuer, subject, name } = acting.delegator;
  return {
    id: asked.id,
    digest: asked.digest,
    task: acting.id,
    approvers: asked.decision.approvers,
    requester: {
      agent: acting.agent.id,
      delegator: { issuer, subject, ...(name === undefined ? {} : { name }) },
    },
    card: {
      target: action.target,
      operation: action.operation,
      effect: action.effect,
      resources: action.resources,
      arguments: redactArguments(action.arguments),
      purpose: acting.purpose,
      chain: chain.map(({ task }) => ({ task: task.id, agent: task.agent.id })),
      reasons: asked.decision.reasons.map((reason) => reason.message),
    },
    policySet: asked.decision.policySet,
    state: 'pending',
    createdAt: now,
    expiresAt: Math.min(now + asked.lifetimeMs, acting.window.expiresAt),
  };
}

/** Whether this person is one whom the `@approval` entries name: each entry a group, subject or e-mail of theirs. */
export function mayAnswer(approvers: readonly string[], person: Delegator): boolean {
  return (
    approvers.length > 0 &&
    approvers.every((entry) => person.groups.includes(entry) || person.subject === entry || person.email === entry)
  );
}
