import type { EventRecord } from '../core/record.ts';
import type { Pdp } from '../pdp/pdp.ts';
import type { PolicySetStore } from '../store/ports.ts';

/** The one place that says which policy set decides. A decision takes it once, so it sees one set throughout. */
export type InForce = { current: () => Pdp; swap: (next: Pdp) => void };

export function holdInForce(first: Pdp): InForce {
  let pdp = first;
  return {
    current: () => pdp,
    swap: (next) => {
      pdp = next;
    },
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
  await store.publishPolicySet({ hash, files: folder, folder: hash, at: parts.clock(), replaces }, [
    parts.event('policy.published', { policy_set: hash, replaces, by: 'folder' }),
  ]);
  return fromFolder;
}
