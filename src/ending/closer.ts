import { advanceClosing, hasChanged, type Closing } from '../core/closing.ts';
import type { Task } from '../core/task.ts';
import type { ClosingStore } from '../store/ports.ts';
import { closedRecord } from './closed-record.ts';
import type { Ending } from './ending.ts';
import type { FailPoint } from './fail-point.ts';

export type CloserParts = {
  store: ClosingStore;
  /** In order. */
  endings: readonly Ending[];
  clock: () => number;
  newId: (prefix: string) => string;
  failPoint: FailPoint;
  /** What went wrong, and will be tried again. Must not throw. */
  onProblem: (error: unknown, about: string) => void;
};

/** Ends what ended tasks have left behind, and records it, until nothing is outstanding. */
export interface Closer {
  /** Of tasks that have ended just now, durably. What is only in this process has been cut when this returns. */
  ended(tasks: readonly Task[], reason: string): void;
  /** Cuts what these tasks have in this process, before they have ended: of `ended`, when it comes, what it will tell of. */
  cut(tasks: readonly Task[], reason: string): void;
  /** Tries again whatever is due: after a failure, and at the start what the last process has left. */
  sweep(): void;
  /** Resolves when no attempt is under way. */
  settled(): Promise<void>;
}

/** So many are taken up by one sweep. */
const BATCH = 1_000;

/**
 * The queue is the store's: a closing is opened by the transaction of the end, so a process that dies at any point
 * leaves it there, and the next one takes it up by the same code.
 */
export function createCloser(parts: CloserParts): Closer {
  const underWay = new Map<string, Promise<void>>();
  /** What was ended before the closing was open, or by attempts whose record could not be kept. */
  const unsaved = new Map<string, Record<string, readonly string[]>>();

  function begin(task: string, reason: string): void {
    if (underWay.has(task)) return;
    const begun = beginAll(task, reason, parts);
    const attempt = finish(task, begun)
      .catch((error: unknown) => parts.onProblem(error, `the closing of \`${task}\` is not kept`))
      .finally(() => underWay.delete(task));
    underWay.set(task, attempt);
  }

  async function finish(task: string, begun: Begun): Promise<void> {
    const ended: Record<string, readonly string[]> = { ...unsaved.get(task) };
    for (const [kind, ids] of begun) ended[kind] = [...(ended[kind] ?? []), ...(await ids)];
    unsaved.set(task, ended);
    parts.failPoint('closing.tried');
    const before = parts.store.closing(task);
    // A task that an older version has ended.
    if (before === undefined || before.nextAt === null) return void unsaved.delete(task);
    const closing = advanceClosing(before, { ended, outstanding: outstanding(task, parts) }, parts.clock());
    await keep(before, closing, parts);
    unsaved.delete(task);
    parts.failPoint('closing.saved');
  }

  return {
    ended: (tasks, reason) => {
      for (const { id } of tasks) begin(id, reason);
    },
    cut: (tasks, reason) => {
      for (const { id } of tasks) {
        const begun: Record<string, readonly string[]> = { ...unsaved.get(id) };
        for (const ending of parts.endings) {
          const ids = ending.immediate === true ? ending.end(id, reason) : [];
          if (Array.isArray(ids) && ids.length > 0) begun[ending.kind] = [...(begun[ending.kind] ?? []), ...ids];
        }
        if (Object.keys(begun).length > 0) unsaved.set(id, begun);
      }
    },
    sweep: () => {
      for (const { task, reason } of parts.store.closingsDue(parts.clock(), BATCH)) begin(task, reason);
    },
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
}

type Begun = readonly (readonly [kind: string, ids: Promise<readonly string[]>])[];

/** Begins every way of ending, in order and without a pause: one that fails or takes its time keeps no other waiting. */
function beginAll(task: string, reason: string, { endings, failPoint, onProblem }: CloserParts): Begun {
  return endings.map((ending) => {
    failPoint(`closing.${ending.kind}`);
    const failed = (error: unknown): readonly string[] => {
      onProblem(error, `${ending.kind} of \`${task}\` are not ended`);
      return [];
    };
    try {
      return [ending.kind, Promise.resolve(ending.end(task, reason)).catch(failed)] as const;
    } catch (error) {
      return [ending.kind, Promise.resolve(failed(error))] as const;
    }
  });
}

function outstanding(task: string, { endings }: CloserParts): Record<string, readonly string[]> {
  const found: Record<string, readonly string[]> = {};
  for (const ending of endings) {
    const left = ending.outstanding(task);
    if (left.length > 0) found[ending.kind] = left;
  }
  return found;
}

async function keep(before: Closing, closing: Closing, parts: CloserParts): Promise<void> {
  const records = hasChanged(before, closing)
    ? [closedRecord(closing, { id: parts.newId('rec'), time: parts.clock() })]
    : [];
  await parts.store.saveClosing(closing, records);
}
