/** Tokens at a target's own authorisation server, with `oidc-provider` as that server. */
import type { ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialConfig, TokenClient } from '../../config/credential.ts';
import { CredentialUnavailable } from '../../core/errors.ts';
import type { Agent, Delegator } from '../../core/party.ts';
import { createIdJagVerifier } from '../../identity/id-jag.ts';
import { openCredentialParts, type OpenCredentialParts } from '../../../test/fixtures/credential-parts.ts';
import {
  CLIENT_SECRET,
  startAuthorizationServer,
  type AuthorizationServer,
} from '../../../test/harness/authorization-server.ts';
import { createCredential, type MadeCredential } from '../create.ts';
import type { CredentialUse } from '../credential.ts';
import { createTargetTokens } from './ending.ts';

const ISSUER = 'https://remit.example.test';
const agent: Agent = {
  id: 'spiffe://remit.local/agent/a' as Agent['id'],
  trustDomain: 'remit.local',
  attestation: 'jwt-svid',
};
const alice: Delegator = {
  issuer: 'https://idp.example.test',
  subject: 'alice',
  email: 'alice@example.test',
  groups: [],
};
/** A receiver of assertions, which trusts Remit. */
const TRUSTED = {
  clientId: 'crm',
  keys: { uri: `${ISSUER}/jwks` },
  scopes: [],
  groupsClaim: 'groups',
  requiredAcr: null,
  maxAuthAgeSeconds: null,
  dev: false,
};
const bob: Delegator = { ...alice, subject: 'bob', email: 'bob@example.test' };

let server: AuthorizationServer;
let statementKey: CryptoKey;
let statementJwk: JWK;
beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { extractable: true });
  statementKey = pair.privateKey;
  statementJwk = { ...(await exportJWK(pair.publicKey)), kid: 's1', alg: 'EdDSA' };
  server = await startAuthorizationServer({ issuer: ISSUER, key: pair.publicKey });
});
afterAll(() => server.close());

let parts: OpenCredentialParts;
let problems: unknown[];
beforeEach(async () => {
  parts = await openCredentialParts();
  problems = [];
  server.requests.length = 0;
  server.statements.length = 0;
  server.next.length = 0;
  server.person.sub = 'ann';
  parts.env['SECRET'] = CLIENT_SECRET;
  parts.env['KEY'] = server.clientKey;
  parts.sign = (typ, claims) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ, kid: 's1' }).sign(statementKey);
});
afterEach(() => parts.dispose());

const secret: TokenClient = { id: 'remit', proof: { method: 'client_secret_basic', secret: { fromEnv: 'SECRET' } } };
const byPost: TokenClient = {
  id: 'remit-post',
  proof: { method: 'client_secret_post', secret: { fromEnv: 'SECRET' } },
};
const request = (client = secret) => ({
  tokenUrl: server.tokenUrl,
  revocationUrl: server.revocationUrl,
  client,
  scope: null,
  resource: null,
});
const byClient = (client = secret): CredentialConfig => ({ kind: 'oauth_client', ...request(client) });

const use = (change: Partial<CredentialUse> = {}): CredentialUse => ({
  task: 'task_1',
  agent,
  delegator: alice,
  target: 'crm',
  policySet: 'sha256:1',
  signal: new AbortController().signal,
  ...change,
});
const outgoing = { method: 'GET', url: 'https://crm.example.test/', headers: {}, bodyDigest: null };

const made = (config: CredentialConfig): MadeCredential => createCredential(config, 'crm', parts);
async function tokenOf({ credential }: MadeCredential, change: Partial<CredentialUse> = {}): Promise<string> {
  const injection = await credential.inject(outgoing, use(change));
  const [, token = ''] = /^Bearer (\S+)$/.exec(injection.headers['authorization'] ?? '') ?? [];
  expect(injection.secrets).toEqual([token]);
  return token;
}
const endings = (config: CredentialConfig, drop: (task: string) => void = () => {}) =>
  createTargetTokens({
    ...parts,
    requestOf: () => ('tokenUrl' in config ? config : undefined),
    drop,
    onProblem: (error) => void problems.push(error),
  });

