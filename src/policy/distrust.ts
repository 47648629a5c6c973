import { setTimeout as pause } from 'node:timers/promises';
import type { EventRecord } from '../core/record.ts';
import type { Found } from '../pdp/referee/referee.ts';
import type { PolicySetStore } from '../store/ports.ts';
import type { InForce } from './in-force.ts';

export type DistrustParts = {
  store: PolicySetStore;
  inForce: InForce;
  event: (name: 'policy.distrusted', subject: EventRecord['subject']) => EventRecord;
  /** Called once for each set that comes to be distrusted. */
  onDistrust: (found: Found) => void;
  onProblem: (error: unknown) => void;
  retryAfterMs?: { first: number; most: number };
};

/** What follows when a decision turns out to be none that Cedar would make. */
export interface Distrust {
  /** Denies what the set decides from this moment on, and makes that durable. Never throws. */
  found(found: Found): void;
  /** Tries once more what is not durable yet. Never rejects. */
  close(): Promise<void>;
}

export function createDistrust(parts: DistrustParts): Distrust {
  const { store, inForce, retryAfterMs = { first: 1000, most: 60_000 } } = parts;
  const closed = new AbortController();
  const underWay = new Set<Promise<void>>();

  /** INVARIANT 4: in memory it denies already. A process that dies before this is done trusts the set again. */
  const keep = async ({ policySet: hash, record: decision, difference }: Found): Promise<void> => {
    const subject = { policy_set: hash, decision, difference: { ...difference } };
    // One record through all attempts: one that was written though it failed is not written again.
    const event = parts.event('policy.distrusted', subject);
    for (let waitMs = retryAfterMs.first; ; waitMs = Math.min(waitMs * 2, retryAfterMs.most)) {
      const last = closed.signal.aborted;
      try {
        await store.distrustPolicySet({ hash, decision, at: event.time }, [event]);
        return;
      } catch (error) {
        parts.onProblem(error);
      }
      if (last) return;
      await pause(waitMs, undefined, { ref: false, signal: closed.signal }).catch(() => {});
    }
  };

  return {
    found: (found) => {
      if (inForce.isDistrusted(found.policySet)) return;
      inForce.distrust(found.policySet);
      parts.onDistrust(found);
      const kept = keep(found).finally(() => underWay.delete(kept));
      underWay.add(kept);
    },
    close: async () => {
      closed.abort();
      await Promise.all(underWay);
    },
  };
}
