import type { DecisionRecord, LogRecord, OutcomeRecord } from '../core/record.ts';
import type { LogStore } from '../store/ports.ts';

const PAGE = 1_000;

/**
 * Permitted actions whose outcome was never recorded, because the process ended before the target answered: the
 * decisions since the last start of the process that have no outcome record. Called once at the start, before anything
 * new is decided; what it returns is appended, so that no decision stays open.
 */
export function unfinishedOutcomes(
  log: LogStore,
  parts: { clock: () => number; newId: (prefix: string) => string },
): OutcomeRecord[] {
  const open = new Map<string, { request: string; task: string | null; time: number }>();
  for (const record of recordsOfLastRun(log)) {
    if (record.kind === 'decision' && isCarriedOut(record)) {
      open.set(record.id, { request: record.request, task: record.task?.id ?? null, time: record.time });
    }
    if (record.kind === 'outcome') open.delete(record.decision);
  }
  const now = parts.clock();
  return [...open].map(([decision, { request, task, time }]) => ({
    version: 1,
    id: parts.newId('rec'),
    time: now,
    kind: 'outcome',
    decision,
    request,
    task,
    status: 'unknown',
    // Whether it was done nobody knows, so what it took from budgets stays taken.
    detail: 'the process ended before the target answered; what the action took from budgets stays counted',
    duration_ms: Math.max(0, now - time),
  }));
}

/** Whether Remit was about to carry it out, and so to see what becomes of it. */
function isCarriedOut({ decision, action, enforced_by }: DecisionRecord): boolean {
  return decision.outcome === 'permit' && action.target !== 'remit' && enforced_by === undefined;
}

function* recordsOfLastRun(log: LogStore): Generator<LogRecord> {
  for (let start = startOfLastRun(log); start < log.size(); start += PAGE) {
    for (const { entry } of log.entries(start, PAGE)) yield JSON.parse(entry) as LogRecord;
  }
}

function startOfLastRun(log: LogStore): number {
  for (let end = log.size(); end > 0; end -= PAGE) {
    const start = Math.max(0, end - PAGE);
    for (const { index, entry } of log.entries(start, end - start).toReversed()) {
      const record = JSON.parse(entry) as LogRecord;
      if (record.kind === 'event' && record.event === 'process.started') return index;
    }
  }
  return 0;
}
