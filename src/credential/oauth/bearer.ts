import { nameOfPlace } from '../../config/secret-place.ts';
import type { TokenRequest } from '../../config/credential.ts';
import type { Credential, CredentialKind, CredentialUse } from '../credential.ts';
import { placeOf } from './client-auth.ts';
import type { TaskTokens } from './task-tokens.ts';

/**
 * RFC 6750, section 2.1: an access token of the task, in the header.
 *
 * @param check throws when the use is not permitted any more, whatever token there is.
 */
export function bearerCredential(
  { kind, client, tokenUrl }: { kind: CredentialKind } & TokenRequest,
  tokens: TaskTokens,
  check: (use: CredentialUse) => void,
): Credential {
  const place = placeOf(client);
  // A public client has no secret of its own: what it has comes from the server.
  const source = place === null ? `server:${new URL(tokenUrl).host}` : nameOfPlace(place);
  return {
    kind,
    signsBody: false,
    inject: async (_outgoing, use) => {
      check(use);
      const { accessToken } = await tokens.token(use);
      return {
        headers: { authorization: `Bearer ${accessToken}` },
        query: null,
        tls: null,
        secrets: [accessToken],
        named: { kind, source, version: null },
      };
    },
    refused: ({ secrets: [accessToken] }) => {
      if (accessToken !== undefined) tokens.refused(accessToken);
    },
  };
}
