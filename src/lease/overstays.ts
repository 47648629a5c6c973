import type { JsonObject } from '../core/json.ts';
import type { Lease } from '../core/lease.ts';
import { hasEnded } from '../core/task.ts';
import type { LeaseStore, TaskStore } from '../store/ports.ts';
import type { CleanUp } from './clean-up.ts';
import { leaseEvent } from './lease-event.ts';

export type OverstayParts = {
  store: LeaseStore & Pick<TaskStore, 'task'>;
  cleanUp: Pick<CleanUp, 'revoke' | 'find'>;
  clock: () => number;
  newId: (prefix: string) => string;
  onProblem: (error: unknown, about: string) => void;
};

/** What should be gone for so long, and is not, is said once. */
export const OVERSTAY_MS = 15 * 60_000;
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 30 * 60_000;
const BATCH = 500;

/** Looks after time: takes back what has lapsed within its task, and tells of what stays too long. */
export interface Overstays {
  /** Never rejects. One at a time: a call while one is under way does nothing. */
  sweep(): Promise<void>;
}

export function createOverstays(parts: OverstayParts): Overstays {
  const { store, clock } = parts;
  /** When what could not be taken back is tried again. The end of its task has a rhythm of its own. */
  const retries = new Map<string, { tries: number; at: number }>();
  let running = false;

  /** Tries it unless it was tried a while ago; and again later, when the lease stays as it was. */
  async function tend({ id, state }: Lease, attempt: () => Promise<Lease | undefined>): Promise<void> {
    const now = clock();
    const retry = retries.get(id);
    if (retry !== undefined && retry.at > now) return;
    const after = await attempt();
    if (after?.state !== state) return void retries.delete(id);
    const tries = (retry?.tries ?? 0) + 1;
    retries.set(id, { tries, at: now + Math.min(FIRST_RETRY_MS * 2 ** Math.min(tries - 1, 10), LAST_RETRY_MS) });
  }

  /** The target lets it lapse by itself, or says that it is gone when it is asked. */
  async function lapse(lease: Lease): Promise<void> {
    if (lease.end.by !== 'call' || isOver(lease)) return;
    await tend(lease, () => parts.cleanUp.revoke(lease.id, { by: null, reason: 'its lifetime is over' }));
  }

  function isOver({ task }: Lease): boolean {
    const found = store.task(task);
    return found === undefined || hasEnded(found.state);
  }

  /** Since when it should be gone; `null` while it need not be. */
  function dueSince(lease: Lease): number | null {
    const ended = store.task(lease.task)?.endedAt;
    const due = [ended, lease.expiresAt].filter((time) => typeof time === 'number');
    return due.length === 0 ? null : Math.min(...due);
  }

  async function tell(lease: Lease): Promise<void> {
    const since = dueSince(lease);
    if (lease.overstaysSince !== null || since === null || clock() - since < OVERSTAY_MS) return;
    const now: Lease = { ...lease, overstaysSince: since };
    const about: JsonObject = { since, state: lease.state };
    if (lease.problem !== null) about['problem'] = lease.problem;
    if (lease.end.by === 'hand') about['step'] = lease.end.step;
    await store.saveLease({ lease: now, from: [lease.state] }, [
      leaseEvent('lease.overstayed', now, { id: parts.newId('rec'), time: clock() }, about),
    ]);
  }

  async function sweep(): Promise<void> {
    for (const lease of store.leases({ state: 'held', expiredBy: clock(), limit: BATCH })) await lapse(lease);
    for (const lease of store.leases({ state: 'doubtful', limit: BATCH })) {
      if (!isOver(lease)) await tend(lease, () => parts.cleanUp.find(lease.id));
    }
    for (const lease of store.leases({ outstanding: true, told: false, limit: BATCH })) await tell(lease);
  }

  return {
    sweep: async () => {
      if (running) return;
      running = true;
      try {
        await sweep();
      } catch (error) {
        parts.onProblem(error, 'what stays too long is not looked at');
      } finally {
        running = false;
      }
    },
  };
}
