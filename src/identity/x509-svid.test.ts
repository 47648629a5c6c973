import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type Extension as AnyExtension,
} from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { NOW } from '../../test/fixtures/task.ts';
import { createTrustBundles } from './trust-bundle.ts';
import { createX509SvidVerifier } from './x509-svid.ts';

const ID = 'spiffe://remit.local/agent/a';
const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;

type Form = {
  uris?: string[];
  dns?: string[];
  ca?: boolean | null;
  pathLength?: number;
  usages?: (keyof typeof KeyUsageFlags)[] | null;
  critical?: boolean;
  purposes?: (keyof typeof ExtendedKeyUsage)[];
  from?: number;
  to?: number;
  extra?: string;
  constraints?: true;
  hash?: string;
  signedBy?: 'stranger';
};
type Case = {
  name: string;
  clause: string;
  leaf?: Form;
  intermediate?: Form;
  root?: Form;
  entry?: 'second' | 'doubled' | 'empty' | 'jwt-svid';
  chain?: string[];
};
const CASES = parse(readFileSync(new URL('x509-svid-cases.yaml', import.meta.url), 'utf8')) as Case[];

const LEAF: Form = { uris: [ID], ca: false, usages: ['digitalSignature'], purposes: ['clientAuth', 'serverAuth'] };
const AUTHORITY: Form = { uris: [], ca: true, usages: ['keyCertSign', 'cRLSign'] };

type Keys = Record<'leaf' | 'intermediate' | 'root' | 'stranger' | 'partner', webcrypto.CryptoKeyPair>;
let keys: Keys;
beforeAll(async () => {
  const names = ['leaf', 'intermediate', 'root', 'stranger', 'partner'] as const;
  const pairs = names.map(async (name) => [name, await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])]);
  keys = Object.fromEntries(await Promise.all(pairs)) as Keys;
});

type Name = keyof Keys;
async function certificate(subject: Name, issuer: Name, form: Form): Promise<Buffer> {
  const { publicKey } = keys[subject];
  const { privateKey } = keys[form.signedBy ?? issuer];
  const made = await X509CertificateGenerator.create({
    serialNumber: '01',
    subject: `CN=${subject}`,
    issuer: `CN=${issuer}`,
    notBefore: new Date(NOW + (form.from ?? -60) * 1000),
    notAfter: new Date(NOW + (form.to ?? 3600) * 1000),
    publicKey,
    signingKey: privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: form.hash ?? 'SHA-256' },
    extensions: extensions(form),
  });
  return Buffer.from(made.rawData);
}

function extensions(form: Form): AnyExtension[] {
  const { ca, usages, purposes, uris = [], dns = [], critical = true } = form;
  const names = [
    ...uris.map((value) => ({ type: 'url' as const, value })),
    ...dns.map((value) => ({ type: 'dns' as const, value })),
  ];
  const bits = usages?.reduce((sum, usage) => sum | KeyUsageFlags[usage], 0);
  return [
    ...(ca === null || ca === undefined ? [] : [new BasicConstraintsExtension(ca, form.pathLength, true)]),
    ...(bits === undefined ? [] : [new KeyUsagesExtension(bits, critical)]),
    ...(purposes === undefined
      ? []
      : [new ExtendedKeyUsageExtension(purposes.map((use) => ExtendedKeyUsage[use] ?? '2.5.29.37.0'))]),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
    ...(form.extra === undefined ? [] : [new Extension(form.extra, true, Buffer.from('0500', 'hex'))]),
    // permitted: URI `remit.local`
    ...(form.constraints === undefined
      ? []
      : [new Extension('2.5.29.30', true, Buffer.from('3011a00f300d860b72656d69742e6c6f63616c', 'hex'))]),
  ];
}

async function verify(bad: Omit<Case, 'name' | 'clause'>) {
  const made: Record<string, Buffer> = {
    leaf: await certificate('leaf', 'intermediate', { ...LEAF, ...bad.leaf }),
    intermediate: await certificate('intermediate', 'root', { ...AUTHORITY, ...bad.intermediate }),
    root: await certificate('root', 'root', { ...AUTHORITY, uris: ['spiffe://remit.local'], ...bad.root }),
    partner: await certificate('partner', 'partner', AUTHORITY),
    noise: Buffer.from('noise'),
  };
  made['tail'] = Buffer.concat([made['leaf']!, Buffer.from([0])]);
  made['turned'] = Buffer.from(made['leaf']!);
  made['turned'][made['turned'].length - 1]! ^= 1;
  const root = made['root']!.toString('base64');
  const partner = made['partner']!.toString('base64');
  const verifier = createX509SvidVerifier({
    bundles: createTrustBundles([
      {
        trustDomain: 'remit.local',
        bundle: {
          keys: [
            {
              kty: 'EC',
              use: bad.entry === 'jwt-svid' ? 'jwt-svid' : 'x509-svid',
              x5c: { second: [partner, root], doubled: [root, partner], empty: [], 'jwt-svid': [root] }[
                bad.entry ?? 'jwt-svid'
              ],
            },
          ],
        },
      },
      { trustDomain: 'partner.test', bundle: { keys: [{ kty: 'EC', use: 'x509-svid', x5c: [partner] }] } },
    ]),
    clock: () => NOW,
    skewSeconds: 30,
    withGroups: (agent) => agent,
  });
  return verifier.verifyX509Svid((bad.chain ?? ['leaf', 'intermediate']).map((name) => made[name]!));
}

