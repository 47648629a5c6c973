import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { signingKey, workloadToken, type SigningKey } from '../../test/fixtures/workload-issuer.ts';
import { fetchJsonOverHttp } from './fetch-json.ts';
import { KeySet, publicKeys } from './key-set.ts';

const MINUTE = 60_000;
const URI = 'https://ci.example.test/jwks';
let one: SigningKey;
let two: SigningKey;
let published: unknown;
let asked: string[];
let keys: KeySet;
let answers: boolean;

beforeAll(async () => {
  [one, two] = [await signingKey('one'), await signingKey('two')];
});
beforeEach(() => {
  published = { keys: [one.jwk] };
  asked = [];
  answers = true;
  keys = new KeySet({ uri: URI }, async (url) => {
    asked.push(url);
    if (!answers) throw new Error('no answer');
    return published;
  });
});

const verify = async (by: SigningKey, now = NOW) =>
  keys.verify(await workloadToken(by, now), { algorithms: ['ES256'] }, now).then(
    () => true,
    () => false,
  );

test('a flood of unknown keys asks once a minute, and stands in nobody’s way', async () => {
  expect(await verify(one)).toBe(true);
  const flood = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const token = await workloadToken(two, NOW, {}, { kid: `forged-${i}` });
      return keys.verify(token, { algorithms: ['ES256'] }, NOW + MINUTE).then(
        () => true,
        () => false,
      );
    }),
  );
  expect(flood).not.toContain(true);
  expect(asked).toHaveLength(2);
  expect(await verify(one, NOW + MINUTE)).toBe(true);
});

test('a new key is found, and one that is gone is refused within the quarter of an hour', async () => {
  await verify(one);
  published = { keys: [two.jwk] };
  expect(await verify(two, NOW + MINUTE)).toBe(true);
  expect(await verify(one, NOW + MINUTE)).toBe(false);
});

test('keys are renewed in the background, so that a revoked one does not live on', async () => {
  await verify(one);
  published = { keys: [two.jwk] };
  expect(await verify(one, NOW + 16 * MINUTE)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await verify(one, NOW + 16 * MINUTE)).toBe(false);
});

test('an issuer that is down for four hours is no longer believed, and is not asked at each token', async () => {
  await verify(one);
  answers = false;
  expect(await verify(one, NOW + 239 * MINUTE)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  asked = [];
  for (let i = 0; i < 5; i++) expect(await verify(one, NOW + 241 * MINUTE)).toBe(false);
  expect(asked).toHaveLength(1);
  answers = true;
  expect(await verify(one, NOW + 242 * MINUTE)).toBe(true);
});

test('a clock that was set back does not stop rotation', async () => {
  await verify(one);
  published = { keys: [two.jwk] };
  expect(await verify(two, NOW - 3600 * 1000)).toBe(true);
});

test('twenty who come at once share one request', async () => {
  await Promise.all(Array.from({ length: 20 }, () => verify(one)));
  expect(asked).toEqual([URI]);
});

test.each([
  null,
  [],
  {},
  { keys: 'x' },
  { keys: [1] },
  { keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) },
  'text',
])('keys of %j verify nothing', async (document) => {
  published = document;
  expect(await verify(one)).toBe(false);
});

test('symmetric and private keys are left out', () => {
  expect(publicKeys({ keys: [{ kty: 'oct', k: 'AA' }, { kty: 'EC', d: 'x' }, one.jwk] }).keys).toEqual([one.jwk]);
});

test('a file is read again as it rotates', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'remit-keys-'));
  const file = join(folder, 'jwks.json');
  writeFileSync(file, JSON.stringify({ keys: [one.jwk] }));
  keys = new KeySet({ file }, () => Promise.reject(new Error('nothing is fetched')));
  expect(await verify(one)).toBe(true);
  writeFileSync(file, JSON.stringify({ keys: [two.jwk] }));
  expect(await verify(two, NOW + MINUTE)).toBe(true);
  rmSync(folder, { recursive: true });
});

describe('discovery', () => {
  const issuer = 'https://ci.example.test/tenant';
  test.each([
    ['the same origin', { issuer, jwks_uri: 'https://ci.example.test/elsewhere' }, true],
    ['another host', { issuer, jwks_uri: 'https://169.254.169.254/latest' }, false],
    ['another port', { issuer, jwks_uri: 'https://ci.example.test:8443/keys' }, false],
    ['plain http', { issuer, jwks_uri: 'http://ci.example.test/keys' }, false],
    ['a file', { issuer, jwks_uri: 'file:///etc/passwd' }, false],
    ['no URL', { issuer, jwks_uri: '/keys' }, false],
    ['no keys', { issuer }, false],
    ['another issuer', { issuer: `${issuer}/`, jwks_uri: 'https://ci.example.test/keys' }, false],
  ])('keys at %s', async (_name, metadata, good) => {
    keys = new KeySet({ issuer }, async (url) => {
      asked.push(url);
      return url.endsWith('openid-configuration') ? metadata : published;
    });
    expect(await verify(one)).toBe(good);
    expect(asked[0]).toBe(`${issuer}/.well-known/openid-configuration`);
    expect(asked).toHaveLength(good ? 2 : 1);
  });
});

describe('over HTTP', () => {
  const cases: [name: string, answer: RequestListener][] = [
    ['a redirect', (_, response) => response.writeHead(302, { location: '/other' }).end()],
    ['an error', (_, response) => response.writeHead(500).end('{}')],
    ['what is no JSON', (_, response) => response.end('<html>')],
    ['an answer without end', (_, response) => response.end(JSON.stringify('x'.repeat(300_000)))],
    ['bytes that are no UTF-8', (_, response) => response.end(Buffer.from([0x22, 0xff, 0x22]))],
  ];
  test.each(cases)('%s is refused', async (_name, answer) => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url!);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(fetchJsonOverHttp(`http://127.0.0.1:${port}/keys`)).rejects.toThrow();
    expect(paths).toEqual(['/keys']);
    server.closeAllConnections();
    server.close();
  });
});
