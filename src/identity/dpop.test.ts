import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import {
  calculateJwkThumbprint,
  CompactSign,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { createDpopVerifier, DPOP_ALGORITHMS, type DpopRequest, type DpopVerifier } from './dpop.ts';

const URL = 'https://remit.example.test/mcp/files';
const TOKEN = 'header.payload.signature';
const SECONDS = NOW / 1000;

type Keys = { sign: (payload: JWTPayload, header: object) => Promise<string>; jwk: JWK; privateJwk: JWK };
let keys: Keys;
let verifier: DpopVerifier;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  keys = {
    sign: (payload, header) => new SignJWT(payload).setProtectedHeader(header as { alg: string }).sign(privateKey),
    jwk: await exportJWK(publicKey),
    privateJwk: await exportJWK(privateKey),
  };
});
beforeEach(() => {
  verifier = createDpopVerifier({ clock: () => NOW, skewSeconds: 30, bootedAt: NOW - 20_000 });
});

const ath = createHash('sha256').update(TOKEN).digest('base64url');
const claims = (overrides: JWTPayload = {}): JWTPayload => ({
  jti: 'j1',
  htm: 'POST',
  htu: URL,
  iat: SECONDS,
  ath,
  ...overrides,
});
const header = (overrides: object = {}) => ({ typ: 'dpop+jwt', alg: 'ES256', jwk: keys.jwk, ...overrides });
const request = (proofs: string[], overrides: Partial<DpopRequest> = {}): DpopRequest => ({
  proofs,
  method: 'POST',
  url: URL,
  accessToken: TOKEN,
  ...overrides,
});
const proof = (payload: JWTPayload = {}, head: object = {}) => keys.sign(claims(payload), header(head));

test('a proof of this request is accepted, and says which key was proven', async () => {
  const { jkt, jti } = await verifier.verify(request([await proof()]));
  expect(jti).toBe('j1');
  expect(jkt).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test('query and fragment of the request do not matter, host case and default port neither', async () => {
  await verifier.verify(request([await proof({ jti: 'a' })], { url: `${URL}?x=1#y` }));
  await verifier.verify(request([await proof({ jti: 'b', htu: 'https://REMIT.example.test:443/mcp/files' })]));
});

describe('RFC 9449, section 4.3: refused is', () => {
  const cases: [string, () => Promise<string[]>, Partial<DpopRequest>?][] = [
    ['(1) no proof', async () => []],
    ['(1) two proofs', async () => [await proof({ jti: 'a' }), await proof({ jti: 'b' })]],
    ['(2) what is no JWT', async () => ['not-a-jwt']],
    ['(2) a proof of ten kilobytes', async () => [await proof({ pad: 'x'.repeat(10_000) })]],
    ['(3) no `jti`', async () => [await proof({ jti: undefined })]],
    ['(3) an empty `jti`', async () => [await proof({ jti: '' })]],
    ['(3) a `jti` without end', async () => [await proof({ jti: 'x'.repeat(300) })]],
    ['(3) no `htm`', async () => [await proof({ htm: undefined })]],
    ['(3) no `htu`', async () => [await proof({ htu: undefined })]],
    ['(3) no `iat`', async () => [await proof({ iat: undefined })]],
    ['(4) another `typ`', async () => [await proof({}, { typ: 'JWT' })]],
    ['(4) no `typ`', async () => [await proof({}, { typ: undefined })]],
    ['(5) alg none', async () => [unsigned({ alg: 'none' })]],
    ['(5) a symmetric algorithm', async () => [unsigned({ alg: 'HS256', jwk: { kty: 'oct', k: 'AA' } })]],
    ['(6) a signature by another key', async () => [await proof({}, { jwk: await otherKey() })]],
    ['(6) a changed payload', async () => [swapPayload(await proof())]],
    ['(7) a private key in `jwk`', async () => [await proof({}, { jwk: keys.privateJwk })]],
    ['(6) a signature that is cut short', async () => [(await proof()).slice(0, -2)]],
    ['(6) no signature', async () => [(await proof()).replace(/[^.]+$/, '')]],
    ['(6) a signature with what base64url has not', async () => [`${await proof()}=`]],
    ['(6) a payload with a space in it', async () => [(await proof()).replace(/\.(..)/, '.$1 ')]],
    ['(2) four parts', async () => [`${await proof()}.x`]],
    ['(2) two parts', async () => [(await proof()).replace(/\.[^.]+$/, '')]],
    ['a payload that is no object', async () => [await signedText('[1]')]],
    ['a payload that is no JSON', async () => [await signedText('{"jti":')]],
    ['an `exp` that has passed', async () => [await proof({ exp: SECONDS - 31 })]],
    ['an `exp` that is no number', async () => [await proof({ exp: 'never' as unknown as number })]],
    ['an `nbf` to come', async () => [await proof({ nbf: SECONDS + 31 })]],
    ['(7) no `jwk`', async () => [await proof({}, { jwk: undefined })]],
    ['(8) another method', async () => [await proof({ htm: 'GET' })]],
    ['(8) the method in lower case', async () => [await proof({ htm: 'post' })]],
    ['(9) another path', async () => [await proof({ htu: `${URL}2` })]],
    ['(9) another host', async () => [await proof({ htu: 'https://other.example.test/mcp/files' })]],
    ['(9) another port', async () => [await proof({ htu: 'https://remit.example.test:8443/mcp/files' })]],
    ['(9) another scheme', async () => [await proof({ htu: URL.replace('https', 'http') })]],
    ['(9) an `htu` that is no URL', async () => [await proof({ htu: '/mcp/files' })]],
    ['(11) a clock a minute behind', async () => [await proof({ iat: SECONDS - 60 })]],
    ['(11) a clock a minute ahead', async () => [await proof({ iat: SECONDS + 60 })]],
    ['(11) a proof from before the process started', async () => [await proof({ iat: SECONDS - 21 })]],
    ['(12) no `ath`', async () => [await proof({ ath: undefined })]],
    ['(12) the `ath` of another token', async () => [await proof({ ath: 'x' })]],
    ['(12) another token', async () => [await proof()], { accessToken: 'another' }],
    [
      'a critical extension',
      async () => [await keys.sign(claims(), header({ crit: ['x'], x: 1 })).catch(() => 'a.b.c')],
    ],
  ];
  // The second time the header of good proofs is known.
  test.each([...cases, ...cases.map(([name, ...rest]) => [`${name}, after a good one`, ...rest] as (typeof cases)[0])])(
    '%s',
    async (name, proofs, overrides) => {
      if (name.endsWith('after a good one')) await verifier.verify(request([await proof({ jti: 'good' })]));
      const shown = await proofs();
      const refused = await verifier.verify(request(shown, overrides)).then(
        () => null,
        (error: Error) => error,
      );
      expect(refused).toMatchObject({
        code: 'invalid_dpop_proof',
        message: 'the DPoP proof is not valid for this request',
      });
      expect(shown.filter((text) => JSON.stringify(refused).includes(text))).toEqual([]);
    },
  );

  test('(11.1) a proof that was used before, by the same key only', async () => {
    const used = await proof();
    await verifier.verify(request([used]));
    await expect(verifier.verify(request([used]))).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    await expect(verifier.verify(request([await proof({ iat: SECONDS - 1 })]))).rejects.toThrow();
  });

  test('of twenty uses at once, nineteen', async () => {
    const used = await proof();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => verifier.verify(request([used]))));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });
});

