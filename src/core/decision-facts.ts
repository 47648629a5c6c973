import type { AgentOwner, AgentState } from './agent.ts';
import type { ApprovalPoint } from './approval-point.ts';
import type { Action, ArgumentFlow, ArgumentOrigin, ArgumentSource, Undescribed } from './action.ts';
import type { Budget, SumLimit } from './budget.ts';
import { limitsToWire, usedLimitsToWire, type LimitsWire, type UsedLimitsWire } from './budget-wire.ts';
import type { DecisionInput, GivenApproval, TaskView, TokenFacts } from './decision.ts';
import type { Effect } from './effect.ts';
import type { Grant } from './grant.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { LeaseKind, LeaseState, NamedLease } from './lease.ts';
import type { Agent, Delegator } from './party.ts';
import { redactArguments, redactText, redactTexts } from './redact.ts';
import type { Schedule } from './schedule.ts';
import { scheduleToWire, type ScheduleWire } from './schedule-wire.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { Suspension } from './suspension.ts';
import type { PromptOrigin, Task, TaskProfile, TaskState } from './task.ts';
import type { Done } from './trail.ts';

/**
 * What a decision looked at beyond what its record says for a reader: with both, the decision can be computed again.
 * Field names are the wire form. A member that may be absent is, where it says so, the same as elsewhere in the record.
 */
export type DecisionFacts = {
  fresh: boolean;
  agent: AgentFacts | null;
  delegator: Omit<PersonFacts, 'issuer' | 'subject' | 'name' | 'groups'> | null;
  /** As `chain` of the record: the acting task first, the root last. */
  chain: LevelFacts[];
  action: {
    protocol: boolean;
    definition: Action['definition'];
    undescribed?: Undescribed;
    provenance?: Record<string, ArgumentOrigin>;
    leases?: NamedLeaseFacts[];
    flow?: ArgumentFlow;
    sources?: readonly ArgumentSource[];
  };
  /** `narrowed_to` absent: as `scope`. */
  token: { issued_at: number; binding: TokenFacts['binding']; narrowed_to?: Grant[] } | null;
  /** The approval that there was for this action, whether or not it was needed. */
  approval: { id: string; approvers: PersonFacts[] } | null;
  /** Who had to agree whatever policy said. */
  approval_point?: ApprovalPoint;
  /** What the action fell under that could do nothing then. Absent: nothing. */
  suspended?: Suspension;
  /** Of these, something was redacted or cut, so what is computed from them may come out otherwise. */
  redacted: RedactedFact[];
};

/** A lease that the arguments name by its handle; with nothing but its id when there is none. */
export type NamedLeaseFacts = {
  id: string;
  lease: {
    task: string;
    target: string;
    operation: string;
    kind: LeaseKind;
    state: LeaseState;
    usable_at: string[];
    made_at: number;
  } | null;
};

export type AgentFacts = {
  trust_domain: string;
  groups?: string[];
  state?: AgentState | 'unregistered';
  owner?: AgentOwner;
};

export const REDACTED_FACTS = ['parameters', 'grants', 'undescribed'] as const;
export type RedactedFact = (typeof REDACTED_FACTS)[number];

export type PersonFacts = {
  issuer: string;
  subject: string;
  name?: string;
  email?: string;
  groups: string[];
  acr?: string;
  amr?: string[];
  auth_time?: number;
};

/** One task of the chain. Times are milliseconds since the epoch. */
export type LevelFacts = {
  trust_domain: string;
  state: TaskState;
  created_at: number;
  not_before: number;
  /** Absent, as the next three: as in `task`, which is the acting one. */
  expires_at?: number;
  purpose?: string;
  sensitivity?: Sensitivity;
  origin?: PromptOrigin;
  /** Absent: as `scope`. */
  grant?: Grant[];
  /** Absent: the delegator of the record. */
  delegator?: PersonFacts;
  parameters: JsonObject;
  calls: { budget: number; used: number };
  /** Absent: calls alone are bounded. */
  limits?: LimitsWire;
  used?: UsedLimitsWire;
  max_hops: number;
  profile?: Omit<TaskProfile, 'hopApproval'> & { hop_approval?: string[] };
  /** Absent: open all the time. */
  schedules?: ScheduleWire[];
  labels?: string[];
  /** By `target:operation`. Times are milliseconds since the epoch. Absent: nothing. */
  done?: Record<string, DoneFacts>;
};