test.each<[string, () => TokenClient]>([
  ['client_secret_basic', () => secret],
  ['client_secret_post', () => byPost],
  [
    'private_key_jwt',
    () => ({
      id: 'remit-jwt',
      proof: { method: 'private_key_jwt', key: { fromEnv: 'KEY' }, keyId: 'c1', audience: server.issuer },
    }),
  ],
])('a client gets a token by %s, and its credential is named', async (_name, client) => {
  const one = made(byClient(client()));
  const token = await tokenOf(one);
  expect(await server.isActive(token)).toBe(true);
  const { named } = await one.credential.inject(outgoing, use());
  const { proof } = client();
  expect(named).toEqual({
    kind: 'oauth_client',
    source: proof.method === 'private_key_jwt' ? 'env:KEY' : 'env:SECRET',
    version: null,
  });
});

describe('INVARIANT 13: a token is of one task, delegator, target and policy set', () => {
  test('of many that ask at once one fetches it, and all use it until it nearly expires', async () => {
    const one = made(byClient());
    const tokens = await Promise.all(Array.from({ length: 10 }, () => tokenOf(one)));
    expect(new Set(tokens).size).toBe(1);
    expect(server.requests).toHaveLength(1);
    parts.advance(279_000);
    expect(await tokenOf(one)).toBe(tokens[0]);
    parts.advance(2_000);
    expect(await tokenOf(one)).not.toBe(tokens[0]);
    expect(server.requests).toHaveLength(2);
  });

  test.each<[string, Partial<CredentialUse>]>([
    ['task', { task: 'task_2' }],
    ['delegator', { delegator: bob }],
    ['policy set', { policySet: 'sha256:2' }],
    ['task at all', { task: null, delegator: null, agent: null, policySet: null }],
  ])('another %s has another', async (_name, change) => {
    const one = made(byClient());
    expect(await tokenOf(one, change)).not.toBe(await tokenOf(one));
  });

  test('one that the target refused is fetched anew', async () => {
    const one = made(byClient());
    const first = await one.credential.inject(outgoing, use());
    one.credential.refused(first);
    expect(await tokenOf(one)).not.toBe(first.secrets[0]);
  });

  test('who goes away does not wait, and does not stop what others wait for', async () => {
    const one = made(byClient());
    const going = new AbortController();
    const first = tokenOf(one, { signal: going.signal });
    const second = tokenOf(one);
    going.abort();
    await expect(first).rejects.toBeInstanceOf(CredentialUnavailable);
    expect(await server.isActive(await second)).toBe(true);
    expect(server.requests).toHaveLength(1);
  });
});

describe('INVARIANT 6: the tokens of a task end with it', () => {
  test('they are dropped, and revoked at the server, also by another process', async () => {
    const one = made(byClient());
    const token = await tokenOf(one);
    const other = await tokenOf(one, { task: 'task_2' });
    const tokens = endings(byClient(), one.drop);
    expect(tokens.outstanding('task_1')).toHaveLength(1);
    expect(await tokens.end('task_1')).toHaveLength(1);
    expect([await server.isActive(token), await server.isActive(other)]).toEqual([false, true]);
    expect([tokens.outstanding('task_1'), tokens.outstanding('task_2').length]).toEqual([[], 1]);
    expect(await tokenOf(one, { task: 'task_2' })).toBe(other);
    // Nothing of the first process but what it has kept.
    expect(await endings(byClient()).end('task_2')).toHaveLength(1);
    expect(await server.isActive(other)).toBe(false);
  });

  test('what cannot be revoked stays outstanding, and is tried again until it has ended by itself', async () => {
    const token = await tokenOf(made(byClient()));
    const tokens = endings(byClient());
    server.next.push((response) => void response.writeHead(503).end());
    expect(await tokens.end('task_1')).toEqual([]);
    expect([tokens.outstanding('task_1').length, problems.length]).toEqual([1, 1]);
    expect(JSON.stringify(problems)).not.toContain(token);
    expect(await tokens.end('task_1')).toHaveLength(1);
    expect(await server.isActive(token)).toBe(false);
    await tokenOf(made(byClient()), { task: 'task_2' });
    parts.advance(301_000);
    server.next.push((response) => void response.writeHead(503).end());
    expect(await tokens.end('task_2')).toHaveLength(1);
    expect(server.next).toHaveLength(1);
  });

  test('a task that ends while its token is fetched gets none, and the token is kept to be revoked', async () => {
    const one = made(byClient());
    const fetching = tokenOf(one);
    parts.ended.add('task_1');
    await expect(fetching).rejects.toThrow('the task has ended');
    expect(parts.late).toEqual(['task_1']);
    expect(endings(byClient()).outstanding('task_1')).toHaveLength(1);
  });

  test('to clean up after it Remit itself has one, which is of no task', async () => {
    parts.ended.add('task_1');
    const token = await tokenOf(made(byClient()), { policySet: null, agent: null });
    expect(await server.isActive(token)).toBe(true);
    expect(endings(byClient()).outstanding('task_1')).toEqual([]);
  });

  test('INVARIANT 14: what is kept of it is sealed', async () => {
    const token = await tokenOf(made(byClient()));
    expect(JSON.stringify(parts.store.sealedValues('task_token'))).not.toContain(token);
  });
});

