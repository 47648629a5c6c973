/**
 * Independent clients (`oauth4webapi`, `openid-client`, `dpop`, `jose`) against a Remit process on a port of its own, with
 * its embedded `oidc-provider` as identity provider: each grant, the metadata, and what the RFCs demand of answers.
 */
import { strict as assert } from 'node:assert';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as dpop from 'dpop';
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import * as oauth from 'oauth4webapi';
import { askForIdentity } from '../../../src/cli/agent.ts';
import { authoritySocket } from '../../../src/cli/as-agent.ts';
import { createWorkloadClient } from '../../../src/identity/workload-client.ts';
import { requestTask } from '../../harness/quickstart.ts';
import { root, startRemit, type RemitProcess } from '../../harness/remit-process.ts';
import type { Report } from '../report.ts';
import { dpopNonceChecks } from './dpop-nonce.ts';
import { idJagChecks } from './id-jag.ts';
import { startIdJagIssuer, type IdJagIssuer } from './id-jag-issuer.ts';
import { privateKeyJwtChecks } from './private-key-jwt.ts';
import { inactiveCheck, introspectionChecks } from './introspection.ts';
import { revocationChecks } from './revocation.ts';
import { signIn } from './sign-in.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';
/** Of the target `files`. */
const RESOURCE_SERVER = 'spiffe://remit.local/server/files';
/** Authenticates by `private_key_jwt`. */
const DEPLOY = 'spiffe://ci.example/agent/deploy';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type';

export async function runOauthSuite(report: Report): Promise<void> {
  const signing = await generateKeyPair('ES256');
  const publicKey = { ...(await exportJWK(signing.publicKey)), kid: 'deploy' };
  let remitIssuer = '';
  const provider = await startIdJagIssuer({
    recognised: (audience) => (audience === remitIssuer ? AGENT : undefined),
    people: { erin: ['staff'], frank: [] },
  });
  const remit = await startRemit({ prepare: (folder) => configure(folder, publicKey, provider.issuer) });
  remitIssuer = remit.url;
  try {
    const check = async <Result>(name: string, run: () => Promise<Result>): Promise<Result | undefined> => {
      try {
        const result = await run();
        report.passed(name);
        report.note(`✓ ${name}`);
        return result;
      } catch (error) {
        report.failed(name, error instanceof Error ? error.message : String(error));
        return undefined;
      }
    };
    await runChecks(remit, check, report, { key: signing.privateKey, kid: 'deploy' }, provider);
    await dpopNonceChecks(check);
  } finally {
    await remit.dispose();
    await provider.close();
  }
}

export type Check = <Result>(name: string, run: () => Promise<Result>) => Promise<Result | undefined>;

/**
 * Beside the quickstart: a resource server that checks tokens itself, a client with a key of its own, and a provider whose
 * identity assertions are taken.
 */
function configure(folder: string, publicKey: JWK, issuer: string): void {
  appendFileSync(join(folder, 'targets/files.yaml'), `resource_server: ${RESOURCE_SERVER}\n`);
  writeFileSync(join(folder, 'deploy.json'), JSON.stringify({ keys: [publicKey] }));
  const config = join(folder, 'remit.yaml');
  const clients = `identity:\n  clients: [{ spiffe_id: '${DEPLOY}', algorithms: [ES256], jwks_file: deploy.json }]`;
  const people = `  people:\n    - { issuer: '${issuer}', client_id: remit, identity_assertions: accepted }`;
  const text = readFileSync(config, 'utf8').replace(/^identity:$/m, clients);
  writeFileSync(config, text.replace(/^ {2}people:$/m, people));
  writeFileSync(
    join(folder, 'policies/assertions.cedar'),
    `@id("agents-take-up-tasks")
permit (principal == Agent::"${AGENT}", action == Action::"remit:task.create", resource)
when { context.args has assertion };\n`,
  );
}

