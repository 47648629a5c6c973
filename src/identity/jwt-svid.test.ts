import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { createSvidVerifier, type SvidVerifier } from './jwt-svid.ts';
import { createTrustBundles, parseTrustBundle } from './trust-bundle.ts';

const ID = 'spiffe://remit.local/agent/a';
const AUDIENCE = 'https://remit.example.test';
const SECONDS = NOW / 1000;

type Pair = { privateKey: CryptoKey; jwk: JWK };
let ours: Pair;
let theirs: Pair;
let verifier: SvidVerifier;

beforeAll(async () => {
  ours = await pair();
  theirs = await pair();
  verifier = createSvidVerifier({
    withGroups: (agent) => agent,
    bundles: createTrustBundles([
      {
        trustDomain: 'remit.local',
        bundle: {
          keys: [
            { ...ours.jwk, kid: 'k1', use: 'jwt-svid' },
            { ...ours.jwk, kid: 'x1', use: 'x509-svid' },
            { kty: 'oct', k: 'AAAA', kid: 'sym', use: 'jwt-svid' },
          ],
        },
      },
      { trustDomain: 'partner.test', bundle: () => ({ keys: [{ ...theirs.jwk, kid: 'k1', use: 'jwt-svid' }] }) },
    ]),
    clock: () => NOW,
    skewSeconds: 30,
  });
});

type Changes = { claims?: Record<string, unknown>; header?: Record<string, unknown>; key?: CryptoKey };
function svid({ claims = {}, header = {}, key = ours.privateKey }: Changes = {}): Promise<string> {
  return new SignJWT({ sub: ID, aud: [AUDIENCE], exp: SECONDS + 300, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'JWT', ...header })
    .sign(key);
}

test('a JWT-SVID for us names its agent', async () => {
  const { agent, expiresAt } = await verifier.verifyJwtSvid(await svid(), [AUDIENCE]);
  expect(agent).toEqual({ id: ID, trustDomain: 'remit.local', attestation: 'jwt-svid' });
  expect(expiresAt).toBe(NOW + 300_000);
});

test('`typ` may be JOSE or missing, and a federated trust domain has its own keys', async () => {
  await verifier.verifyJwtSvid(await svid({ header: { typ: 'JOSE' } }), [AUDIENCE]);
  await verifier.verifyJwtSvid(await svid({ header: { typ: undefined } }), [AUDIENCE]);
  const federated = await svid({ claims: { sub: 'spiffe://partner.test/x' }, key: theirs.privateKey });
  expect((await verifier.verifyJwtSvid(federated, [AUDIENCE])).agent.trustDomain).toBe('partner.test');
});

describe('refused is', () => {
  const subs: [string, string][] = [
    ['SPIFFE-ID 2: another scheme', 'https://remit.local/agent/a'],
    ['SPIFFE-ID 2: a trust domain without a path', 'spiffe://remit.local'],
    ['SPIFFE-ID 2.1: an upper-case trust domain', 'spiffe://Remit.local/agent/a'],
    ['SPIFFE-ID 2.1: a port', 'spiffe://remit.local:8080/agent/a'],
    ['SPIFFE-ID 2.1: user information', 'spiffe://u@remit.local/agent/a'],
    ['SPIFFE-ID 2.2: a trailing slash', 'spiffe://remit.local/agent/a/'],
    ['SPIFFE-ID 2.2: an empty segment', 'spiffe://remit.local//a'],
    ['SPIFFE-ID 2.2: a dot segment', 'spiffe://remit.local/./a'],
    ['SPIFFE-ID 2.2: a dot-dot segment', 'spiffe://remit.local/b/../a'],
    ['SPIFFE-ID 2.2: percent encoding', 'spiffe://remit.local/%61'],
    ['SPIFFE-ID 2: a query', 'spiffe://remit.local/a?b'],
    ['SPIFFE-ID 2: a fragment', 'spiffe://remit.local/a#b'],
    ['SPIFFE-ID 2.3: more than 2048 bytes', `spiffe://remit.local/${'a'.repeat(2048)}`],
    ['JWT-SVID 3.1: an unknown trust domain', 'spiffe://unknown.test/a'],
    ['no subject', ''],
  ];
  const cases: [string, () => Promise<string>][] = [
    ...subs.map(([name, sub]): [string, () => Promise<string>] => [name, () => svid({ claims: { sub } })]),
    [
      'JWT-SVID 2.1: alg none',
      async () => `${encode({ alg: 'none', kid: 'k1' })}.${encode({ sub: ID, aud: AUDIENCE, exp: SECONDS + 9 })}.`,
    ],
    ['JWT-SVID 2.1: a symmetric key of the bundle', async () => svid({ header: { kid: 'sym' } })],
    ['JWT-SVID 2.3: another `typ`', () => svid({ header: { typ: 'at+jwt' } })],
    ['JWT-SVID 3.2: no audience', () => svid({ claims: { aud: undefined } })],
    ['JWT-SVID 3.2: another audience', () => svid({ claims: { aud: ['https://other.example.test'] } })],
    ['JWT-SVID 3.3: no expiry', () => svid({ claims: { exp: undefined } })],
    ['JWT-SVID 3.3: expired', () => svid({ claims: { exp: SECONDS - 31 } })],
    ['JWT-SVID 4.1: no `kid`', () => svid({ header: { kid: undefined } })],
    ['JWT-SVID 4.1: an unknown `kid`', () => svid({ header: { kid: 'k9' } })],
    ['Bundle 4.2: a key for X.509 only', () => svid({ header: { kid: 'x1' } })],
    ['JWT-SVID 5: the key of another trust domain', () => svid({ claims: { sub: 'spiffe://partner.test/x' } })],
    ['JWT-SVID 5: another signature', () => svid({ key: theirs.privateKey })],
    ['a token without end', async () => `${await svid()}${'A'.repeat(9000)}`],
    ['what is no token', async () => 'nonsense'],
    ['nothing', async () => ''],
  ];
  test.each(cases)('%s', async (_name, make) => {
    const token = await make();
    const refused = await verifier.verifyJwtSvid(token, [AUDIENCE]).then(
      () => null,
      (error: Error) => error,
    );
    expect(refused).toMatchObject({ code: 'invalid_token', message: 'the SVID is not valid here' });
  });
});

test('a bundle that is none, or holds private keys, is refused', () => {
  for (const text of [
    'nonsense',
    '{}',
    '{"keys":{}}',
    '{"keys":[1]}',
    JSON.stringify({ keys: [{ kty: 'EC', d: 'x' }] }),
  ]) {
    expect(() => parseTrustBundle(text, 'test')).toThrow('bundle');
  }
});

async function pair(): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, jwk: await exportJWK(publicKey) };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
