import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { browse } from '../../test/harness/identity-provider.ts';
import { freePort } from '../../test/harness/remit-process.ts';
import { peopleProvider } from '../../test/fixtures/people-provider.ts';
import { NOW } from '../../test/fixtures/task.ts';
import { obtainIdToken } from '../cli/login.ts';
import { createDevPeople } from './dev/people.ts';
import { createIdTokenVerifier, type IdTokenVerifier } from './id-token.ts';

const ISSUER = 'https://idp.example.test';
const SECONDS = NOW / 1000;
const provider = peopleProvider({ issuer: ISSUER, client_id: 'remit' });

let key: CryptoKey;
let jwk: JWK;
let other: CryptoKey;
let es384: CryptoKey;
let now: number;
let fetched: string[];
let published: JWK[];
let discoveredIssuer: string;
let verifier: IdTokenVerifier;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  key = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' };
  other = (await generateKeyPair('ES256')).privateKey;
  es384 = (await generateKeyPair('ES384')).privateKey;
});
beforeEach(() => {
  now = NOW;
  fetched = [];
  published = [jwk];
  discoveredIssuer = ISSUER;
  verifier = createIdTokenVerifier({
    providers: [provider],
    clock: () => now,
    skewSeconds: 30,
    fetchJson: async (url) => {
      fetched.push(url);
      return url.endsWith('openid-configuration')
        ? { issuer: discoveredIssuer, jwks_uri: `${ISSUER}/jwks` }
        : { keys: published };
    },
  });
});

function idToken(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  by = key,
): Promise<string> {
  return new SignJWT({ iss: ISSUER, sub: 'alice', aud: 'remit', iat: SECONDS, exp: SECONDS + 300, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
    .sign(by);
}

test('a person is what their provider says', async () => {
  const claims = { groups: ['staff'], name: 'Alice', email: 'a@example.test', acr: 'mfa', amr: ['hwk'], auth_time: 5 };
  const { delegator } = await verifier.verify(await idToken(claims));
  expect(delegator).toEqual({
    issuer: ISSUER,
    subject: 'alice',
    groups: ['staff'],
    name: 'Alice',
    email: 'a@example.test',
    acr: 'mfa',
    amr: ['hwk'],
    authTime: 5,
  });
});

test('an e-mail that the provider has not verified is none', async () => {
  const { delegator } = await verifier.verify(await idToken({ email: 'a@example.test', email_verified: false }));
  expect(delegator.email).toBeUndefined();
});

describe('OpenID Connect Core, section 3.1.3.7: refused is', () => {
  const cases: [string, () => Promise<string>][] = [
    ['(2) another issuer', () => idToken({ iss: 'https://other.example.test' })],
    ['(2) no issuer', () => idToken({ iss: undefined })],
    ['(3) another audience', () => idToken({ aud: 'other' })],
    ['(3) no audience', () => idToken({ aud: undefined })],
    ['(4) several audiences without `azp`', () => idToken({ aud: ['remit', 'other'] })],
    ['(5) another `azp`', () => idToken({ azp: 'other' })],
    ['(6) another signature', () => idToken({}, {}, other)],
    ['(7) alg none', async () => `${encode({ alg: 'none' })}.${encode({ iss: ISSUER, sub: 'alice', aud: 'remit' })}.`],
    ['(9) expired', () => idToken({ exp: SECONDS - 31 })],
    ['(9) no expiry', () => idToken({ exp: undefined })],
    ['(10) from the future', () => idToken({ iat: SECONDS + 60 })],
    ['no subject', () => idToken({ sub: '' })],
    ['groups that are none', () => idToken({ groups: 'staff' })],
    ['RFC 8725, 3.11: an access token for us', () => idToken({}, { typ: 'at+jwt' })],
    ['RFC 8725, 3.11: a logout token for us', () => idToken({}, { typ: 'logout+jwt' })],
    ['(3) our client id in other case', () => idToken({ aud: 'REMIT' })],
    ['(5) `azp` of another kind', () => idToken({ azp: ['remit'] })],
    ['(7) HS256 with the public key as secret', () => symmetric()],
    ['(7) an algorithm that the key is not for', () => idToken({}, { alg: 'ES384' }, es384)],
    ['(7) an embedded key', () => idToken({}, { jwk: jwk, kid: 'other' }, other)],
    ['(7) keys at a URL of the token’s', () => idToken({}, { jku: 'https://evil.example.test', kid: 'x' }, other)],
    ['not yet valid', () => idToken({ nbf: SECONDS + 31 })],
    ['no `iat`', () => idToken({ iat: undefined })],
    ['an `exp` that is no number', () => idToken({ exp: `${SECONDS + 300}` })],
    ['an `auth_time` in the future', () => idToken({ auth_time: SECONDS + 31 })],
    ['an `auth_time` that is no number', () => idToken({ auth_time: 'now' })],
    ['what is no token', async () => 'nonsense'],
    ['a token without end', async () => `${await idToken()}${'A'.repeat(20_000)}`],
  ];
  test.each(cases)('%s', async (_name, make) => {
    await expect(verifier.verify(await make())).rejects.toMatchObject({
      code: 'invalid_token',
      message: 'the ID token is not valid here',
    });
  });
});

describe('what a provider’s entry asks for beyond that', () => {
  const strict = (form: Record<string, unknown>) =>
    createIdTokenVerifier({
      providers: [peopleProvider({ issuer: ISSUER, client_id: 'remit', jwks_uri: `${ISSUER}/jwks`, ...form })],
      clock: () => now,
      skewSeconds: 30,
      fetchJson: async () => ({ keys: published }),
    });
  const cases: [string, Record<string, unknown>, Record<string, unknown>, boolean][] = [
    ['one of the contexts', { required_acr: ['phr', 'phrh'] }, { acr: 'phrh' }, true],
    ['another context', { required_acr: ['phr', 'phrh'] }, { acr: 'pwd' }, false],
    ['no context', { required_acr: ['phr'] }, {}, false],
    ['a context in a list', { required_acr: ['phr'] }, { acr: ['phr'] }, false],
    ['a sign-in that is young enough', { max_auth_age_seconds: 600 }, { auth_time: SECONDS - 600 }, true],
    ['a sign-in that is too old', { max_auth_age_seconds: 600 }, { auth_time: SECONDS - 631 }, false],
    ['no time of the sign-in', { max_auth_age_seconds: 600 }, {}, false],
  ];
  test.each(cases)('%s', async (_name, form, claims, good) => {
    const taken = await strict(form)
      .verify(await idToken(claims))
      .then(
        () => true,
        () => false,
      );
    expect(taken).toBe(good);
  });

  test('groups from a nested claim; what is not there is no group', async () => {
    const nested = strict({ groups_claim: '/realm_access/roles' });
    const { delegator } = await nested.verify(await idToken({ realm_access: { roles: ['staff'] }, groups: ['admin'] }));
    expect(delegator.groups).toEqual(['staff']);
    expect((await nested.verify(await idToken({ groups: ['admin'] }))).delegator.groups).toEqual([]);
    await expect(nested.verify(await idToken({ realm_access: { roles: { staff: true } } }))).rejects.toThrow();
  });
});

test.each([false, 'false', 'true', 0, null])('nor is one whose `email_verified` is %j', async (email_verified) => {
  const { delegator } = await verifier.verify(await idToken({ email: 'a@example.test', email_verified }));
  expect(delegator.email).toBe(email_verified === null ? 'a@example.test' : undefined);
});

test('twenty people who come at once share one fetch, and all get in', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => idToken({ sub: `person-${i}` })));
  const people = await Promise.all(tokens.map((token) => verifier.verify(token)));
  expect(new Set(people.map(({ delegator }) => delegator.subject)).size).toBe(20);
  expect(fetched).toHaveLength(2);
});

