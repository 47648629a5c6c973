import type { CredentialConfig } from '../config/credential.ts';
import type { Credential } from './credential.ts';
import { headerValue, injected } from './injected.ts';
import type { Secrets } from './secrets.ts';

/** One fixed header. */
export function createHeader(
  { kind, name, prefix, value: place }: Extract<CredentialConfig, { kind: 'header' }>,
  { secrets }: { secrets: Secrets },
): Credential {
  return {
    kind,
    signsBody: false,
    inject: async (_outgoing, { signal }) => {
      const kept = await secrets.read(place, signal);
      return injected({ kind, place, kept }, { headers: { [name]: headerValue(prefix + kept.value, place) } });
    },
    refused: () => secrets.forget(place),
  };
}
