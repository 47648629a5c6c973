import { jsonDigest, type Action, type Sha256Hex } from '../core/action.ts';
import { countersOfWire, limitsOfWire } from '../core/budget-wire.ts';
import type {
  AgentFacts,
  DecisionFacts,
  LevelFacts,
  NamedLeaseFacts,
  PersonFacts,
  RedactedFact,
} from '../core/decision-facts.ts';
import type { DecisionInput, TaskView } from '../core/decision.ts';
import type { NamedLease } from '../core/lease.ts';
import type { Agent, Delegator } from '../core/party.ts';
import type { DecisionRecord } from '../core/record.ts';
import { scheduleOfWire } from '../core/schedule-wire.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { TaskProfile } from '../core/task.ts';

/** What of a record is not as it was when the decision was made. */
export const DOUBTS = ['arguments', 'parameters', 'grants', 'undescribed'] as const satisfies (
  | 'arguments'
  | RedactedFact
)[];
export type Doubt = (typeof DOUBTS)[number];

/**
 * Why a record does not say what its decision was made on: it is older than the facts, they were too large to keep, it was
 * written by a version that knows of more, or the set that would have decided was distrusted and its policies not asked.
 */
export const GAPS = ['no_facts', 'facts_too_large', 'unknown_form', 'set_distrusted'] as const;
export type Gap = (typeof GAPS)[number];

export type RecordedInput =
  | { exact: true; input: DecisionInput }
  /** The input is the nearest there is; what is decided on it may not be what would have been decided. */
  | { exact: false; input: DecisionInput; because: Doubt[] }
  | { exact: false; input: null; because: Gap };

/** The input that a recorded decision was made on, as far as the record tells. The way back from `decisionRecord`. */
export function recordedInput(record: DecisionRecord, sha256: Sha256Hex): RecordedInput {
  const { facts, decision } = record;
  if (decision.reasons.some(({ code }) => code === 'policy_set_distrusted')) {
    return { exact: false, input: null, because: 'set_distrusted' };
  }
  if (facts === undefined) return { exact: false, input: null, because: 'no_facts' };
  if (facts === null) return { exact: false, input: null, because: 'facts_too_large' };
  if (!matches(record, facts)) return { exact: false, input: null, because: 'unknown_form' };
  const input = inputOf(record, facts);
  const asTheyWere = jsonDigest(record.action.arguments, sha256) === record.action.arguments_digest;
  const because: Doubt[] = [...(asTheyWere ? [] : ['arguments' as const]), ...facts.redacted];
  return because.length === 0 ? { exact: true, input } : { exact: false, input, because };
}

/** Record and facts speak of the same parties and levels. */
function matches(record: DecisionRecord, facts: DecisionFacts): boolean {
  return (
    record.chain.length === facts.chain.length &&
    (record.task === null) === (record.chain.length === 0) &&
    (record.agent === null) === (facts.agent === null) &&
    (record.delegator === null) === (facts.delegator === null) &&
    // A level without a delegator of its own has the record's.
    (record.delegator !== null || facts.chain.every((level) => level.delegator !== undefined))
  );
}

function agentOf({ id, attestation }: NonNullable<DecisionRecord['agent']>, facts: AgentFacts): Agent {
  const { trust_domain: trustDomain, ...rest } = facts;
  return { id: id as SpiffeId, trustDomain, attestation: attestation as Agent['attestation'], ...rest };
}

function inputOf(record: DecisionRecord, facts: DecisionFacts): DecisionInput {
  const { agent, scope } = record;
  const delegator = record.delegator === null ? null : person({ ...record.delegator, ...facts.delegator });
  return {
    now: record.time,
    fresh: facts.fresh,
    action: actionOf(record, facts),
    agent: agent === null ? null : agentOf(agent, facts.agent!),
    delegator,
    chain: facts.chain.map((level, place) => levelOf(record, { level, place, delegator })),
    token:
      facts.token === null
        ? null
        : {
            issuedAt: facts.token.issued_at,
            binding: facts.token.binding,
            narrowedTo: facts.token.narrowed_to ?? scope,
          },
    ...(facts.approval_point === undefined ? {} : { approvalPoint: facts.approval_point }),
    approval:
      facts.approval === null ? null : { id: facts.approval.id, approvers: facts.approval.approvers.map(person) },
    ...(facts.suspended === undefined ? {} : { suspended: facts.suspended }),
  };
}

function actionOf({ action }: DecisionRecord, facts: DecisionFacts): Action {
  const { protocol, definition, undescribed, provenance, leases, flow, sources } = facts.action;
  return {
    target: action.target,
    operation: action.operation,
    effect: action.effect,
    resources: action.resources,
    sensitivity: action.sensitivity,
    arguments: action.arguments,
    protocol,
    definition,
    ...(provenance === undefined ? {} : { provenance }),
    ...(leases === undefined ? {} : { leases: leases.map(namedLease) }),
    ...(flow === undefined ? {} : { flow }),
    ...(sources === undefined ? {} : { sources }),
    ...(undescribed === undefined ? {} : { undescribed }),
  };
}

function namedLease({ id, lease }: NamedLeaseFacts): NamedLease {
  if (lease === null) return { id, lease };
  const { usable_at: usableAt, made_at: madeAt, ...same } = lease;
  return { id, lease: { ...same, usableAt, madeAt } };
}

/** What a level leaves out is as in the record's own members (see `LevelFacts`). */
function levelOf(
  record: DecisionRecord,
  { level, place, delegator }: { level: LevelFacts; place: number; delegator: Delegator | null },
): TaskView {
  const acting = record.task!;
  const { task: id, agent } = record.chain[place]!;
  return {
    task: {
      id,
      parent: record.chain[place + 1]?.task ?? null,
      delegator: level.delegator === undefined ? delegator! : person(level.delegator),
      agent: { id: agent as SpiffeId, trustDomain: level.trust_domain },
      purpose: level.purpose ?? acting.purpose,
      parameters: level.parameters,
      grant: level.grant ?? record.scope,
      sensitivity: level.sensitivity ?? acting.sensitivity,
      origin: level.origin ?? acting.origin,
      window: {
        notBefore: level.not_before,
        expiresAt: level.expires_at ?? acting.expires_at,
        ...(level.schedules === undefined ? {} : { schedules: level.schedules.map(scheduleOfWire) }),
      },
      budget: { calls: level.calls.budget, ...limitsOfWire(level.limits ?? {}) },
      maxHops: level.max_hops,
      ...(level.profile === undefined ? {} : { profile: profileOf(level.profile) }),
      state: level.state,
      createdAt: level.created_at,
    },
    used: {
      calls: level.calls.used,
      ...(level.used === undefined ? {} : { counters: countersOfWire(level.used) }),
    },
    ...(level.labels === undefined ? {} : { labels: level.labels }),
    ...(level.done === undefined ? {} : { done: doneOf(level.done) }),
  };
}

function doneOf(done: NonNullable<LevelFacts['done']>): NonNullable<TaskView['done']> {
  return Object.fromEntries(
    Object.entries(done).map(([operation, { first_at: firstAt, last_at: lastAt, ...counted }]) => [
      operation,
      { ...counted, firstAt, lastAt },
    ]),
  );
}

function profileOf({ hop_approval: hopApproval, ...profile }: NonNullable<LevelFacts['profile']>): TaskProfile {
  return { ...profile, ...(hopApproval === undefined ? {} : { hopApproval }) };
}

function person({ auth_time: authTime, ...facts }: PersonFacts): Delegator {
  return { ...facts, ...(authTime === undefined ? {} : { authTime }) };
}
