import * as oauth from 'oauth4webapi';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';

/** An independent client, which knows the RFCs and nothing of Remit, against the token endpoint. */

let plane: ControlPlane;
let options: { [oauth.customFetch]: (url: string, init: object) => Promise<Response>; DPoP: oauth.DPoPHandle };
let server: oauth.AuthorizationServer;
const client: oauth.Client = { client_id: SUMMARISER };

beforeEach(async () => {
  plane = await openControlPlane();
  const fetch = async (url: string, init: object) => plane.app.request(url.replace(ISSUER, ''), init);
  options = { [oauth.customFetch]: fetch, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) };
  const issuer = new URL(ISSUER);
  server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
  );
});
afterEach(() => plane.close());

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** draft-ietf-oauth-spiffe-client-auth: the SVID as the client assertion. */
async function spiffeAuthentication(): Promise<oauth.ClientAuth> {
  const svid = await plane.svid(SUMMARISER);
  return (_server, _client, body) => {
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe');
    body.set('client_assertion', svid);
  };
}

async function exchangeFor(parameters: Record<string, string>): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.genericTokenEndpointRequest(server, client, oauth.None(), exchange, parameters, options);
  return oauth.processGenericTokenEndpointResponse(server, client, response);
}

const CLIENT_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];

test('the metadata is what RFC 8414 asks for', () => {
  expect(server).toEqual({
    issuer: 'https://remit.example.test',
    scopes_supported: ['read', 'write', 'delete', 'execute', 'send', 'mint', 'delegate'],
    token_endpoint: 'https://remit.example.test/token',
    introspection_endpoint: 'https://remit.example.test/introspect',
    introspection_endpoint_auth_methods_supported: ['spiffe_jwt', 'private_key_jwt'],
    introspection_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    revocation_endpoint: 'https://remit.example.test/revoke',
    revocation_endpoint_auth_methods_supported: ['spiffe_jwt', 'private_key_jwt'],
    revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    jwks_uri: 'https://remit.example.test/jwks',
    response_types_supported: [],
    grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange', 'client_credentials'],
    token_endpoint_auth_methods_supported: ['none', 'spiffe_jwt', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    client_assertion_types_supported: [
      'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    ],
    dpop_signing_alg_values_supported: ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'],
    authorization_details_types_supported: ['remit_grant'],
  });
});

test.each(['/v1', '/mcp/files', '/mcp/memory'])(
  'a client finds its way from the resource %s to the token endpoint',
  async (path) => {
    const resource = new URL(`${ISSUER}${path}`);
    const found = await oauth.processResourceDiscoveryResponse(
      resource,
      await oauth.resourceDiscoveryRequest(resource, options),
    );
    expect(found.authorization_servers).toEqual([ISSUER]);
    expect(found.dpop_bound_access_tokens_required).toBe(true);
    expect(found['bearer_methods_supported']).toEqual([]);
  },
);

test('there is no metadata of a target that does not exist', async () => {
  const path = '/.well-known/oauth-protected-resource/mcp/nowhere';
  expect((await plane.app.request(path)).status).toBe(404);
});

test('client credentials by JWT-SVID, and a call with the token', async () => {
  const authentication = await spiffeAuthentication();
  const parameters = { resource: API };
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, options);
  const answer = await oauth.processClientCredentialsResponse(server, client, response);
  expect(answer.token_type).toBe('dpop');
  const call = await oauth.protectedResourceRequest(
    answer.access_token,
    'GET',
    new URL(`${API}/tasks`),
    undefined,
    undefined,
    options,
  );
  expect(await call.json()).toEqual({ tasks: [] });
});

test('token exchange of an ID token', async () => {
  const answer = await exchangeFor({
    subject_token: await plane.idToken('alice'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    resource: API,
  });
  expect(answer['issued_token_type']).toBe('urn:ietf:params:oauth:token-type:access_token');
  expect(decodeJwt(answer.access_token).sub).toBe('https://idp.example.test|alice');
});

test('token exchange of a task token with the agent as actor, verified by the RFC 9068 check of the client', async () => {
  const { id } = await requestTask(await personSession(plane, 'alice'));
  const answer = await exchangeFor({
    subject_token: await subjectToken(await agentSession(plane), id),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: `${ISSUER}/mcp/files`,
  });
  expect(answer.authorization_details).toHaveLength(1);
  const request = new Request(`${ISSUER}/mcp/files`, {
    method: 'POST',
    headers: { authorization: `DPoP ${answer.access_token}`, dpop: await proofOf(answer.access_token) },
  });
  const claims = await oauth.validateJwtAccessToken(server, request, `${ISSUER}/mcp/files`, options);
  expect(claims).toMatchObject({ client_id: SUMMARISER, act: { sub: SUMMARISER } });
});

test('an error is an OAuth error to the client', async () => {
  const refused = exchangeFor({
    subject_token: 'nonsense',
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    resource: API,
  });
  await expect(refused).rejects.toMatchObject({ status: 400, error: 'invalid_request' });
});

/** The proof that the client itself would send with the token. */
async function proofOf(accessToken: string): Promise<string> {
  let proof = '';
  const keep = async (_url: string, init: { headers: Record<string, string> }) => {
    proof = init.headers['dpop'] ?? '';
    return new Response();
  };
  const url = new URL(`${ISSUER}/mcp/files`);
  await oauth.protectedResourceRequest(accessToken, 'POST', url, undefined, undefined, {
    ...options,
    [oauth.customFetch]: keep,
  });
  return proof;
}
