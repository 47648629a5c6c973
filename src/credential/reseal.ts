import type { SealingKeys } from '../keys/sealing-keys.ts';
import type { LogStore, SealedKind, SealedStore } from '../store/ports.ts';
import { openValue, sealedName } from './sealed-value.ts';

export type Resealed = {
  /** How many values were sealed anew. */
  resealed: number;
  /** Those that do not open, by kind and name: they have to be set again. While there are any, no key is forgotten. */
  unreadable: string[];
};

const KINDS = ['secret', 'refresh_token', 'consent', 'task_token'] as const satisfies SealedKind[];

/**
 * Seals every value with the current key, or with a new one, and forgets the keys before. After a crash at any point each
 * value opens with a key that is kept, and the same call goes on where it was.
 */
export async function resealAll(
  { store, keys, log }: { store: SealedStore; keys: SealingKeys; log: Pick<LogStore, 'append'> },
  { renew }: { renew: boolean },
): Promise<Resealed> {
  if (renew) await keys.renew();
  // Behind all that was put before: from here on nothing comes that is sealed with another key.
  await log.append([]);
  const unreadable: string[] = [];
  let resealed = 0;
  for (const value of KINDS.flatMap((kind) => store.sealedValues(kind))) {
    if (keys.isCurrent(value.sealed)) continue;
    const plain = await openValue(value, keys).catch(() => null);
    if (plain === null) {
      unreadable.push(`${value.kind}:${value.name}`);
      continue;
    }
    const sealed = await keys.seal(sealedName(value), plain);
    // Of one that was changed or removed in between, nothing is left to seal.
    if ((await store.reseal({ ...value, sealed, was: value.sealed })) === 'resealed') resealed += 1;
  }
  if (unreadable.length === 0) await keys.forgetOthers();
  return { resealed, unreadable: unreadable.sort() };
}
