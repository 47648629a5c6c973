import { jsonDigest, type Sha256Hex } from './action.ts';
import type { Decision, DecisionInput } from './decision.ts';
import { decisionFacts, type DecisionFacts } from './decision-facts.ts';
import { redactArguments } from './redact.ts';
import type { DecisionRecord } from './record.ts';

/** Bytes of a record with its facts. A larger one is recorded without: they must never keep an action from its record. */
const MAX_WITH_FACTS = 48 * 1024;

export type DecisionRecordParts = {
  /** `rec_…` */
  id: string;
  /** `req_…` */
  request: string;
  input: DecisionInput;
  decision: Decision;
  approval: { id: string; approvers: string[] } | null;
  token: { id: string; key: string } | null;
  /** Remit does not carry it out. */
  enforcedBy?: 'caller';
};

/** The record of one decision: who, for whom, under which task and scope, exactly what, and what was decided why. */
export function decisionRecord(parts: DecisionRecordParts, sha256: Sha256Hex): DecisionRecord {
  const { input, decision } = parts;
  const { action, agent, delegator, chain } = input;
  const acting = chain[0]?.task;
  const record: DecisionRecord = {
    version: 1,
    id: parts.id,
    time: input.now,
    kind: 'decision',
    request: parts.request,
    agent: agent === null ? null : { id: agent.id, attestation: agent.attestation },
    delegator:
      delegator === null
        ? null
        : {
            issuer: delegator.issuer,
            subject: delegator.subject,
            ...(delegator.name === undefined ? {} : { name: delegator.name }),
            groups: delegator.groups,
          },
    chain: chain.map(({ task }) => ({ task: task.id, agent: task.agent.id })),
    task:
      acting === undefined
        ? null
        : {
            id: acting.id,
            purpose: acting.purpose,
            sensitivity: acting.sensitivity,
            origin: acting.origin,
            expires_at: acting.window.expiresAt,
          },
    scope: acting?.grant ?? [],
    action: {
      target: action.target,
      operation: action.operation,
      effect: action.effect,
      sensitivity: action.sensitivity,
      resources: action.resources,
      arguments: redactArguments(action.arguments),
      arguments_digest: jsonDigest(action.arguments, sha256),
    },
    decision: {
      outcome: decision.outcome,
      reasons: decision.reasons,
      policies: decision.policies,
      policy_set: decision.policySet,
      controls: decision.controls,
      observed: decision.observed,
      ...recordedObligations(decision),
    },
    ...(parts.enforcedBy === undefined ? {} : { enforced_by: parts.enforcedBy }),
    approval: parts.approval,
    token: parts.token,
  };
  return { ...record, ...factsThatFit(record, decisionFacts(input)) };
}

/** As they are recorded, where there are any. */
export function recordedObligations({ obligations }: Decision): Pick<DecisionRecord['decision'], 'obligations'> {
  if (obligations === undefined) return {};
  return { obligations: { max_lifetime_seconds: obligations.maxLifetimeSeconds } };
}

function factsThatFit(record: DecisionRecord, facts: DecisionFacts): Pick<DecisionRecord, 'facts' | 'facts_left_out'> {
  const text = JSON.stringify([record, facts]);
  // A character is at most three bytes of UTF-8, so most records need no count.
  const fits = text.length * 3 <= MAX_WITH_FACTS || new TextEncoder().encode(text).length <= MAX_WITH_FACTS;
  return fits ? { facts } : { facts: null, facts_left_out: 'too_large' };
}
