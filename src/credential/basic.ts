import type { CredentialConfig } from '../config/credential.ts';
import { nameOfPlace } from '../config/secret-place.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import type { Credential } from './credential.ts';
import { injected, secretsOf } from './injected.ts';
import { NOT_TO_BE_HAD, type Secrets } from './secrets.ts';

/** RFC 7617, in UTF-8. */
export function createBasic(
  { kind, username, password: place }: Extract<CredentialConfig, { kind: 'basic' }>,
  { secrets }: { secrets: Secrets },
): Credential {
  return {
    kind,
    signsBody: false,
    inject: async (_outgoing, { signal }) => {
      const user = typeof username === 'string' ? username : (await secrets.read(username, signal)).value;
      // RFC 7617, section 2: everything behind the first colon would be the password.
      if (user.includes(':')) {
        throw new CredentialUnavailable(NOT_TO_BE_HAD, {
          detail: `user name for \`${nameOfPlace(place)}\`: it has a colon, which RFC 7617 does not allow`,
        });
      }
      const kept = await secrets.read(place, signal);
      const pair = Buffer.from(`${user}:${kept.value}`).toString('base64');
      return injected(
        { kind, place, kept },
        {
          headers: { authorization: `Basic ${pair}` },
          secrets: [...secretsOf(kept.value), ...(typeof username === 'string' ? [] : [user]), pair],
        },
      );
    },
    refused: () => {
      secrets.forget(place);
      if (typeof username !== 'string') secrets.forget(username);
    },
  };
}