test('a good chain names its agent, and ends when its first certificate does', async () => {
  expect(await verify({ intermediate: { to: 1800 } })).toEqual({
    agent: { id: ID, trustDomain: 'remit.local', attestation: 'x509-svid' },
    expiresAt: NOW + 1800_000,
  });
});

const good: [string, Omit<Case, 'name' | 'clause'>][] = [
  ['the root shown as well, in any order', { chain: ['leaf', 'root', 'intermediate'] }],
  ['a certificate that is of no use', { chain: ['leaf', 'partner', 'intermediate'] }],
  ['a root before another one in its entry', { entry: 'doubled' }],
  ['an authority for any purpose', { intermediate: { purposes: ['anyExtendedKeyUsage' as never] } }],
  ['no extended key usage', { leaf: { purposes: undefined } as unknown as Form }],
  ['DNS names beside the URI', { leaf: { dns: ['a.remit.local'] } }],
  ['no basic constraints of a leaf', { leaf: { ca: null } }],
  ['a path as long as the root allows', { root: { pathLength: 1 }, intermediate: { pathLength: 0 } }],
  ['an end within the skew', { leaf: { to: -29 } }],
  ['a beginning within the skew', { leaf: { from: 29 } }],
  ['an intermediate named by its trust domain', { intermediate: { uris: ['spiffe://remit.local'] } }],
];
test.each(good)('accepted is %s', async (_name, change) => {
  expect((await verify(change)).agent.id).toBe(ID);
});

const RSA = { publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
const kindsOfKey: [
  string,
  webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams | webcrypto.Algorithm,
  object,
  boolean,
][] = [
  ['RSA of 2048 bits', { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, ...RSA }, {}, true],
  ['RSA of 4096 bits', { name: 'RSASSA-PKCS1-v1_5', modulusLength: 4096, ...RSA }, {}, true],
  ['RSA-PSS', { name: 'RSA-PSS', modulusLength: 2048, ...RSA }, { saltLength: 32 }, true],
  ['P-384', { name: 'ECDSA', namedCurve: 'P-384' }, { hash: 'SHA-384' }, true],
  ['P-521', { name: 'ECDSA', namedCurve: 'P-521' }, { hash: 'SHA-512' }, true],
  ['Ed25519', { name: 'Ed25519' }, {}, true],
  ['RSA of 1024 bits', { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, ...RSA }, {}, false],
  [
    'RSA with SHA-1',
    { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, ...RSA, hash: 'SHA-1' },
    { hash: 'SHA-1' },
    false,
  ],
];
test.each(kindsOfKey)('an authority with a key of %s', async (_name, algorithm, signing, taken) => {
  const authority = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const make = async (subject: string, publicKey: webcrypto.CryptoKey, form: Form) => {
    const made = await X509CertificateGenerator.create({
      serialNumber: '01',
      subject: `CN=${subject}`,
      issuer: 'CN=root',
      notBefore: new Date(NOW - 60_000),
      notAfter: new Date(NOW + 60_000),
      publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: { name: algorithm.name, ...signing } as never,
      extensions: extensions(form),
    });
    return Buffer.from(made.rawData);
  };
  const root = await make('root', authority.publicKey, AUTHORITY);
  const leaf = await make('leaf', keys.leaf.publicKey, LEAF);
  const bundle = { keys: [{ kty: 'RSA', use: 'x509-svid', x5c: [root.toString('base64')] }] };
  const verifier = createX509SvidVerifier({
    bundles: createTrustBundles([{ trustDomain: 'remit.local', bundle }]),
    clock: () => NOW,
    skewSeconds: 0,
    withGroups: (agent) => agent,
  });
  if (taken) expect(verifier.verifyX509Svid([leaf]).agent.id).toBe(ID);
  else expect(() => verifier.verifyX509Svid([leaf])).toThrow('the SVID is not valid here');
});

describe('refused is', () => {
  test.each(CASES)('$clause: $name', async (bad) => {
    const refused = await verify(bad).then(
      () => null,
      (error: Error) => error,
    );
    expect(refused).toMatchObject({ code: 'invalid_token', message: 'the SVID is not valid here' });
  });

  test('nothing for a reason that hides another: each says why', async () => {
    const reasons = await Promise.all(CASES.map((bad) => verify(bad).catch((error: Error) => String(error.cause))));
    expect(new Set(reasons).size).toBeGreaterThan(12);
  });
});
