/**
 * Identity assertions: the MCP client's half of cross-app access against a real provider, then each of two independent
 * clients at Remit's token endpoint.
 */
import { strict as assert } from 'node:assert';
import { requestJwtAuthorizationGrant } from '@modelcontextprotocol/client';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import type { IdJagIssuer } from './id-jag-issuer.ts';
import { signIn } from './sign-in.ts';
import type { Check } from './suite.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export async function idJagChecks(
  check: Check,
  given: {
    server: oauth.AuthorizationServer;
    bound: { readonly [oauth.allowInsecureRequests]: true; DPoP: oauth.DPoPHandle };
    client: oauth.Client;
    authentication: oauth.ClientAuth;
    /** For the DPoP proofs of `openid-client`. */
    proofKeys: oauth.CryptoKeyPair;
    provider: IdJagIssuer;
    resource: string;
    /** Whether the resource takes the token. */
    isTaken: (token: string) => Promise<boolean>;
  },
): Promise<void> {
  const { server, bound, client, authentication, proofKeys, provider, resource } = given;
  const assertionFor = async (person: string, scope: string): Promise<string> => {
    const { idToken } = await signIn(provider.issuer, person, provider.client);
    const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
      tokenEndpoint: `${provider.issuer}/token`,
      audience: server.issuer,
      resource,
      idToken,
      clientId: provider.client.id,
      clientSecret: provider.client.secret,
      scope,
    });
    return jwtAuthGrant;
  };
  const show = (assertion: string, more: Record<string, string> = {}) =>
    oauth.genericTokenEndpointRequest(server, client, authentication, JWT_BEARER, { assertion, ...more }, bound);

  await check('identity assertion: the metadata names grant and profile (ID-JAG 7.2)', async () => {
    assert.ok(server.grant_types_supported?.includes(JWT_BEARER));
    const profiles = server['authorization_grant_profiles_supported'];
    assert.deepEqual(profiles, ['urn:ietf:params:oauth:grant-profile:id-jag']);
  });
  const assertion = await check('identity assertion: issued by oidc-provider to the MCP client', () =>
    assertionFor('erin', 'read write'),
  );
  if (assertion === undefined) return;
  const token = await check(
    'identity assertion: accepted by oauth4webapi, no more than asked (RFC 6749 5.1)',
    async () => {
      const answer = await show(assertion, { scope: 'read' });
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      const tokens = await oauth.processGenericTokenEndpointResponse(server, client, answer);
      assert.equal(tokens.scope, 'read');
      assert.equal(tokens.refresh_token, undefined);
      return tokens.access_token;
    },
  );
  await check('identity assertion: at+jwt for the person with the agent as actor (RFC 9068, 8693 4.1)', async () => {
    const { payload } = await jwtVerify(token ?? '', createRemoteJWKSet(new URL(server.jwks_uri!)), {
      typ: 'at+jwt',
      issuer: server.issuer,
      audience: resource,
    });
    assert.equal(payload.sub, `${provider.issuer}|erin`);
    assert.equal((payload['act'] as { sub: string }).sub, client.client_id);
    assert.equal(payload['client_id'], client.client_id);
  });
  await check('identity assertion: the token is taken by the resource', async () => {
    assert.ok(await given.isTaken(token ?? ''));
  });
  await check('identity assertion: openid-client shows it again and has the same task (ID-JAG 4.4.3)', async () => {
    const by: oidc.ClientAuth = (...request) => void authentication(...request);
    const config = new oidc.Configuration(server as oidc.ServerMetadata, client.client_id, undefined, by);
    oidc.allowInsecureRequests(config);
    const DPoP = oidc.getDPoPHandle(config, proofKeys);
    const tokens = await oidc.genericGrantRequest(config, JWT_BEARER, { assertion }, { DPoP });
    assert.equal(decodeJwt(tokens.access_token)['task'], decodeJwt(token ?? '')['task']);
    assert.notEqual(decodeJwt(tokens.access_token).jti, decodeJwt(token ?? '').jti);
  });
  const refused = async (answer: Response, error: string): Promise<void> => {
    assert.equal(answer.status, 400);
    assert.equal(((await answer.json()) as { error: string }).error, error);
  };
  await check('identity assertion: more scope than asserted is invalid_scope (ID-JAG 4.4.1)', async () => {
    await refused(await show(assertion, { scope: 'read delete' }), 'invalid_scope');
  });
  await check('identity assertion: a person who may hand out no tasks is invalid_grant (RFC 7521 4.1.1)', async () => {
    await refused(await show(await assertionFor('frank', 'read')), 'invalid_grant');
  });
  await check('identity assertion: an ID token in its place is invalid_grant (RFC 8725 3.11)', async () => {
    const { idToken } = await signIn(provider.issuer, 'erin', provider.client);
    await refused(await show(idToken), 'invalid_grant');
  });
  await check('identity assertion: a client that does not prove itself is invalid_client (ID-JAG 8.1)', async () => {
    const answer = await oauth.genericTokenEndpointRequest(
      server,
      client,
      oauth.None(),
      JWT_BEARER,
      { assertion },
      bound,
    );
    assert.equal(answer.status, 401);
    assert.equal(((await answer.json()) as { error: string }).error, 'invalid_client');
  });
}
