import type { LogRecord } from '../../../src/core/record.ts';
import type { Note } from './notes.ts';

/** What is wrong with a history, in words; nothing when it is right. */
export type Verdict = {
  /** A call that began after an end was acknowledged, and reached the target. */
  afterEnd: string[];
  /** In the log: a permit at a target under a task after the record of its end. */
  permitAfterEnd: string[];
  /** An approval that more than one permit has spent, or a held mark that the target saw more than once. */
  spentTwice: string[];
  /** Something acknowledged that the log does not hold. */
  lost: string[];
  /** A call that the target saw without a permit in the log. */
  unrecorded: string[];
};

/** Holds the clients' notes, what the target saw and the log against each other, as a whole. */
export function judge(notes: readonly Note[], seen: readonly string[], log: readonly LogRecord[]): Verdict {
  return {
    afterEnd: afterEnd(notes, seen),
    permitAfterEnd: permitAfterEnd(log),
    spentTwice: [...spentTwice(log), ...seenTwice(notes, seen)],
    lost: lost(notes, log),
    unrecorded: unrecorded(seen, log),
  };
}

/** When the task, or one above it, was known to have ended. */
function endedAt(notes: readonly Note[]): (task: string) => number {
  const parents = new Map<string, string | null>();
  const ends = new Map<string, number>();
  for (const note of notes) {
    if (note.kind === 'task' && note.id !== null) parents.set(note.id, note.parent);
    if (note.kind === 'end' && note.ok && note.end !== null) {
      ends.set(note.task, Math.min(note.end, ends.get(note.task) ?? Infinity));
    }
  }
  return (task) => {
    let first = Infinity;
    for (let level: string | null = task; level !== null; level = parents.get(level) ?? null) {
      first = Math.min(first, ends.get(level) ?? Infinity);
    }
    return first;
  };
}

/** A mark may be tried again, so the target may see it as often as it was tried before the end, and no more. */
function afterEnd(notes: readonly Note[], seen: readonly string[]): string[] {
  const over = endedAt(notes);
  const inTime = new Map<string, number>();
  const wrong: string[] = [];
  for (const note of notes) {
    if (note.kind !== 'call') continue;
    const late = note.begin > over(note.task);
    inTime.set(note.mark, (inTime.get(note.mark) ?? 0) + (late ? 0 : 1));
    if (late && note.ok)
      wrong.push(`${note.mark} at ${note.begin}, after the end of ${note.task} at ${over(note.task)}`);
  }
  const reached = Map.groupBy(seen, (mark) => mark);
  for (const [mark, times] of reached) {
    const tried = inTime.get(mark) ?? 0;
    if (times.length > tried)
      wrong.push(`${mark} reached the target ${times.length} times, ${tried} of them tried in time`);
  }
  return wrong;
}

function permitAfterEnd(log: readonly LogRecord[]): string[] {
  const ended = new Set<string>();
  const wrong: string[] = [];
  for (const record of log) {
    if (record.kind === 'event' && record.event === 'task.ended') ended.add(record.subject['task'] as string);
    if (record.kind !== 'decision' || record.decision.outcome !== 'permit') continue;
    const gives = record.action.target !== 'remit' || ['mint', 'delegate'].includes(record.action.effect);
    if (gives && record.chain.some(({ task }) => ended.has(task))) wrong.push(record.id);
  }
  return wrong;
}

function spentTwice(log: readonly LogRecord[]): string[] {
  const spent = new Map<string, number>();
  for (const record of log) {
    if (record.kind !== 'decision' || record.decision.outcome !== 'permit' || record.approval === null) continue;
    spent.set(record.approval.id, (spent.get(record.approval.id) ?? 0) + 1);
  }
  return [...spent].filter(([, times]) => times > 1).map(([id]) => id);
}

/** A held mark is asked for once, so an approval is all that lets it through. */
function seenTwice(notes: readonly Note[], seen: readonly string[]): string[] {
  const asked = new Map<string, Set<string>>();
  for (const note of notes) {
    if (note.kind === 'held') asked.set(note.mark, (asked.get(note.mark) ?? new Set()).add(note.approval));
  }
  return [...asked].flatMap(([mark, approvals]) => {
    const times = seen.filter((each) => each === mark).length;
    return times > approvals.size ? [`${mark}: ${times} times with ${approvals.size} approvals`] : [];
  });
}

function lost(notes: readonly Note[], log: readonly LogRecord[]): string[] {
  const ended = new Set<string>();
  const permitted = new Set<string>();
  for (const record of log) {
    if (record.kind === 'event' && record.event === 'task.ended') ended.add(record.subject['task'] as string);
    if (record.kind !== 'decision') continue;
    const { outcome } = record.decision;
    const { operation, resources, arguments: args } = record.action;
    if (outcome === 'permit') for (const resource of resources) permitted.add(`${operation} ${resource}`);
    if (outcome === 'permit') permitted.add(`mark ${args['mark'] as string}`);
    if (outcome === 'hold' && record.approval !== null) permitted.add(`held ${record.approval.id}`);
  }
  const missing = (what: string) => (permitted.has(what) ? [] : [what]);
  return notes.flatMap((note) => {
    if (note.end === null) return [];
    switch (note.kind) {
      case 'task':
        if (note.id === null) return [];
        return missing(note.parent === null ? `task.create task:${note.id}` : `task.delegate task:${note.parent}`);
      case 'end':
        return note.ok && !ended.has(note.task) ? [`the end of ${note.task}`] : [];
      case 'call':
        return note.ok ? missing(`mark ${note.mark}`) : [];
      case 'held':
        return missing(`held ${note.approval}`);
      case 'approve':
        return note.ok ? missing(`approval.answer approval:${note.approval}`) : [];
    }
  });
}

function unrecorded(seen: readonly string[], log: readonly LogRecord[]): string[] {
  const permits = new Map<string, number>();
  for (const record of log) {
    if (record.kind !== 'decision' || record.decision.outcome !== 'permit') continue;
    const mark = record.action.arguments['mark'];
    if (typeof mark === 'string') permits.set(mark, (permits.get(mark) ?? 0) + 1);
  }
  return [...new Set(seen)].filter((mark) => seen.filter((each) => each === mark).length > (permits.get(mark) ?? 0));
}