describe('each algorithm that is advertised', () => {
  test.each(DPOP_ALGORITHMS)('%s is checked the first time and later', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(publicKey);
    const sign = (jti: string) =>
      new SignJWT(claims({ jti })).setProtectedHeader({ ...header({ jwk }), alg }).sign(privateKey);
    const first = await verifier.verify(request([await sign('a')]));
    expect(first.jkt).toBe(await calculateJwkThumbprint(jwk));
    expect(await verifier.verify(request([await sign('b')]))).toEqual({ ...first, jti: 'b' });
    const [head, payload] = (await sign('c')).split('.');
    const other = (await sign('d')).split('.')[2];
    await expect(verifier.verify(request([`${head}.${payload}.${other}`]))).rejects.toThrow();
    await verifier.verify(request([await sign('c')]));
  });

  test('one that is not is refused, and so is a short RSA key', async () => {
    const es512 = await generateKeyPair('ES512');
    const jwk = await exportJWK(es512.publicKey);
    const shown = await new SignJWT(claims())
      .setProtectedHeader({ ...header({ jwk }), alg: 'ES512' })
      .sign(es512.privateKey);
    await expect(verifier.verify(request([shown]))).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const head = { ...header({ jwk: publicKey.export({ format: 'jwk' }) }), alg: 'RS256' };
    const text = [head, claims()].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const short = `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
    for (const _ of [1, 2]) await expect(verifier.verify(request([short]))).rejects.toThrow();
  });
});

test('a key is known by its members alone, and a claim that is not known does not matter', async () => {
  const jwk = { ...keys.jwk, kid: 'mine', use: 'sig' };
  const { jkt } = await verifier.verify(
    request([await proof({ jti: 'a', exp: SECONDS + 60, nbf: SECONDS - 60 }, { jwk })]),
  );
  expect(await verifier.verify(request([await proof({ jti: 'b', extra: 1 })]))).toEqual({ jkt, jti: 'b' });
});

test('a memory that is full refuses, and forgets nothing early', async () => {
  let now = NOW;
  const small = createDpopVerifier({ clock: () => now, skewSeconds: 30, bootedAt: 0, maxRemembered: 2 });
  await small.verify(request([await proof({ jti: 'a' })]));
  await small.verify(request([await proof({ jti: 'b' })]));
  await expect(small.verify(request([await proof({ jti: 'c' })]))).rejects.toThrow();
  now += 60_000;
  await small.verify(request([await proof({ jti: 'c', iat: now / 1000 })]));
});

/** Signed as a good proof is, over any text. */
async function signedText(payload: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader(header() as { alg: string })
    .sign((await importJWK(keys.privateJwk, 'ES256')) as CryptoKey);
}

function unsigned(head: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ ...header(), ...head })}.${encode(claims())}.`;
}

async function otherKey(): Promise<JWK> {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return exportJWK(publicKey);
}

function swapPayload(text: string): string {
  const [head, , signature] = text.split('.');
  return `${head}.${Buffer.from(JSON.stringify(claims({ jti: 'other' }))).toString('base64url')}.${signature}`;
}