export type DoneFacts = { effect: Effect; times: number; succeeded: number; first_at: number; last_at: number };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Holds<Truth extends true> = Truth;

/**
 * Every member that a decision can look at is in a record. One that is added there and forgotten here would make a
 * replay wrong in silence, so it does not compile: add it to the facts, to `policy/recorded-input.ts`, and to this list.
 */
export type FactsCoverInput = Holds<
  Same<
    [
      keyof DecisionInput,
      keyof Action,
      keyof NonNullable<NamedLease['lease']>,
      keyof Agent,
      keyof Delegator,
      keyof TaskView,
      keyof TaskView['used'],
      keyof Done,
      keyof Task,
      keyof Task['window'],
      keyof Schedule,
      keyof Budget,
      keyof SumLimit,
      keyof TokenFacts,
      keyof GivenApproval,
    ],
    [
      (
        | ('now' | 'fresh' | 'action' | 'agent' | 'delegator' | 'chain' | 'token' | 'approval')
        | ('approvalPoint' | 'suspended')
      ),
      (
        | ('target' | 'operation' | 'effect' | 'resources' | 'sensitivity' | 'arguments')
        | ('protocol' | 'definition' | 'undescribed' | 'provenance' | 'leases' | 'flow' | 'sources')
      ),
      'task' | 'target' | 'operation' | 'kind' | 'state' | 'usableAt' | 'madeAt',
      'id' | 'trustDomain' | 'attestation' | 'groups' | 'state' | 'owner',
      'issuer' | 'subject' | 'name' | 'email' | 'groups' | 'acr' | 'amr' | 'authTime',
      'task' | 'used' | 'labels' | 'done',
      'calls' | 'counters',
      'effect' | 'times' | 'succeeded' | 'firstAt' | 'lastAt',
      (
        | ('id' | 'parent' | 'delegator' | 'agent' | 'purpose' | 'parameters' | 'grant' | 'sensitivity' | 'origin')
        | ('window' | 'budget' | 'maxHops' | 'profile' | 'state' | 'createdAt')
        // Why and when a task ended decides nothing: that it has, is in its state. Nor does what it was made with.
        | ('endedAt' | 'endReason' | 'decision' | 'assertion')
      ),
      'notBefore' | 'expiresAt' | 'schedules',
      'timeZone' | 'weekdays' | 'hours',
      'calls' | 'effects' | 'operations' | 'sums',
      'target' | 'operations' | 'argument' | 'atMost',
      'issuedAt' | 'binding' | 'narrowedTo',
      'id' | 'approvers',
    ]
  >
>;

