import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalStore } from '../store/ports.ts';

/** Well below the minute after which clients give up. */
const WAIT_MS = 20_000;
const LOOK_EVERY_MS = 200;
/** Callers that wait at a time. Others are told to come back, as if their time were over. */
const MAX_WAITING = 1_000;

/** Waits until an approval of this task no longer waits for an answer, the caller goes away, or time is over. */
export type Answered = (wait: { approval: string; task: string; signal: AbortSignal }) => Promise<void>;

/** The store is looked at, so that it does not matter how an approval came to its end, nor before or after a restart. */
export function createAnswered(
  store: Pick<ApprovalStore, 'approvalState'>,
  { waitMs = WAIT_MS, lookEveryMs = LOOK_EVERY_MS }: { waitMs?: number; lookEveryMs?: number } = {},
): Answered {
  let waiting = 0;
  return async ({ approval, task, signal }) => {
    if (waiting >= MAX_WAITING) return;
    waiting += 1;
    try {
      for (let left = waitMs; left > 0 && !signal.aborted; left -= lookEveryMs) {
        const known = store.approvalState(approval);
        // INVARIANT 13: of another task, nobody learns whether it was answered.
        if (known?.state !== 'pending' || known.task !== task) return;
        await sleep(Math.min(left, lookEveryMs), undefined, { signal }).catch(() => {});
      }
    } finally {
      waiting -= 1;
    }
  };
}
