import { approvalRule, isMet, isNamedBy } from './approval-rule.ts';
import type { ArgumentOrigin } from './action.ts';
import type { Decision, DecisionInput } from './decision.ts';
import type { Effect } from './effect.ts';
import type { JsonObject } from './json.ts';
import { delegatorId, type Delegator } from './party.ts';
import { redactSecrets } from './redact.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { PromptOrigin } from './task.ts';

export const APPROVAL_STATES = ['pending', 'approved', 'refused', 'spent', 'expired', 'closed'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** A request that people say yes to one exact action, once (invariant 8). Times in ms since the epoch. */
export type Approval = {
  id: string;
  /** `actionDigest` of the action that waits. */
  digest: string;
  /** `null` for one of Remit's own operations that no task stands behind. */
  task: string | null;
  /** The rules of the policies that hold the action, as by `readApprovalRule`; each must be met. */
  approvers: string[];
  requester: {
    /** `null` where a person asks without an agent. */
    agent: string | null;
    delegator: Pick<Delegator, 'issuer' | 'subject' | 'name' | 'email'>;
  };
  /** What the approver sees, computed by the gateway. */
  card: {
    target: string;
    operation: string;
    effect: Effect;
    sensitivity: Sensitivity;
    resources: string[];
    /** In full but for secrets. */
    arguments: JsonObject;
    /** Where the values of arguments were seen. Absent where nothing could tell. */
    provenance?: Record<string, ArgumentOrigin>;
    /** `null` where no task stands behind it. */
    purpose: string | null;
    origin?: PromptOrigin;
    chain: { task: string; agent: string }[];
    reasons: string[];
    policies: string[];
  };
  policySet: string;
  state: ApprovalState;
  createdAt: number;
  expiresAt: number;
  /** In the order in which they were given; at most one yes of a person. */
  answers: Answer[];
};

export type Answer = { to: 'approved' | 'refused'; by: Delegator; at: number; reason?: string };

/**
 * INVARIANT 8: asks for exactly this action, and the card shows every argument as it will be used. An approval does not
 * outlive the task that it is for.
 */
export function approvalRequest(asked: {
  id: string;
  digest: string;
  input: Pick<DecisionInput, 'action' | 'chain' | 'now' | 'agent' | 'delegator'>;
  decision: Pick<Decision, 'approvers' | 'reasons' | 'policySet' | 'policies'>;
  lifetimeMs: number;
}): Approval {
  const { action, chain, now, agent } = asked.input;
  const acting = chain[0]?.task;
  const { issuer, subject, name, email } = acting?.delegator ?? asked.input.delegator!;
  return {
    id: asked.id,
    digest: asked.digest,
    task: acting?.id ?? null,
    approvers: asked.decision.approvers,
    requester: {
      agent: acting?.agent.id ?? agent?.id ?? null,
      delegator: {
        issuer,
        subject,
        ...(name === undefined ? {} : { name }),
        ...(email === undefined ? {} : { email }),
      },
    },
    card: {
      target: action.target,
      operation: action.operation,
      effect: action.effect,
      sensitivity: action.sensitivity,
      resources: action.resources,
      arguments: redactSecrets(action.arguments),
      ...(action.provenance === undefined ? {} : { provenance: { ...action.provenance } }),
      purpose: acting?.purpose ?? null,
      ...(acting === undefined ? {} : { origin: acting.origin }),
      chain: chain.map(({ task }) => ({ task: task.id, agent: task.agent.id })),
      reasons: asked.decision.reasons.map((reason) => reason.message),
      policies: asked.decision.policies,
    },
    policySet: asked.decision.policySet,
    state: 'pending',
    createdAt: now,
    expiresAt: Math.min(now + asked.lifetimeMs, acting?.window.expiresAt ?? Infinity),
    answers: [],
  };
}

/** Whether the action could be shown to a person in full; nobody says yes to what they cannot have read. */
export function isReadable(action: Pick<DecisionInput['action'], 'arguments'>): boolean {
  return JSON.stringify(action.arguments).length <= MAX_READABLE;
}

/** Characters of the arguments as JSON. */
const MAX_READABLE = 256 * 1024;

/** Whether some rule names this person: their yes would count for it, if they are as strongly signed in as it asks. */
export function mayAnswer(approvers: readonly string[], person: Delegator): boolean {
  return approvers.some((text) => isNamedBy(approvalRule(text), person));
}

/** Whether these have said all the yes that the rules ask for. */
export function isApproved(approvers: readonly string[], answers: readonly Pick<Answer, 'to' | 'by'>[]): boolean {
  const people = answers.filter(({ to }) => to === 'approved').map(({ by }) => by);
  return approvers.length > 0 && approvers.every((text) => isMet(approvalRule(text), people));
}

/** Those who said yes, for policy. */
export function approversOf({ answers }: Pick<Approval, 'answers'>): Delegator[] {
  return answers.filter(({ to }) => to === 'approved').map(({ by }) => by);
}

/** One text that names whoever asks. */
export function requesterName({ requester }: Pick<Approval, 'requester'>): string {
  return delegatorId(requester.delegator);
}
