/** RFC 7009 by independent clients: `oauth4webapi` and `openid-client`. */
import { strict as assert } from 'node:assert';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import type { Check } from './suite.ts';

export async function revocationChecks(
  check: Check,
  given: {
    server: oauth.AuthorizationServer;
    client: oauth.Client;
    insecure: { readonly [oauth.allowInsecureRequests]: true };
    authentication: oauth.ClientAuth;
    /** An access token of the client. */
    token: string;
    /** Whether its resource takes a token. */
    isTaken: (token: string) => Promise<boolean>;
  },
): Promise<void> {
  const { server, client, insecure, authentication, token, isTaken } = given;
  const revoke = async (what: string, by = authentication) =>
    oauth.revocationRequest(server, client, by, what, insecure);
  await check(
    'revocation: a client that does not prove itself is refused, and nothing is revoked (RFC 7009 2.1)',
    async () => {
      const answer = await revoke(token, oauth.None());
      assert.equal(answer.status, 401);
      await assert.rejects(oauth.processRevocationResponse(answer));
      assert.equal(await isTaken(token), true);
    },
  );
  await check('revocation: an unknown token is answered as one that was revoked (RFC 7009 2.2)', async () => {
    assert.equal(await oauth.processRevocationResponse(await revoke('unknown')), undefined);
    assert.equal(await isTaken(token), true);
  });
  await check('revocation: accepted by oauth4webapi, and the token is taken no longer (RFC 7009 2)', async () => {
    assert.equal(await oauth.processRevocationResponse(await revoke(token)), undefined);
    assert.equal(await isTaken(token), false);
  });
  await check('revocation: of a revoked token, accepted by openid-client (RFC 7009 2.2)', async () => {
    const { client_id: id } = client;
    const config = new oidc.Configuration(server as oidc.ServerMetadata, id, undefined, (...request) => {
      void authentication(...request);
    });
    oidc.allowInsecureRequests(config);
    await oidc.tokenRevocation(config, token, { token_type_hint: 'access_token' });
  });
}
