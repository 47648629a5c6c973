import { sealedName } from '../keys/sealed-name.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';

/** Encrypts the values of leases, each for its lease: a value that was moved to another lease does not open. */
export interface ValueSeal {
  /** To be given to the store in the same turn. */
  seal(lease: string, value: string): string;
  /** @throws Unavailable when it was changed, moved, or sealed with a key that is not here. */
  open(lease: string, sealed: string): string;
}

export function createValueSeal(keys: Pick<SealingKeys, 'seal' | 'open'>): ValueSeal {
  const nameOf = (lease: string) => sealedName({ kind: 'lease', name: lease, version: 1 });
  return {
    seal: (lease, value) => keys.seal(nameOf(lease), value),
    open: (lease, sealed) => keys.open(nameOf(lease), sealed),
  };
}
