import type { CredentialConfig } from '../config/credential.ts';

/** Names in the encrypted store that a credential is read from. */
export function secretNamesOf(credential: CredentialConfig): string[] {
  const names: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('fromStore' in value && typeof value.fromStore === 'string') names.push(value.fromStore);
    else for (const inner of Object.values(value)) look(inner);
  };
  look(credential);
  return names;
}
