import type { Sha256Hex } from '../core/action.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord, LogRecord, OutcomeRecord } from '../core/record.ts';
import { parentIdOf, traceIdOf } from '../telemetry/traceparent.ts';

/** One decision at a target, with what became of it. */
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
  agent: string | null;
  delegator: string | null;
  task: string | null;
  /** What the target's log says where it keeps the `traceparent`. */
  parentId: string;
  traceId: string;
};

/** The decisions at one target, from records in any order. What the protocol itself needs, as a list of tools, is left out. */
export function governedCalls(records: Iterable<LogRecord>, target: string, sha256: Sha256Hex): GovernedCall[] {
  const decisions: DecisionRecord[] = [];
  const outcomes = new Map<string, OutcomeRecord>();
  for (const record of records) {
    if (record.kind === 'outcome') outcomes.set(record.decision, record);
    else if (record.kind === 'decision' && record.action.target === target && record.facts?.action.protocol !== true)
      decisions.push(record);
  }
  return decisions.map((record) => {
    const outcome = outcomes.get(record.id);
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
      agent: record.agent?.id ?? null,
      delegator: record.delegator === null ? null : delegatorId(record.delegator),
      task: record.task?.id ?? null,
      parentId: parentIdOf(record.id, sha256),
      traceId: traceIdOf(record.request, sha256),
    };
  });
}
