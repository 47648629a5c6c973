import type { CredentialConfig } from '../config/credential.ts';
import type { Credential } from './credential.ts';
import { injected } from './injected.ts';
import type { Secrets } from './secrets.ts';

/** One fixed parameter of the query. */
export function createQuery(
  { kind, name, value: place }: Extract<CredentialConfig, { kind: 'query' }>,
  { secrets }: { secrets: Secrets },
): Credential {
  return {
    kind,
    signsBody: false,
    inject: async (_outgoing, { signal }) => {
      const kept = await secrets.read(place, signal);
      const query = `${encodeURIComponent(name)}=${encodeURIComponent(kept.value.toWellFormed())}`;
      return injected({ kind, place, kept }, { query });
    },
    refused: () => secrets.forget(place),
  };
}
