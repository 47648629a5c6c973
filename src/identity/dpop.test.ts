import { createHash } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  hmacSigned,
  signed,
  testKey,
  unsigned,
  withBadSignature,
  withClaims,
  type TestKey,
} from '../../test/fixtures/jws.ts';
import { NOW } from '../../test/fixtures/task.ts';
import { InvalidDpopProof } from '../core/errors.ts';
import { createDpopVerifier, DPOP_ALGORITHMS, type DpopRequest } from './dpop.ts';

const URL_ = 'https://remit.example.test/mcp/files';
const TOKEN = 'the-access-token-that-must-not-be-shown';
const MESSAGE = 'the DPoP proof is not valid for this request';
const SECONDS = NOW / 1000;
const SKEW = 30;

let key: TestKey;
let other: TestKey;
beforeAll(async () => {
  key = await testKey();
  other = await testKey();
});

const ath = (token: string) => createHash('sha256').update(token, 'ascii').digest('base64url');
let made = 0;
const claims = (overrides: object = {}) => ({
  jti: `proof-${++made}`,
  htm: 'POST',
  htu: URL_,
  iat: SECONDS,
  ath: ath(TOKEN),
  ...overrides,
});
const header = (overrides: object = {}) => ({ typ: 'dpop+jwt', jwk: key.publicJwk, ...overrides });
const proof = (claimed: object = {}, headed: object = {}) => signed(header(headed), claims(claimed), key);

function verifier(overrides: Partial<Parameters<typeof createDpopVerifier>[0]> = {}) {
  return createDpopVerifier({ clock: () => NOW, skewSeconds: SKEW, bootedAt: NOW - 3_600_000, ...overrides });
}
const request = (proofs: string[], overrides: Partial<DpopRequest> = {}): DpopRequest => ({
  proofs,
  method: 'POST',
  url: URL_,
  accessToken: TOKEN,
  ...overrides,
});

