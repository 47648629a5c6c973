import { createHmac, createPublicKey, KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { NOW } from '../../test/fixtures/task.ts';
import { createSvidVerifier, type SvidVerifier } from './jwt-svid.ts';
import { createTrustBundles, parseTrustBundle } from './trust-bundle.ts';

const ID = 'spiffe://remit.local/agent/a';
const AUDIENCE = 'https://remit.example.test';
const SECONDS = NOW / 1000;
const PEM = { type: 'spki', format: 'pem' } as const;
const SECRET = Buffer.alloc(32, 7);

type Pair = { privateKey: CryptoKey; jwk: JWK };
let ours: Pair;
let theirs: Pair;
let stranger: Pair;
let verifier: SvidVerifier;

beforeAll(async () => {
  ours = await pair();
  theirs = await pair();
  stranger = await pair();
  verifier = createSvidVerifier({
    withGroups: (agent) => agent,
    bundles: createTrustBundles([
      {
        trustDomain: 'remit.local',
        bundle: {
          keys: [
            { ...ours.jwk, kid: 'k1', use: 'jwt-svid' },
            { ...ours.jwk, kid: 'x1', use: 'x509-svid' },
            { ...ours.jwk, kid: 'useless' },
            { ...ours.jwk, kid: 'wit', use: 'wit-svid' },
            { ...ours.jwk, kid: 'es384', use: 'jwt-svid', alg: 'ES384' },
            { kty: 'oct', k: SECRET.toString('base64url'), kid: 'sym', use: 'jwt-svid' },
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

type Case = {
  name: string;
  clause: string;
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: 'ours' | 'partner' | 'stranger' | 'none' | 'secret' | 'public';
  token?: string;
  before?: string;
  after?: string;
};
const CASES = parse(readFileSync(new URL('svid-cases.yaml', import.meta.url), 'utf8')) as Case[];

/** Signed by hand, since a library would refuse to make most of these. */
function makeCase({ claims = {}, header = {}, key = 'ours', token, before = '', after = '' }: Case): string {
  if (token !== undefined) return token;
  const times = Object.fromEntries(
    ['exp', 'nbf'].flatMap((name) => {
      const value = claims[name];
      return typeof value === 'number' ? [[name, SECONDS + value]] : [];
    }),
  );
  const payload = without({ sub: ID, aud: [AUDIENCE], exp: SECONDS + 300, ...claims, ...times });
  const jwk = header['jwk'] === 'stranger' ? { jwk: stranger.jwk } : {};
  const input = `${encode(without({ alg: 'ES256', kid: 'k1', typ: 'JWT', ...header, ...jwk }))}.${encode(payload)}`;
  return `${before}${input}.${signatureOf(input, key)}${after}`;
}

function signatureOf(input: string, by: NonNullable<Case['key']>): string {
  if (by === 'none') return '';
  if (by === 'secret' || by === 'public') {
    const secret = by === 'secret' ? SECRET : createPublicKey({ key: ours.jwk, format: 'jwk' }).export(PEM);
    return createHmac('sha256', secret).update(input).digest('base64url');
  }
  const key = KeyObject.from({ ours, partner: theirs, stranger }[by].privateKey);
  return sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

function without(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

describe('refused is', () => {
  test.each(CASES)('$clause: $name', async (bad) => {
    const refused = await verifier.verifyJwtSvid(makeCase(bad), [AUDIENCE]).then(
      () => null,
      (error: Error) => error,
    );
    expect(refused).toMatchObject({ code: 'invalid_token', message: 'the SVID is not valid here' });
  });

  test('a token without end', async () => {
    await expect(verifier.verifyJwtSvid(`${await svid()}${'A'.repeat(9000)}`, [AUDIENCE])).rejects.toMatchObject({
      code: 'invalid_token',
    });
  });

  test('a SPIFFE ID of more than 2048 bytes', async () => {
    const long = await svid({ claims: { sub: `spiffe://remit.local/${'a'.repeat(2048)}` } });
    await expect(verifier.verifyJwtSvid(long, [AUDIENCE])).rejects.toMatchObject({ code: 'invalid_token' });
  });

  test('nothing of the unchanged case, so that each is refused for its change alone', async () => {
    const good = makeCase({ name: '', clause: '' });
    expect((await verifier.verifyJwtSvid(good, [AUDIENCE])).agent.id).toBe(ID);
    expect(CASES.length).toBeGreaterThanOrEqual(70);
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
