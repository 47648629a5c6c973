import type { ByKind, Closing } from '../core/closing.ts';
import type { JsonObject } from '../core/json.ts';
import type { EventRecord } from '../core/record.ts';

/** So many identifiers of a kind are named; the count is of all. */
const NAMED = 100;

/** The record of one attempt to end what a task had: what is ended by now, and what is left. */
export function closedRecord(closing: Closing, record: { id: string; time: number }): EventRecord {
  const { task, cause, reason, by, openedAt, attempts, completeAt } = closing;
  return {
    version: 1,
    ...record,
    kind: 'event',
    event: 'task.closed',
    subject: {
      task,
      cause,
      reason,
      by,
      ended_at: openedAt,
      attempt: attempts,
      complete: completeAt !== null,
      ended: counted(closing.ended),
      outstanding: counted(closing.outstanding),
    },
  };
}

/** How many of each kind, and which. */
export function counted(byKind: ByKind): Record<string, { count: number; ids: string[] }> & JsonObject {
  return Object.fromEntries(
    Object.entries(byKind).map(([kind, ids]) => [kind, { count: ids.length, ids: ids.slice(0, NAMED) }]),
  );
}
