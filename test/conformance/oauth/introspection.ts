/** RFC 7662 by independent clients: `oauth4webapi` and `openid-client`. */
import { strict as assert } from 'node:assert';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import type { Check } from './suite.ts';

export async function introspectionChecks(
  check: Check,
  given: {
    server: oauth.AuthorizationServer;
    insecure: { readonly [oauth.allowInsecureRequests]: true };
    resourceServer: { client: oauth.Client; authentication: oauth.ClientAuth };
    agent: { client: oauth.Client; authentication: oauth.ClientAuth };
    /** An access token for the resource server, and one that is for another. */
    token: string;
    foreign: string;
    claims: Record<string, unknown>;
  },
): Promise<void> {
  const { server, insecure, resourceServer, agent, token, foreign, claims } = given;
  const introspect = async (what: string, by = resourceServer) => {
    const answer = await oauth.introspectionRequest(server, by.client, by.authentication, what, insecure);
    return oauth.processIntrospectionResponse(server, by.client, answer);
  };
  await check('introspection: accepted by oauth4webapi, with the members of the token (RFC 7662 2.2)', async () => {
    const found = await introspect(token);
    assert.equal(found.active, true);
    for (const name of ['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'jti', 'cnf', 'act', 'authorization_details']) {
      assert.deepEqual(found[name], claims[name], name);
    }
    assert.equal(found.token_type, 'DPoP');
  });
  await check(
    'introspection: a token for another resource is inactive, and no more is said (RFC 7662 2.2)',
    async () => {
      assert.deepEqual({ ...(await introspect(foreign)) }, { active: false });
      assert.deepEqual({ ...(await introspect('unknown')) }, { active: false });
    },
  );
  await check('introspection: whoever is no resource server is refused (RFC 7662 2.3)', async () => {
    await assert.rejects(introspect(token, agent), (error: { status?: number }) => error.status === 401);
  });
  await check('introspection: accepted by openid-client (RFC 7662 2)', async () => {
    const { client, authentication } = resourceServer;
    const config = new oidc.Configuration(
      server as oidc.ServerMetadata,
      client.client_id,
      undefined,
      (...request) => void authentication(...request),
    );
    oidc.allowInsecureRequests(config);
    assert.equal((await oidc.tokenIntrospection(config, token)).active, true);
  });
}

/** After a revocation. */
export async function inactiveCheck(
  check: Check,
  given: Pick<Parameters<typeof introspectionChecks>[1], 'server' | 'insecure' | 'resourceServer' | 'token'>,
): Promise<void> {
  const { server, insecure, resourceServer, token } = given;
  const { client, authentication } = resourceServer;
  await check('introspection: a revoked token is inactive (RFC 7009 2, RFC 7662 4)', async () => {
    const answer = await oauth.introspectionRequest(server, client, authentication, token, insecure);
    assert.deepEqual({ ...(await oauth.processIntrospectionResponse(server, client, answer)) }, { active: false });
  });
}
