import { sealedName } from '../keys/sealed-name.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import type { Records, SealedStore, SealedValue } from '../store/ports.ts';

export type SealedParts = { store: SealedStore; keys: SealingKeys };

/** Puts a value, sealed as what it is: it opens as no other kind, under no other name, and as no other version. */
export function putValue(
  { value, ...what }: Omit<SealedValue, 'sealed'> & { value: string },
  records: Records,
  { store, keys }: SealedParts,
): Promise<'put' | 'stale'> {
  return store.putSealed({ ...what, sealed: keys.seal(sealedName(what), value) }, records);
}

/** @throws Unavailable when it does not open. */
export function openValue(value: SealedValue, keys: SealingKeys): string {
  return keys.open(sealedName(value), value.sealed);
}
