import type { LogRecord } from '../core/record.ts';
import { readTraceparent } from '../telemetry/traceparent.ts';
import type { TargetEvent } from './target-event.ts';

/** What a target itself has reported to Remit, as events to compare. Their places are those among the reports. */
export function reportedEvents(records: Iterable<LogRecord>, target: string): TargetEvent[] {
  const events: TargetEvent[] = [];
  for (const record of records) {
    if (record.kind !== 'event' || record.event !== 'target.reported' || record.subject['target'] !== target) continue;
    const text = (member: string) => {
      const value = record.subject[member];
      return typeof value === 'string' ? value : null;
    };
    const at = record.subject['at'];
    const trace = readTraceparent(text('traceparent'));
    events.push({
      place: events.length + 1,
      time: typeof at === 'number' ? at : record.time,
      id: text('event'),
      credential: null,
      source: null,
      trace: trace === null ? null : { traceId: trace.traceId, parentId: trace.parentId },
      record: text('decision'),
      operation: text('operation'),
      resource: null,
      refused: text('outcome') !== 'done',
    });
  }
  return events;
}
