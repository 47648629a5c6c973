import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SignJWT, UnsecuredJWT } from 'jose';
import { NOW } from '../../test/fixtures/task.ts';
import {
  CI,
  CI_AUDIENCE,
  signingKey,
  workloadIssuer,
  workloadToken,
  type SigningKey,
} from '../../test/fixtures/workload-issuer.ts';
import type { WorkloadIssuer } from '../config/identity-config.ts';
import { FirstHolder } from './first-holder.ts';
import { createWorkloadTokenVerifier, type WorkloadTokenVerifier } from './workload-token.ts';

const SECONDS = NOW / 1000;
const SHOWN = { key: 'key-1', request: 'req-1' };
let ci: SigningKey;
let other: SigningKey;
let now: number;
let fetched: string[];
let verifier: WorkloadTokenVerifier;

beforeAll(async () => {
  [ci, other] = [await signingKey(), await signingKey()];
});
beforeEach(() => {
  now = NOW;
  fetched = [];
  verifier = open([workloadIssuer(), workloadIssuer({ issuer: `${CI}/other`, spiffe_id: 'spiffe://ci.example/o/x' })]);
});

function open(issuers: WorkloadIssuer[]): WorkloadTokenVerifier {
  return createWorkloadTokenVerifier({
    issuers,
    clock: () => now,
    skewSeconds: 30,
    withGroups: (agent) => ({ ...agent, groups: ['ci'] }),
    bootedAt: NOW - 60_000,
    fetchJson: async (url) => {
      fetched.push(url);
      // Each issuer has keys of its own, under one key id.
      const [issuer, key] = url.startsWith(`${CI}/other`) ? [`${CI}/other`, other] : [CI, ci];
      return url.endsWith('configuration') ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys: [key.jwk] };
    },
  });
}

const token = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, by = ci) =>
  workloadToken(by, now, claims, header);

const refusal = (text: string, shown = SHOWN) =>
  verifier.verify(text, shown).then(
    () => null,
    (error: Error) => error,
  );

test('a token is the agent that its issuer’s rule maps it to', async () => {
  expect(await verifier.verify(await token(), SHOWN)).toEqual({
    agent: {
      id: 'spiffe://ci.example/job/acme/agents',
      trustDomain: 'ci.example',
      attestation: 'oidc',
      groups: ['ci'],
    },
    expiresAt: NOW + 300_000,
  });
});

test('what it carries ends with the oldest age, too', async () => {
  const { expiresAt } = await verifier.verify(await token({ exp: SECONDS + 100_000 }), SHOWN);
  expect(expiresAt).toBe(NOW + 3_600_000);
});

test.each([
  ['one audience in a list', { aud: [CI_AUDIENCE] }],
  ['a clock a little ahead', { iat: SECONDS + 20 }],
])('%s is accepted', async (_name, claims) => expect(await refusal(await token(claims))).toBeNull());

describe('refused is', () => {
  const cases: [name: string, make: () => Promise<string>][] = [
    ['an issuer that is not configured', () => token({ iss: 'https://evil.example.test' })],
    ['an issuer with a slash more', () => token({ iss: `${CI}/` })],
    ['an issuer in other case', () => token({ iss: 'https://CI.example.test' })],
    ['no issuer', () => token({ iss: undefined })],
    ['an issuer that is no text', () => token({ iss: [CI] })],
    ['the key of another issuer', () => token({}, {}, other)],
    ['the other issuer’s name with this one’s key', () => token({ iss: `${CI}/other` })],
    ['another audience', () => token({ aud: 'other' })],
    ['no audience', () => token({ aud: undefined })],
    ['two audiences, ours among them', () => token({ aud: [CI_AUDIENCE, 'other'] })],
    ['our audience twice', () => token({ aud: [CI_AUDIENCE, CI_AUDIENCE] })],
    ['an algorithm that is not listed', async () => token({}, { alg: 'ES384' }, await signingKey('k1', 'ES384'))],
    ['no signature', async () => new UnsecuredJWT({ iss: CI, aud: CI_AUDIENCE, sub: 'x' }).encode()],
    ['HS256 with the public key as secret', () => symmetric()],
    ['an embedded key', async () => token({}, { jwk: other.jwk, kid: 'other' }, other)],
    ['keys at a URL of the token’s', () => token({}, { jku: 'https://evil.example.test/jwks', kid: 'x' }, other)],
    ['a critical header', () => unknownCritical()],
    ['an access token', () => token({}, { typ: 'at+jwt' })],
    ['a logout token', () => token({}, { typ: 'logout+jwt' })],
    ['expired', () => token({ exp: SECONDS - 31 })],
    ['without expiry', () => token({ exp: undefined })],
    ['not yet good', () => token({ nbf: SECONDS + 31 })],
    ['issued in the future', () => token({ iat: SECONDS + 31 })],
    ['issued too long ago', () => token({ iat: SECONDS - 3631 })],
    ['without `iat`', () => token({ iat: undefined })],
    ['without subject', () => token({ sub: undefined })],
    ['an empty subject', () => token({ sub: '' })],
    ['a SPIFFE ID as subject', () => token({ sub: 'spiffe://remit.local/agent/summariser' })],
    ['a claim that differs', () => token({ owner: 'evil' })],
    ['a claim in other case', () => token({ owner: 'ACME' })],
    ['a claim in a list', () => token({ owner: ['acme'] })],
    ['no such claim', () => token({ owner: undefined })],
    ['a glob that does not match', () => token({ repository: 'evil/agents' })],
    ['a glob that a slash would widen', () => token({ repository: 'acme/agents/x' })],
    ['a value that climbs', () => token({ repository: 'acme/..' })],
    ['a value that is escaped', () => token({ repository: 'acme/%2e%2e' })],
    ['an empty segment', () => token({ repository: 'acme/' })],
    ['a `jti` that is no text', () => token({ jti: 7 })],
    ['no token', async () => 'nonsense'],
    ['a token without end', async () => `${await token()}${'A'.repeat(20_000)}`],
    ['a changed payload', async () => swapped(await token())],
  ];
  test.each(cases)('%s', async (_name, make) => {
    const text = await make();
    const error = await refusal(text);
    expect(error).toMatchObject({ code: 'invalid_token', message: 'the workload token is not valid here' });
    expect(JSON.stringify(error)).not.toContain(text);
    expect(fetched.filter((url) => !url.startsWith(CI))).toEqual([]);
  });
});

