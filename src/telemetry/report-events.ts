import type { TargetConfig } from '../config/config.ts';
import { Forbidden } from '../core/errors.ts';
import type { DecisionRecord, EventRecord, LogRecord } from '../core/record.ts';
import { redactText } from '../core/redact.ts';
import { authorize, refusedRecord, type Asker, type AuthorizeParts } from '../task/authorize.ts';

/** What a target says that it did. Texts are the target's own. */
export type ReportedEvent = {
  /** What the target calls it. */
  id: string;
  /** Milliseconds since the epoch, by the clock of the target. */
  time: number;
  operation: string;
  outcome: 'done' | 'refused' | 'failed';
  /** The record that its attribution named, and the `traceparent` that came with the request. */
  record?: string | undefined;
  traceparent?: string | undefined;
  detail?: string | undefined;
};

/** Why an event and the record that it names do not go together. */
export type ReportProblem =
  | 'names_no_record'
  | 'no_such_record'
  | 'of_another_target'
  | 'not_permitted'
  | 'other_operation';

export type Reported = { id: string; record: string; problem: ReportProblem | null };

export type ReportParts = AuthorizeParts & {
  targets: ReadonlyMap<string, Pick<TargetConfig, 'resourceServer'>>;
};

/** So many events of one report. */
export const MOST_REPORTED = 50;

/**
 * Keeps what a target reports, each event as a record of its own beside the permit to report, all at once. Only the workload that
 * the target's file names as its resource server may speak for it, whatever policy says. A report is believed to be the target's word,
 * and no more: it changes nothing, and what does not go with its record is kept, too, and said.
 *
 * @throws Forbidden
 */
export async function reportEvents(
  asker: Asker,
  { target, events }: { target: string; events: readonly ReportedEvent[] },
  parts: ReportParts,
): Promise<Reported[]> {
  const resources = [`target:${target}`];
  const permit = await authorize(
    asker,
    { operation: 'target.report', resources, arguments: { events: events.length } },
    parts,
  );
  const { agent, delegator } = asker;
  const server = parts.targets.get(target)?.resourceServer;
  // INVARIANT 1: a person with the target's agent is not the target; and of an unknown target nobody is.
  if (server === undefined || agent?.id !== server || delegator !== null) {
    const reason = 'only the resource server of a target reports for it';
    await parts.log.append([
      permit,
      refusedRecord(asker, { operation: 'target.report', subject: { target }, reason }, parts),
    ]);
    throw new Forbidden(`${reason}; name it as \`resource_server\` in the file of the target`);
  }
  const reported = events.map((event) => {
    const problem = problemOf(event, target, parts.log);
    return { record: recordOf(event, { target, by: server, problem }, parts), problem };
  });
  await parts.log.append([permit, ...reported.map(({ record }) => record)]);
  return reported.map(({ record, problem }, at) => ({ id: events[at]!.id, record: record.id, problem }));
}

function recordOf(
  event: ReportedEvent,
  { target, by, problem }: { target: string; by: string; problem: ReportProblem | null },
  { clock, newId }: Pick<AuthorizeParts, 'clock' | 'newId'>,
): EventRecord {
  const { id, time, operation, outcome, record, traceparent, detail } = event;
  return {
    version: 1,
    id: newId('rec'),
    time: clock(),
    kind: 'event',
    event: 'target.reported',
    subject: {
      target,
      by,
      event: redactText(id),
      at: time,
      operation: redactText(operation),
      outcome,
      ...(record === undefined ? {} : { decision: record }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(detail === undefined ? {} : { detail: redactText(detail) }),
      ...(problem === null ? {} : { problem }),
    },
  };
}

function problemOf(event: ReportedEvent, target: string, log: AuthorizeParts['log']): ReportProblem | null {
  if (event.record === undefined) return 'names_no_record';
  const decision = decisionOf(event.record, log);
  if (decision === undefined) return 'no_such_record';
  if (decision.action.target !== target) return 'of_another_target';
  if (decision.decision.outcome !== 'permit') return 'not_permitted';
  return decision.action.operation === event.operation ? null : 'other_operation';
}

function decisionOf(id: string, log: AuthorizeParts['log']): DecisionRecord | undefined {
  const index = log.indexOf(id);
  const entry = index === undefined ? undefined : log.entries(index, 1)[0];
  if (entry === undefined) return undefined;
  const record = JSON.parse(entry.entry) as LogRecord;
  return record.kind === 'decision' ? record : undefined;
}
