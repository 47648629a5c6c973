import type { Sha256Hex } from '../core/action.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord, EventRecord, LogRecord, OutcomeRecord } from '../core/record.ts';
import { parentIdOf, traceIdOf } from '../telemetry/traceparent.ts';

/** One decision at a target, with what became of it; or one call of Remit's own, to take back what a task has minted. */
export type GovernedCall = {
  record: string;
  outcome: DecisionRecord['decision']['outcome'];
  /** Milliseconds since the epoch: from the decision to the end of the call. */
  time: number;
  until: number;
  /** What became of a permit: `none`, where the log does not say. */
  status: OutcomeRecord['status'] | 'none';
  /** The target has not done it: it did not leave, or was refused as it stood. */
  nothingDone: boolean;
  operation: string;
  effect: string;
  resources: string[];
  /** It may have carried what a task has minted, in place of the credential that Remit holds. */
  withLease: boolean;
  agent: string | null;
  delegator: string | null;
  task: string | null;
  /** What the target's log says where it keeps the `traceparent`. */
  parentId: string;
  traceId: string;
};

/** The calls at one target, from records in any order. What the protocol itself needs, as a list of tools, is left out. */
export function governedCalls(records: Iterable<LogRecord>, target: string, sha256: Sha256Hex): GovernedCall[] {
  const decisions: DecisionRecord[] = [];
  const outcomes = new Map<string, OutcomeRecord>();
  const revoking: EventRecord[] = [];
  const revokedAt = new Map<string, number>();
  for (const record of records) {
    if (record.kind === 'outcome') outcomes.set(record.decision, record);
    else if (record.kind === 'decision') {
      if (record.action.target === target && record.facts?.action.protocol !== true) decisions.push(record);
    } else if (record.subject['target'] === target) {
      if (record.event === 'lease.revoking') revoking.push(record);
      if (record.event === 'lease.revoked') revokedAt.set(textOf(record, 'lease') ?? '', record.time);
    }
  }
  return [
    ...decisions.map((record) => ofDecision(record, outcomes.get(record.id), sha256)),
    ...revoking.map((record) => ofRevoking(record, revokedAt.get(textOf(record, 'lease') ?? ''), sha256)),
  ];
}

function ofDecision(record: DecisionRecord, outcome: OutcomeRecord | undefined, sha256: Sha256Hex): GovernedCall {
  return {
    record: record.id,
    outcome: record.decision.outcome,
    time: record.time,
    until: Math.max(record.time, outcome?.time ?? record.time),
    status: outcome?.status ?? 'none',
    nothingDone: outcome?.given_back === true,
    operation: record.action.operation,
    effect: record.action.effect,
    resources: record.action.resources,
    // A record without facts does not say.
    withLease: record.facts === undefined || record.facts === null || record.facts.action.leases !== undefined,
    agent: record.agent?.id ?? null,
    delegator: record.delegator === null ? null : delegatorId(record.delegator),
    task: record.task?.id ?? null,
    parentId: parentIdOf(record.id, sha256),
    traceId: traceIdOf(record.request, sha256),
  };
}

/** An attempt to take something back: recorded before it is made. Whether the target does it is in no outcome, so it may be absent. */
function ofRevoking(record: EventRecord, revokedAt: number | undefined, sha256: Sha256Hex): GovernedCall {
  return {
    record: record.id,
    outcome: 'permit',
    time: record.time,
    until: Math.max(record.time, revokedAt ?? record.time),
    status: 'none',
    nothingDone: false,
    operation: textOf(record, 'call') ?? '',
    effect: 'delete',
    resources: [],
    withLease: false,
    agent: textOf(record, 'agent'),
    delegator: textOf(record, 'delegator'),
    task: textOf(record, 'task'),
    parentId: parentIdOf(record.id, sha256),
    traceId: traceIdOf(record.id, sha256),
  };
}

function textOf({ subject }: EventRecord, member: string): string | null {
  const value = subject[member];
  return typeof value === 'string' ? value : null;
}
