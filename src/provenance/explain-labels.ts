import type { ArgumentFlow, ArgumentOrigin, ArgumentSource } from '../core/action.ts';
import type { DecisionRecord, LogRecord } from '../core/record.ts';

/** Why the arguments and the labels of one recorded action are what they are. Names are those of the wire. */
export type LabelsExplanation = {
  record: string;
  target: string;
  operation: string;
  outcome: string;
  /** By argument, and by the members of one. */
  provenance: Readonly<Record<string, ArgumentOrigin>>;
  /** What that came to, by what the arguments are for; `null` where nothing could tell. */
  flow: ArgumentFlow | null;
  /** Where single values were seen, with what each source is. */
  values: (Omit<ArgumentSource, 'seen'> & {
    seen: { id: string; origin: ArgumentOrigin; what: string }[];
    text: string;
  })[];
  /** That the task had when this was decided. */
  labels: string[];
};

const GIVEN: Readonly<Record<string, string>> = {
  prompt: "the delegator's prompt",
  purpose: 'the purpose of the task',
  parameters: 'the parameters of the task',
};

/** @param find the record of an id. */
export function explainLabels(record: DecisionRecord, find: (id: string) => LogRecord | undefined): LabelsExplanation {
  const { target, operation } = record.action;
  const { provenance = {}, flow = null, sources = [] } = record.facts?.action ?? {};
  return {
    record: record.id,
    target,
    operation,
    outcome: record.decision.outcome,
    provenance,
    flow,
    values: sources.map((source) => ({
      ...source,
      seen: source.seen.map(({ id, origin }) => ({ id, origin, what: whatOf(id, find) })),
      text: BECAUSE[source.because ?? 'value'],
    })),
    labels: record.facts?.chain[0]?.labels ?? [],
  };
}

function whatOf(id: string, find: (id: string) => LogRecord | undefined): string {
  if (Object.hasOwn(GIVEN, id)) return GIVEN[id]!;
  if (id.startsWith('/')) return `the argument \`${id}\` of an earlier action of this task`;
  const record = find(id);
  if (record?.kind !== 'decision') return 'something that is not in this log';
  return `the result of \`${record.action.operation}\` at \`${record.action.target}\``;
}

const BECAUSE = {
  value: 'the value stands there',
  part: 'a part of the value stands there',
  decoded: 'the value stands there once its encoding is resolved',
  joined: 'the value stands there together with the one beside it',
  sent_before: 'a trusted result has it, but only since this task had sent it there',
  not_all_kept: 'it stands nowhere, but not all that was read is known here',
  too_much: 'it would have taken too long to look it up',
  answered_for: 'a person has answered for it',
} as const;