test('a provider that does not answer is not asked again for every token', async () => {
  discoveredIssuer = 'https://other.example.test';
  for (let i = 0; i < 5; i++) await verifier.verify(await idToken()).catch(() => {});
  expect(fetched).toHaveLength(1);
  discoveredIssuer = ISSUER;
  now += 6_000;
  await verifier.verify(await idToken());
  expect(fetched).toHaveLength(3);
});

test('nothing is fetched for an issuer that is not configured', async () => {
  await verifier.verify(await idToken({ iss: 'https://internal.example.test' })).catch(() => {});
  expect(fetched).toEqual([]);
});

test('an unknown key is looked for at most once a minute', async () => {
  await verifier.verify(await idToken());
  for (let i = 0; i < 5; i++) await verifier.verify(await idToken({}, { kid: 'k2' }, other)).catch(() => {});
  expect(fetched).toHaveLength(2);
  now += 61_000;
  published = [{ ...jwk, kid: 'k2' }];
  await verifier.verify(await idToken({}, { kid: 'k2' }));
  expect(fetched).toHaveLength(4);
});

test('a discovery document of another issuer is not believed', async () => {
  discoveredIssuer = 'https://other.example.test';
  await expect(verifier.verify(await idToken())).rejects.toMatchObject({ code: 'invalid_token' });
});

test('the embedded provider signs in its people by a real code flow, and nobody else', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'remit-people-'));
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}/dev/idp`;
  const server = createServer(await createDevPeople({ issuer, clientId: 'remit', dir })).listen(port, '127.0.0.1');
  try {
    const real = createIdTokenVerifier({
      providers: [peopleProvider({ issuer, client_id: 'remit' })],
      clock: Date.now,
      skewSeconds: 5,
    });
    const { delegator } = await real.verify(await obtainIdToken({ issuer, clientId: 'remit', as: 'bob' }));
    expect(delegator).toMatchObject({
      issuer,
      subject: 'bob',
      groups: ['staff', 'note-owners'],
      email: 'bob@example.test',
      amr: ['dev'],
    });
    await expect(obtainIdToken({ issuer, clientId: 'remit', as: 'mallory' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(obtainIdToken({ issuer, clientId: 'remit', as: 'constructor' })).rejects.toThrow();
    // Who comes without a hint finds the people on a page.
    const query = {
      response_type: 'code',
      scope: 'openid',
      code_challenge_method: 'S256',
      code_challenge: 'x'.repeat(43),
    };
    const start = new URLSearchParams({ ...query, client_id: 'remit', redirect_uri: 'http://127.0.0.1/callback' });
    const page = await browse(`${issuer}/auth?${start.toString()}`);
    expect(page.text).toContain('<a href="?as=alice">Alice</a>');
    expect((await browse(`${page.url}?as=mallory`)).status).toBe(400);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  }
});

async function symmetric(): Promise<string> {
  return new SignJWT({ iss: ISSUER, sub: 'alice', aud: 'remit', iat: SECONDS, exp: SECONDS + 300 })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(new TextEncoder().encode(JSON.stringify(jwk).padEnd(32)));
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