async function runChecks(
  remit: RemitProcess,
  check: Check,
  report: Report,
  deployKey: { key: CryptoKey; kid: string },
  provider: IdJagIssuer,
): Promise<void> {
  const issuer = new URL(remit.url);
  const api = `${remit.url}/v1`;
  const files = `${remit.url}/mcp/files`;
  const client: oauth.Client = { client_id: AGENT };
  const keys = await dpop.generateKeyPair('ES256', { extractable: true });
  const jkt = await calculateJwkThumbprint(await crypto.subtle.exportKey('jwk', keys.publicKey));
  const insecure = { [oauth.allowInsecureRequests]: true } as const;
  const bound = { ...insecure, DPoP: oauth.DPoP(client, keys) };
  const jwks = createRemoteJWKSet(new URL(`${remit.url}/jwks`));

  const server = await check('metadata: discovery (RFC 8414)', async () => {
    const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' });
    return oauth.processDiscoveryResponse(issuer, response);
  });
  if (server === undefined) return;
  for (const resource of [api, files]) {
    await check(`metadata: protected resource ${new URL(resource).pathname} (RFC 9728)`, async () => {
      const response = await oauth.resourceDiscoveryRequest(new URL(resource), insecure);
      const found = await oauth.processResourceDiscoveryResponse(new URL(resource), response);
      assert.deepEqual(found.authorization_servers, [remit.url]);
      assert.equal(found.dpop_bound_access_tokens_required, true);
    });
  }
  await check('jwks: public keys only, each with kid, alg and use (RFC 7517)', async () => {
    const { keys: found } = (await (await fetch(server.jwks_uri!)).json()) as { keys: Record<string, unknown>[] };
    assert.ok(found.length > 0);
    for (const key of found) {
      assert.equal('d' in key, false);
      assert.ok(key['kid'] !== undefined && key['alg'] !== undefined && key['use'] === 'sig');
    }
  });

  /** One grant: the raw answer, what the client makes of it, and the token as a resource server would check it. */
  const grant = async (name: string, aud: string, ask: () => Promise<Response>, sub?: string) => {
    const response = await check(`${name}: answered`, async () => {
      const answer = await ask();
      assert.equal(answer.status, 200, await answer.clone().text());
      return answer;
    });
    if (response === undefined) return undefined;
    await check(`${name}: no-store and JSON (RFC 6749 5.1)`, async () => {
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.match(response.headers.get('content-type') ?? '', /^application\/json\b/);
    });
    const raw = (await response.clone().json()) as Record<string, unknown>;
    await check(`${name}: token_type, issued_token_type and expires_in (RFC 8693 2.2.1, RFC 9449 5)`, async () => {
      assert.equal(String(raw['token_type']).toLowerCase(), 'dpop');
      assert.equal(raw['issued_token_type'], `${TOKEN_TYPE}:access_token`);
      assert.ok(Number(raw['expires_in']) > 0);
    });
    const answer = await check(`${name}: accepted by oauth4webapi`, () =>
      oauth.processGenericTokenEndpointResponse(server, client, response),
    );
    if (answer === undefined) return undefined;
    const claims = await check(`${name}: at+jwt of the issuer for one audience (RFC 9068)`, async () => {
      const verified = await jwtVerify(answer.access_token, jwks, {
        typ: 'at+jwt',
        issuer: remit.url,
        audience: aud,
        requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
      });
      assert.equal(verified.payload.aud, aud);
      assert.notEqual(decodeProtectedHeader(answer.access_token).alg, 'none');
      if (sub !== undefined) assert.equal(verified.payload.sub, sub);
      return verified.payload;
    });
    await check(`${name}: bound to the key of the client (RFC 7638, RFC 9449 6.1)`, async () => {
      assert.deepEqual(claims?.['cnf'], { jkt });
    });
    return { token: answer.access_token, claims: claims as JWTPayload };
  };
  const exchange = (parameters: Record<string, string>) =>
    oauth.genericTokenEndpointRequest(server, client, oauth.None(), EXCHANGE, parameters, bound);

  const login = await check('sign-in: code flow with PKCE at oidc-provider, by openid-client', () =>
    signIn(`${remit.url}/dev/idp`, 'alice'),
  );
  const person = await grant('exchange of an ID token', api, () =>
    exchange({
      subject_token: login?.idToken ?? '',
      subject_token_type: `${TOKEN_TYPE}:id_token`,
      resource: api,
    }),
  );

  await privateKeyJwtChecks(check, {
    server,
    bound,
    client: { client_id: DEPLOY },
    key: deployKey,
    proofKeys: keys,
    resource: api,
  });

  const { id: task } = await requestTask(remit, {
    agent: AGENT,
    purpose: 'summarise the notes',
    grant: `${root}/examples/quickstart/summarise.yaml`,
  });
  const identity = await askForIdentity(authoritySocket(remit.dataDir), AGENT);
  const resourceIdentity = await askForIdentity(authoritySocket(remit.dataDir), RESOURCE_SERVER);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  try {
    const { svid } = await workload.fetchJwtSvid(remit.url);
    const authentication = bySvid(svid);
    const agent = await grant(
      'client credentials by JWT-SVID',
      api,
      () => oauth.clientCredentialsGrantRequest(server, client, authentication, { resource: api }, bound),
      AGENT,
    );
    const seen = await oauth.protectedResourceRequest(
      agent?.token ?? 'none',
      'GET',
      new URL(`${api}/tasks/${task}`),
      undefined,
      undefined,
      bound,
    );
    const { subject_token: subject } = (await seen.json()) as { subject_token?: string };
    const acting = await grant('exchange of a task token with the agent as actor', files, () =>
      exchange({
        subject_token: subject ?? '',
        subject_token_type: 'urn:remit:params:oauth:token-type:task',
        actor_token: svid,
        actor_token_type: `${TOKEN_TYPE}:jwt`,
        resource: files,
      }),
    );
    await check('exchange of a task token: act names the agent, with its issuer (RFC 8693 4.1)', async () => {
      const act = acting?.claims['act'] as { sub?: string; iss?: string } | undefined;
      assert.equal(act?.sub, AGENT);
      assert.equal(typeof act?.iss, 'string');
      assert.equal(acting?.claims['client_id'], AGENT);
    });
    const isTaken = async (token: string) => {
      const proof = await dpop.generateProof(keys, files, 'POST', undefined, token);
      const answer = await fetch(files, { method: 'POST', headers: { authorization: `DPoP ${token}`, dpop: proof } });
      return answer.status !== 401;
    };
    const atResource = createWorkloadClient(`unix:${resourceIdentity.socket}`);
    const byResource = bySvid((await atResource.fetchJwtSvid(remit.url)).svid);
    atResource.close();
    const resourceServer = { client: { client_id: RESOURCE_SERVER }, authentication: byResource };
    await introspectionChecks(check, {
      server,
      insecure,
      resourceServer,
      agent: { client, authentication },
      token: acting?.token ?? '',
      foreign: agent?.token ?? '',
      claims: acting?.claims ?? {},
    });
    await idJagChecks(check, {
      server,
      bound,
      client,
      authentication,
      proofKeys: keys,
      provider,
      resource: files,
      isTaken,
    });
    await revocationChecks(check, {
      server,
      client,
      insecure,
      token: acting?.token ?? '',
      authentication,
      isTaken,
    });
    await inactiveCheck(check, { server, insecure, resourceServer, token: acting?.token ?? '' });
    await check('exchange of a task token: authorization_details are those of the task (RFC 9396 7)', async () => {
      assert.ok(Array.isArray(acting?.claims['authorization_details']));
    });
  } finally {
    workload.close();
    identity.release();
    resourceIdentity.release();
  }

  await check('resource: a bound token and a proof of `dpop` are accepted (RFC 9449 7.1)', async () => {
    const proof = await dpop.generateProof(keys, `${api}/tasks`, 'GET', undefined, person?.token);
    const headers = { authorization: `DPoP ${person?.token}`, dpop: proof };
    assert.equal((await fetch(`${api}/tasks`, { headers })).status, 200);
  });
  await check('resource: the same proof a second time is refused (RFC 9449 11.1)', async () => {
    const proof = await dpop.generateProof(keys, `${api}/tasks`, 'GET', undefined, person?.token);
    const headers = { authorization: `DPoP ${person?.token}`, dpop: proof };
    await fetch(`${api}/tasks`, { headers });
    const again = await fetch(`${api}/tasks`, { headers });
    assert.equal(again.status, 401);
    assert.match(again.headers.get('www-authenticate') ?? '', /^DPoP .*error="invalid_dpop_proof"/);
  });
  await check('resource: a bound token as bearer is refused (RFC 9449 7.2)', async () => {
    const answer = await fetch(`${api}/tasks`, { headers: { authorization: `Bearer ${person?.token}` } });
    assert.equal(answer.status, 401);
  });
  for (const resource of [`${api}/tasks`, files]) {
    await check(`resource: ${new URL(resource).pathname} tells strangers of its metadata (RFC 9728 5.1)`, async () => {
      const answer = await fetch(resource, { method: resource === files ? 'POST' : 'GET' });
      assert.equal(answer.status, 401);
      const challenge = answer.headers.get('www-authenticate') ?? '';
      const metadata = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
      assert.match(challenge, /^DPoP .*algs="/);
      assert.equal((await fetch(metadata ?? '')).status, 200);
    });
  }
  await check('errors: an OAuth error with status 400 and no-store (RFC 6749 5.2)', async () => {
    const answer = await exchange({
      subject_token: 'nonsense',
      subject_token_type: `${TOKEN_TYPE}:id_token`,
      resource: api,
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    await assert.rejects(oauth.processGenericTokenEndpointResponse(server, client, answer), {
      error: 'invalid_request',
    });
  });
  await check('errors: an agent that does not prove itself is an invalid_client with 401 (RFC 6749 5.2)', async () => {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, oauth.None(), { resource: api }, bound);
    assert.equal(answer.status, 401);
    assert.equal(((await answer.json()) as { error: string }).error, 'invalid_client');
  });
  report.note('not checked: grants and endpoints that the metadata does not name');
}

function bySvid(svid: string): oauth.ClientAuth {
  return (_server, _client, body) => {
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe');
    body.set('client_assertion', svid);
  };
}
