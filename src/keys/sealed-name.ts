import type { SealedText } from '../store/ports.ts';

/** What is authenticated with a value: it opens as no other kind, under no other name, and as no other version. */
export function sealedName({ kind, name, version }: Pick<SealedText, 'kind' | 'name' | 'version'>): string {
  return `${kind}:${version}:${name}`;
}
