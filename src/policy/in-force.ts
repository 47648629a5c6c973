import { InvalidConfig } from '../core/errors.ts';
import type { EventRecord } from '../core/record.ts';
import type { Pdp } from '../pdp/pdp.ts';
import type { PolicySetStore } from '../store/ports.ts';

/** The one place that says which policy set decides. A decision takes it once, so it sees one set throughout. */
export type InForce = {
  current: () => Pdp;
  /** The same set as its engine decides, distrusted or not: to explain what was decided, never to decide. */
  engine: () => Pdp;
  swap: (next: Pdp) => void;
  /** From now on nothing is believed of the set with this hash, whether it is in force or ever comes to be. */
  distrust: (hash: string) => void;
  isDistrusted: (hash: string) => boolean;
  /** The listener hears of each set right after it decides. Must not throw. */
  onSwap: (listener: () => void) => void;
};

/** @param distrusted hashes of sets that were distrusted before. */
export function holdInForce(first: Pdp, distrusted: Iterable<string>): InForce {
  const hashes = new Set(distrusted);
  // Whichever comes first, the swap or the distrust: a distrusted set never decides as if it were not.
  const believed = (pdp: Pdp) => (hashes.has(pdp.policySet) ? pdp.distrusted() : pdp);
  const listeners: (() => void)[] = [];
  let engine = first;
  let pdp = believed(first);
  return {
    current: () => pdp,
    engine: () => engine,
    swap: (next) => {
      engine = next;
      pdp = believed(next);
      for (const listener of listeners) listener();
    },
    distrust: (hash) => {
      hashes.add(hash);
      pdp = believed(engine);
    },
    isDistrusted: (hash) => hashes.has(hash),
    onSwap: (listener) => void listeners.push(listener),
  };
}

export type StartParts = {
  store: PolicySetStore;
  /** @throws InvalidConfig */
  create: (files: Record<string, string>) => Pdp;
  event: (name: 'policy.published', subject: EventRecord['subject']) => EventRecord;
  clock: () => number;
};

/**
 * The set that decides from the start of the process: the one that was in force at its end, or what the policy folder
 * holds, if somebody has changed the folder since it was last looked at.
 *
 * @throws InvalidConfig when either cannot be used: a process without policy does not start.
 */
export async function policyAtStart(folder: Record<string, string>, parts: StartParts): Promise<Pdp> {
  const { store, create } = parts;
  const fromFolder = create(folder);
  const last = store.policyHistory(1)[0];
  if (last?.folder === fromFolder.policySet) {
    return last.hash === fromFolder.policySet ? fromFolder : create(store.policySet(last.hash)!);
  }
  const replaces = last?.hash ?? null;
  const hash = fromFolder.policySet;
  // This process alone works on the store, so nobody else can have published meanwhile.
  const published = await store.publishPolicySet({ hash, files: folder, folder: hash, at: parts.clock(), replaces }, [
    parts.event('policy.published', { policy_set: hash, replaces, by: 'folder' }),
  ]);
  if (published === 'distrusted') {
    throw new InvalidConfig(
      `the policy folder holds ${hash}, which is distrusted; change a policy, or put back what it held`,
    );
  }
  return fromFolder;
}
