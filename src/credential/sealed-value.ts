import type { SealingKeys } from '../keys/sealing-keys.ts';
import type { Records, SealedStore, SealedValue } from '../store/ports.ts';

export type SealedParts = { store: SealedStore; keys: SealingKeys };

/** Puts a value, sealed as what it is: it opens as no other kind, under no other name, and as no other version. */
export async function putValue(
  { value, ...what }: Omit<SealedValue, 'sealed'> & { value: string },
  records: Records,
  { store, keys }: SealedParts,
): Promise<'put' | 'stale'> {
  for (;;) {
    const sealed = await keys.seal(sealedName(what), value);
    // No pause between this and the queue of the store: what is put after a new key came is sealed with it.
    if (keys.isCurrent(sealed)) return store.putSealed({ ...what, sealed }, records);
  }
}

/** @throws Unavailable when it does not open. */
export function openValue(value: SealedValue, keys: SealingKeys): Promise<string> {
  return keys.open(sealedName(value), value.sealed);
}

/** What is authenticated with a value. */
export function sealedName({ kind, name, version }: Pick<SealedValue, 'kind' | 'name' | 'version'>): string {
  return `${kind}:${version}:${name}`;
}