async function expectRefused(verifying: Promise<unknown>, shown: string[]): Promise<void> {
  const error: unknown = await verifying.then(
    () => 'accepted',
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(InvalidDpopProof);
  const { message, detail } = error as InvalidDpopProof;
  // One message for all, so that it tells an attacker nothing; and no token in what the operator reads either.
  expect(message).toBe(MESSAGE);
  for (const text of shown.filter((part) => part !== '')) expect(`${message} ${detail}`).not.toContain(text);
}

describe('a good proof', () => {
  test('yields the thumbprint of its key and its id', async () => {
    const made = await verifier().verify(request([await proof({ jti: 'one' })]));
    expect(made).toEqual({ jkt: await calculateJwkThumbprint(key.publicJwk), jti: 'one' });
  });

  test.each(DPOP_ALGORITHMS)('may be signed with %s', async (alg) => {
    const its = await testKey(alg);
    const jws = await signed({ typ: 'dpop+jwt', jwk: its.publicJwk }, claims(), its);
    const { jkt } = await verifier().verify(request([jws]));
    expect(jkt).toBe(await calculateJwkThumbprint(its.publicJwk));
  });

  test('carries no `ath` at the token endpoint, and may carry one', async () => {
    const atTokenEndpoint = verifier();
    for (const value of [undefined, ath(TOKEN)]) {
      const { method, url, proofs } = request([await proof({ ath: value })]);
      expect(await atTokenEndpoint.verify({ method, url, proofs })).toMatchObject({ jti: expect.any(String) });
    }
  });

  // RFC 9449, section 4.3 (9): query and fragment are ignored; RFC 3986, section 6.2: equal URIs are equal.
  test.each([
    ['the request has a query', URL_, `${URL_}?page=2`],
    ['the proof has a query', `${URL_}?page=2`, URL_],
    ['the proof has a fragment', `${URL_}#part`, URL_],
    ['scheme and host are in upper case', 'HTTPS://REMIT.Example.Test/mcp/files', URL_],
    ['the default port is written out', 'https://remit.example.test:443/mcp/files', URL_],
  ])('matches the URL when %s', async (_name, htu, url) => {
    expect(await verifier().verify(request([await proof({ htu })], { url }))).toBeDefined();
  });

  test.each([-SKEW, SKEW])('may be %i seconds off', async (off) => {
    expect(await verifier().verify(request([await proof({ iat: SECONDS + off })]))).toBeDefined();
  });
});

describe('a proof is refused (RFC 9449, section 4.3)', () => {
  type Case = [name: string, proofs: () => Promise<string[]> | string[], overrides?: Partial<DpopRequest>];
  const one =
    (claimed: object, headed: object = {}) =>
    async () => [await proof(claimed, headed)];
  const cases: Case[] = [
    ['(1) when there is none', () => []],
    ['(1) when there are two', async () => [await proof(), await proof()]],
    ['(2) when it is empty', () => ['']],
    ['(2) when it is no JWS', () => ['not-a-jws']],
    ['(2) when the payload is no object', async () => [withClaims(await proof(), ['a'])]],
    ['(2) when it is too long', one({ filler: 'x'.repeat(4096) })],
    ['(3) without `jti`', one({ jti: undefined })],
    ['(3) with an empty `jti`', one({ jti: '' })],
    ['(3) with an overlong `jti`', one({ jti: 'j'.repeat(257) })],
    ['(3) with a number as `jti`', one({ jti: 7 })],
    ['(3) without `htm`', one({ htm: undefined })],
    ['(3) without `htu`', one({ htu: undefined })],
    ['(3) without `iat`', one({ iat: undefined })],
    ['(3) with text as `iat`', one({ iat: String(SECONDS) })],
    ['(4) without `typ`', one({}, { typ: undefined })],
    ['(4) with `typ` JWT', one({}, { typ: 'JWT' })],
    ['(4) with `typ` at+jwt', one({}, { typ: 'at+jwt' })],
    ['(5) with `alg` none', () => [unsigned(header({ alg: 'none' }), claims())]],
    [
      '(5) with HS256 and a symmetric key of its own',
      () => {
        const secret = Buffer.alloc(32, 1);
        return [hmacSigned(header({ jwk: { kty: 'oct', k: secret.toString('base64url') } }), claims(), secret)];
      },
    ],
    ['(5) with HS256 over the public key', () => [hmacSigned(header(), claims(), JSON.stringify(key.publicJwk))]],
    [
      '(5) with an algorithm that is not advertised',
      async () => {
        const its = await testKey('ES512');
        return [await signed(header({ jwk: its.publicJwk }), claims(), its)];
      },
    ],
    ['(6) without a key', one({}, { jwk: undefined })],
    [
      '(6) with the key of another',
      one(
        {},
        {
          get jwk() {
            return other.publicJwk;
          },
        },
      ),
    ],
    ['(6) with a bad signature', async () => [withBadSignature(await proof())]],
    ['(6) with changed claims', async () => [withClaims(await proof(), claims({ htm: 'POST' }))]],
    ['(6) with an unknown critical header', one({}, { crit: ['x'], x: 1 })],
    ],
    [
      '(7) with the private key',
      one(
        {},
        {
          get jwk() {
            return key.privateJwk;
          },
        },
      ),
    ],
    ['(8) for another method', one({ htm: 'GET' })],
    ['(8) for the method in lower case', one({ htm: 'post' })],
    ['(9) for another path', one({ htu: 'https://remit.example.test/mcp/memory' })],
    ['(9) for a path below', one({ htu: `${URL_}/x` })],
    ['(9) for the path in another case', one({ htu: 'https://remit.example.test/MCP/files' })],
    ['(9) for another host', one({ htu: 'https://remit.example.com/mcp/files' })],
    ['(9) for another port', one({ htu: 'https://remit.example.test:8443/mcp/files' })],
    ['(9) for another scheme', one({ htu: 'http://remit.example.test/mcp/files' })],
    ['(9) for no absolute URL', one({ htu: '/mcp/files' })],
    ['(9) for a list of URLs', one({ htu: [URL_] })],
    ['(11) a minute old', one({ iat: SECONDS - 60 })],
    ['(11) a minute in the future', one({ iat: SECONDS + 60 })],
    ['(11) in milliseconds', one({ iat: NOW })],
    ['(12) with the hash of another token', one({ ath: ath('another') })],
    ['(12) without `ath`', one({ ath: undefined })],
    ['(12) with the token itself as `ath`', one({ ath: TOKEN })],
  ];
  test.each(cases)('%s', async (_name, make, overrides) => {
    const proofs = await make();
    await expectRefused(verifier().verify(request(proofs, overrides)), [...proofs, TOKEN]);
  });

  test('when it was made before the process started, which has forgotten what it saw then', async () => {
    const bootedAt = NOW - 5_000;
    await expectRefused(verifier({ bootedAt }).verify(request([await proof({ iat: SECONDS - 6 })])), [TOKEN]);
    expect(await verifier({ bootedAt }).verify(request([await proof({ iat: SECONDS - 5 })]))).toBeDefined();
  });

  test('when it was used', async () => {
    const used = await proof();
    const its = verifier();
    await its.verify(request([used]));
    await expectRefused(its.verify(request([used])), [used]);
  });

  test('when its `jti` was used by the same key, in another proof', async () => {
    const its = verifier();
    await its.verify(request([await proof({ jti: 'same' })]));
    await expectRefused(its.verify(request([await proof({ jti: 'same', iat: SECONDS + 1 })])), []);
    const jws = await signed({ typ: 'dpop+jwt', jwk: other.publicJwk }, claims({ jti: 'same' }), other);
    expect(await its.verify(request([jws]))).toBeDefined();
  });

  test('when it was used by the same key at the same moment', async () => {
    const used = await proof();
    const its = verifier();
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => its.verify(request([used]))));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('the memory of used proofs', () => {
  test('refuses new proofs when it is full, and forgets none that could be used again', async () => {
    let now = NOW;
    const its = verifier({ clock: () => now, maxRemembered: 2 });
    const first = await proof();
    await its.verify(request([first]));
    await its.verify(request([await proof()]));
    await expectRefused(its.verify(request([await proof()])), []);
    await expectRefused(its.verify(request([first])), []);
    now += (SKEW + 1) * 1000;
    expect(await its.verify(request([await proof({ iat: now / 1000 })]))).toBeDefined();
  });

  test('holds a proof from the future for as long as it is in the window', async () => {
    let now = NOW;
    const its = verifier({ clock: () => now });
    const early = await proof({ iat: SECONDS + SKEW });
    await its.verify(request([early]));
    for (now of [NOW + SKEW * 1000, NOW + 2 * SKEW * 1000]) {
      await its.verify(request([await proof({ iat: now / 1000 })]));
      await expectRefused(its.verify(request([early])), []);
    }
  });

  test('does not remember what it refused', async () => {
    const its = verifier({ maxRemembered: 1 });
    await expectRefused(its.verify(request([await proof({ htm: 'GET' })])), []);
    expect(await its.verify(request([await proof()]))).toBeDefined();
  });
});