describe('refresh tokens that the server rotates', () => {
  const config = (): CredentialConfig => ({
    kind: 'refresh_token',
    ...request(byPost),
    refreshToken: { fromEnv: 'REFRESH' },
  });

  test('each is used once, for many tasks at once too, and the next one is kept, sealed, across restarts', async () => {
    parts.env['REFRESH'] = await server.refreshToken();
    const one = made(config());
    const tokens = await Promise.all([1, 2, 3].map((n) => tokenOf(one, { task: `task_${n}` })));
    for (const token of tokens) expect(await server.isActive(token)).toBe(true);
    const shown = server.requests
      .filter((form) => form.get('grant_type') === 'refresh_token')
      .map((form) => form.get('refresh_token')!);
    expect(new Set(shown).size).toBe(3);
    for (const token of shown) {
      expect(JSON.stringify(parts.store.sealedValues('refresh_token'))).not.toContain(token);
    }
    // Another process goes on where this one was.
    expect(await server.isActive(await tokenOf(made(config()), { task: 'task_4' }))).toBe(true);
  });

  test('another one in the configuration begins anew; one that is used up is a failure that says so', async () => {
    parts.env['REFRESH'] = await server.refreshToken();
    await tokenOf(made(config()));
    const used = parts.env['REFRESH'];
    parts.env['REFRESH'] = await server.refreshToken();
    expect(await server.isActive(await tokenOf(made(config()), { task: 'task_2' }))).toBe(true);
    parts.env['REFRESH'] = used;
    const failure = await tokenOf(made(config()), { task: 'task_3' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'credential_unavailable',
      detail: `authorisation server \`${server.tokenUrl}\`: it answered with status 400, invalid_grant`,
    });
  });
});