describe('a token is used', () => {
  test('by one request, however often within it', async () => {
    const shown = await token({ jti: 'j' });
    expect(await refusal(shown)).toBeNull();
    expect(await refusal(shown)).toBeNull();
    expect(await refusal(shown, { ...SHOWN, request: 'req-2' })).not.toBeNull();
    expect(await refusal(await token({ jti: 'j', exp: SECONDS + 200 }), { ...SHOWN, request: 'req-3' })).not.toBeNull();
  });

  test('once also without a `jti`, and by one of twenty at once', async () => {
    const shown = await token();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => refusal(shown, { key: `k${i}`, request: `r${i}` })),
    );
    expect(results.filter((error) => error === null)).toHaveLength(1);
  });

  test('by the key that showed it first, where the issuer allows that', async () => {
    verifier = open([workloadIssuer({ reuse: 'same_key' })]);
    const shown = await token({ jti: 'j' });
    expect(await refusal(shown)).toBeNull();
    now += 200_000;
    expect(await refusal(shown, { ...SHOWN, request: 'req-2' })).toBeNull();
    expect(await refusal(shown, { key: 'thief', request: 'req-3' })).not.toBeNull();
  });

  test('not when it was refused for another reason: a forger spends nobody’s token', async () => {
    await refusal(await token({ jti: 'j' }, {}, other), { key: 'thief', request: 'req-0' });
    expect(await refusal(await token({ jti: 'j' }))).toBeNull();
  });

  test('not when it is older than the process, unless a key may use it again', async () => {
    const old = { iat: SECONDS - 61 };
    expect(await refusal(await token(old))).not.toBeNull();
    verifier = open([workloadIssuer({ reuse: 'same_key' })]);
    expect(await refusal(await token(old))).toBeNull();
  });

  test('with another `jti` of another issuer: ids are each issuer’s own', async () => {
    expect(await refusal(await token({ jti: 'j' }))).toBeNull();
    expect(
      await refusal(await token({ jti: 'j', iss: `${CI}/other` }, {}, other), { ...SHOWN, request: 'r' }),
    ).toBeNull();
  });

  test('only while it can be remembered', () => {
    const holders = new FirstHolder(2);
    expect(holders.claim('a', 'x', 10, 0)).toBe(true);
    expect(holders.claim('b', 'x', 20, 0)).toBe(true);
    expect(holders.claim('c', 'x', 30, 0)).toBe(false);
    expect(holders.claim('c', 'x', 30, 10)).toBe(true);
    // The clock was set back: `a` may be shown again, and must not be taken for new.
    expect(holders.claim('a', 'y', 10, 0)).toBe(false);
  });
});

async function symmetric(): Promise<string> {
  return new SignJWT({ iss: CI, aud: CI_AUDIENCE, sub: 'x', iat: SECONDS, exp: SECONDS + 60 })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(new TextEncoder().encode(JSON.stringify(ci.jwk).padEnd(32)));
}

async function unknownCritical(): Promise<string> {
  return new SignJWT({ iss: CI, aud: CI_AUDIENCE, sub: 'x', iat: SECONDS, exp: SECONDS + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', crit: ['x'], x: 1 })
    .sign(ci.key, { crit: { x: true } });
}

function swapped(text: string): string {
  const [header, payload, signature] = text.split('.');
  const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object;
  return `${header}.${Buffer.from(JSON.stringify({ ...claims, owner: 'acme', x: 1 })).toString('base64url')}.${signature}`;
}