/** The facts of one decision. INVARIANT 14: what is free text of others goes through the same redaction as arguments. */
export function decisionFacts(input: DecisionInput): DecisionFacts {
  const { action, agent, delegator, token, approval } = input;
  const acting = input.chain[0]?.task ?? null;
  const redacted = new Set<RedactedFact>();
  const keep = <T extends JsonValue | Grant[]>(fact: RedactedFact, value: T, kept: T): T => {
    if (!sameJson(value, kept)) redacted.add(fact);
    return kept;
  };
  const grants = (value: Grant[]) => keep('grants', value, redactTexts(value as JsonValue) as Grant[]);

  const level = ({ task, used, labels, done }: TaskView): LevelFacts => ({
    trust_domain: task.agent.trustDomain,
    state: task.state,
    created_at: task.createdAt,
    not_before: task.window.notBefore,
    ...unlessSame('expires_at', task.window.expiresAt, acting?.window.expiresAt),
    ...unlessSame('purpose', task.purpose, acting?.purpose),
    ...unlessSame('sensitivity', task.sensitivity, acting?.sensitivity),
    ...unlessSame('origin', task.origin, acting?.origin),
    ...(sameJson(task.grant, acting?.grant) ? {} : { grant: grants(task.grant) }),
    ...(sameJson(task.delegator, delegator) ? {} : { delegator: personFacts(task.delegator) }),
    parameters: keep('parameters', task.parameters, redactArguments(task.parameters)),
    calls: { budget: task.budget.calls, used: used.calls },
    ...(used.counters === undefined
      ? {}
      : { limits: limitsToWire(task.budget), used: usedLimitsToWire(task.budget, used) }),
    max_hops: task.maxHops,
    ...(task.profile === undefined ? {} : { profile: profileFacts(task.profile) }),
    ...(task.window.schedules === undefined ? {} : { schedules: task.window.schedules.map(scheduleToWire) }),
    ...(labels === undefined ? {} : { labels: [...labels] }),
    ...(done === undefined ? {} : { done: doneFacts(done) }),
  });

  return {
    fresh: input.fresh,
    agent: agent === null ? null : agentFacts(agent),
    delegator: delegator === null ? null : strength(delegator),
    chain: input.chain.map(level),
    action: {
      protocol: action.protocol,
      definition: action.definition,
      ...(action.provenance === undefined ? {} : { provenance: { ...action.provenance } }),
      ...(action.leases === undefined ? {} : { leases: action.leases.map(namedLeaseFacts) }),
      ...(action.flow === undefined ? {} : { flow: { ...action.flow } }),
      ...(action.sources === undefined ? {} : { sources: [...action.sources] }),
      ...(action.undescribed === undefined
        ? {}
        : { undescribed: keep('undescribed', action.undescribed, redactReason(action.undescribed)) }),
    },
    token:
      token === null
        ? null
        : {
            issued_at: token.issuedAt,
            binding: token.binding,
            ...(sameJson(token.narrowedTo, acting?.grant ?? []) ? {} : { narrowed_to: grants(token.narrowedTo) }),
          },
    approval: approval === null ? null : { id: approval.id, approvers: approval.approvers.map(personFacts) },
    ...(input.approvalPoint === undefined ? {} : { approval_point: input.approvalPoint }),
    ...(input.suspended === undefined ? {} : { suspended: { ...input.suspended } }),
    redacted: REDACTED_FACTS.filter((fact) => redacted.has(fact)),
  };
}

function namedLeaseFacts({ id, lease }: NamedLease): NamedLeaseFacts {
  if (lease === null) return { id, lease };
  const { usableAt, madeAt, ...same } = lease;
  return { id, lease: { ...same, usable_at: [...usableAt], made_at: madeAt } };
}

function agentFacts({ trustDomain, groups, state, owner }: Agent): AgentFacts {
  return {
    trust_domain: trustDomain,
    ...(groups === undefined ? {} : { groups: [...groups] }),
    ...(state === undefined ? {} : { state }),
    ...(owner === undefined ? {} : { owner }),
  };
}

function doneFacts(done: NonNullable<TaskView['done']>): Record<string, DoneFacts> {
  return Object.fromEntries(
    Object.entries(done).map(([operation, { firstAt, lastAt, ...counted }]) => [
      operation,
      { ...counted, first_at: firstAt, last_at: lastAt },
    ]),
  );
}

function profileFacts({ hopApproval, ...profile }: TaskProfile): NonNullable<LevelFacts['profile']> {
  return { ...profile, ...(hopApproval === undefined ? {} : { hop_approval: hopApproval }) };
}

function personFacts(person: Delegator): PersonFacts {
  return {
    issuer: person.issuer,
    subject: person.subject,
    ...(person.name === undefined ? {} : { name: person.name }),
    groups: person.groups,
    ...strength(person),
  };
}

/** What policy sees of a person and a reader of the record is not shown. */
function strength(person: Delegator): NonNullable<DecisionFacts['delegator']> {
  return {
    ...(person.email === undefined ? {} : { email: person.email }),
    ...(person.acr === undefined ? {} : { acr: person.acr }),
    ...(person.amr === undefined ? {} : { amr: person.amr }),
    ...(person.authTime === undefined ? {} : { auth_time: person.authTime }),
  };
}

function redactReason(reason: Undescribed): Undescribed {
  return { ...reason, message: redactText(reason.message), next: redactText(reason.next) };
}

function unlessSame<Name extends string, Value>(
  name: Name,
  value: Value,
  other: Value | undefined,
): Partial<Record<Name, Value>> {
  return sameJson(value, other) ? {} : ({ [name]: value } as Record<Name, Value>);
}

/** Members in another order count as different, which costs a few bytes and is never wrong. */
function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