describe('what Remit states of the delegator', () => {
  const exchange = (): CredentialConfig => ({
    kind: 'token_exchange',
    ...request(),
    subject: 'delegator',
    audience: 'crm',
  });
  const idJag = (): CredentialConfig => ({ kind: 'id_jag', ...request(), audience: server.issuer });

  test('is exchanged for a token (RFC 8693)', async () => {
    expect(await server.isActive(await tokenOf(made(exchange())))).toBe(true);
    expect(server.statements).toMatchObject([
      { sub: 'https://idp.example.test|alice', act: { sub: agent.id }, aud: server.tokenUrl, email: alice.email },
    ]);
    expect(server.requests[0]!.get('audience')).toBe('crm');
  });

  test('is an identity assertion (ID-JAG) that a receiver of those takes', async () => {
    const assertions: string[] = [];
    const { sign } = parts;
    parts.sign = async (typ, claims) => {
      const signed = await sign(typ, claims);
      assertions.push(signed);
      return signed;
    };
    expect(await server.isActive(await tokenOf(made(idJag())))).toBe(true);
    expect(server.statements).toMatchObject([{ sub: 'https://idp.example.test|alice', client_id: 'remit' }]);
    const receiver = createIdJagVerifier({
      providers: [{ ...TRUSTED, issuer: ISSUER, identityAssertions: true }],
      issuer: server.issuer,
      clock: parts.clock,
      skewSeconds: 30,
      fetchJson: async () => ({ keys: [statementJwk] }),
    });
    expect(await receiver.verify(assertions[0]!)).toMatchObject({
      delegator: { issuer: ISSUER, subject: 'https://idp.example.test|alice' },
      clientId: 'remit',
      resources: [],
    });
  });

  test('is for tasks alone', async () => {
    for (const config of [exchange(), idJag()]) {
      const nobody = { task: null, agent: null, delegator: null, policySet: null };
      await expect(tokenOf(made(config), nobody)).rejects.toMatchObject({
        detail: expect.stringContaining('for requests under a task alone'),
      });
    }
    expect(server.requests).toEqual([]);
  });

  test('a token of a service is exchanged as it is', async () => {
    parts.env['SUBJECT'] = 'a-subject-token';
    const config = { ...exchange(), subject: { fromEnv: 'SUBJECT' } } as CredentialConfig;
    await expect(tokenOf(made(config))).rejects.toBeInstanceOf(CredentialUnavailable);
    expect(server.requests[0]!.get('subject_token_type')).toBe('urn:ietf:params:oauth:token-type:access_token');
  });
});

describe('a server that fails is a failure of the call, and nothing is kept', () => {
  const json = (status: number, body: unknown) => (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['refuses', json(401, { error: 'invalid_client', error_description: CLIENT_SECRET }), 'status 401, invalid_client'],
    ['says something else', json(400, { error: `<script>${'x'.repeat(100)}` }), 'status 400'],
    ['redirects', (response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'status 307'],
    ['answers with no JSON', (response) => void response.writeHead(200).end('<html>'), 'no access token'],
    ['answers with nothing', (response) => void response.writeHead(200).end(), 'no access token'],
    ['gives no token', json(200, { token_type: 'Bearer' }), 'no access token'],
    ['gives a token of two lines', json(200, { access_token: 'aaaaaa\nb', token_type: 'Bearer' }), 'no access token'],
    ['gives a bound token', json(200, { access_token: 'aaaaaaaa', token_type: 'DPoP' }), 'another type than Bearer'],
    ['floods', json(200, { access_token: 'a'.repeat(100_000), token_type: 'Bearer' }), 'cannot be reached'],
    ['hangs up', (response) => void response.destroy(), 'cannot be reached'],
  ])('one that %s', async (_name, answer, detail) => {
    server.next.push(answer);
    const one = made(byClient());
    const failure = await tokenOf(one).catch((error: unknown) => error as CredentialUnavailable);
    expect(failure).toBeInstanceOf(CredentialUnavailable);
    expect((failure as CredentialUnavailable).detail).toContain(detail);
    const everything = JSON.stringify(failure, Object.getOwnPropertyNames(failure));
    expect(everything).not.toContain(CLIENT_SECRET);
    expect(parts.store.sealedValues('task_token')).toEqual([]);
    // The next call asks again.
    expect(await server.isActive(await tokenOf(one))).toBe(true);
  });

  test('one that is not there', async () => {
    const config = { ...byClient(), tokenUrl: 'http://127.0.0.1:1/token' } as CredentialConfig;
    await expect(tokenOf(made(config))).rejects.toMatchObject({ detail: expect.stringContaining('cannot be reached') });
  });

  test.each(['no key', '{"kty":"oct","k":"AAAA"}', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'])(
    'a key that is none (%j) is named and not shown',
    async (key) => {
      parts.env['KEY'] = key;
      const proof = { method: 'private_key_jwt', key: { fromEnv: 'KEY' }, keyId: null, audience: 'x' } as const;
      const failure = await tokenOf(made(byClient({ id: 'remit-jwt', proof }))).catch((error: unknown) => error);
      expect(failure).toMatchObject({ detail: expect.stringMatching(/^secret `env:KEY`: it is no private key/) });
    },
  );
});
