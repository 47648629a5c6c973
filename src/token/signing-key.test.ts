import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrCreateTokenKey, type KeyChange } from './signing-key.ts';

const MINUTE = 60_000;
const PERIODS = { rotateEvery: 100 * MINUTE, publishAhead: 10 * MINUTE, retire: 50 * MINUTE };
const EXPECTED = { typ: 'test+jwt', issuer: 'i', audience: 'a', skewSeconds: 0 };

let now: number;
let changes: KeyChange[];
let record: (given: KeyChange[]) => Promise<void>;
const open = () => loadOrCreateTokenKey(file, { clock: () => now, periods: PERIODS, record: (given) => record(given) });
const claims = () => ({ iss: 'i', aud: 'a', sub: 's', jti: 'j', iat: now / 1000, exp: now / 1000 + 50 * 60 });

let folder: string;
let file: string;
beforeEach(() => {
  // Later than the file that a test makes: its age counts from then.
  now = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  changes = [];
  record = async (given) => void changes.push(...given);
  folder = mkdtempSync(join(tmpdir(), 'remit-key-'));
  file = join(folder, 'keys', 'token.jwk');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('is made once, for the user alone, and is the same after a restart', async () => {
  const first = await open();
  const again = await open();
  expect(again.publicJwks()).toEqual(first.publicJwks());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'keys'))).toEqual(['token.jwk']);
});

test('of two that start at once, one key wins', async () => {
  const keys = await Promise.all([open(), open()]);
  expect(keys[0]!.publicJwks()).toEqual(keys[1]!.publicJwks());
});

test('what is published is the public half', async () => {
  const publicJwk = (await open()).publicJwks()[0]!;
  expect(Object.keys(publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  expect(readFileSync(file, 'utf8')).toContain('"d"');
});

test('a file that was left half written by a crash does not stand in the way', async () => {
  await open();
  rmSync(file);
  // In a container the next process may have the same id.
  writeFileSync(`${file}.${process.pid}`, '{"kty"');
  expect((await open()).publicJwks()[0]!.kty).toBe('EC');
});

test.each(['', 'nonsense', '{}', '{"kty":"oct","k":"c2VjcmV0"}', '{"kty":"EC","crv":"P-256","x":"a","y":"b"}', 'null'])(
  'a file that holds %j is refused, and kept',
  async (content) => {
    await open();
    writeFileSync(file, content);
    await expect(open()).rejects.toMatchObject({ code: 'invalid_config' });
    expect(readFileSync(file, 'utf8')).toBe(content);
  },
);

test('a key that is damaged, and still looks like one, is refused', async () => {
  await open();
  const jwk = JSON.parse(readFileSync(file, 'utf8')) as { d: string };
  writeFileSync(file, JSON.stringify({ ...jwk, d: 'AAAA' }));
  await expect(open()).rejects.toMatchObject({ code: 'invalid_config' });
});

/** Lets time pass minute by minute, with the ring looked after. */
async function pass(keys: { tend(): Promise<void> }, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    now += MINUTE;
    await keys.tend();
  }
}

test('a new key is published before it signs, and the old one until its last token has expired', async () => {
  const keys = await open();
  const kids = () => keys.publicJwks().map(({ kid }) => kid);
  const signer = async () => decodeProtectedHeader(await keys.sign('test+jwt', claims())).kid;
  const [first] = kids();
  await pass(keys, 91);
  const [, second] = kids();
  expect(kids()).toEqual([first, second]);
  expect(await signer()).toBe(first);
  await pass(keys, 8);
  const last = await keys.sign('test+jwt', claims());
  await pass(keys, 2);
  expect(await signer()).toBe(second);
  expect(kids()).toEqual([first, second]);
  await pass(keys, 47);
  await keys.verify(last, { ...EXPECTED, now });
  await pass(keys, 4);
  expect(kids()).toEqual([second]);
  await expect(keys.verify(last, { ...EXPECTED, now })).rejects.toThrow();
  expect(changes).toEqual([
    { kid: second, state: 'next' },
    { kid: first, state: 'retiring' },
    { kid: second, state: 'current' },
    { kid: first, state: 'removed' },
  ]);
});

test('the ring is the same after a restart, in each of its states', async () => {
  let keys = await open();
  for (const minutes of [91, 11, 55]) {
    await pass(keys, minutes);
    const token = await keys.sign('test+jwt', claims());
    const again = await open();
    expect(again.publicJwks()).toEqual(keys.publicJwks());
    await again.verify(token, { ...EXPECTED, now });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'keys'))).toEqual(['token.jwk']);
    keys = again;
  }
});

test('a change that cannot be recorded or kept does not happen, and is tried again', async () => {
  const keys = await open();
  const before = keys.publicJwks();
  const content = readFileSync(file, 'utf8');
  now += 95 * MINUTE;
  record = () => Promise.reject(new Error('disk full'));
  await expect(keys.tend()).rejects.toThrow('disk full');
  expect(keys.publicJwks()).toEqual(before);
  expect(readFileSync(file, 'utf8')).toBe(content);
  record = async () => {
    rmSync(join(folder, 'keys'), { recursive: true });
  };
  await expect(keys.tend()).rejects.toThrow();
  expect(keys.publicJwks()).toEqual(before);
  mkdirSync(join(folder, 'keys'));
  record = async () => {};
  await keys.tend();
  expect(keys.publicJwks()).toHaveLength(2);
});

test('two at once publish one key', async () => {
  const keys = await open();
  now += 95 * MINUTE;
  await Promise.all([keys.tend(), keys.tend()]);
  expect(keys.publicJwks()).toHaveLength(2);
});

test('a token without the `kid` of a published key is refused', async () => {
  const keys = await open();
  const { privateKey } = await generateKeyPair('ES256');
  for (const kid of [undefined, 'other', keys.publicJwks()[0]!.kid!]) {
    const header = { alg: 'ES256', typ: 'test+jwt', ...(kid === undefined ? {} : { kid }) };
    const forged = await new SignJWT(claims()).setProtectedHeader(header).sign(privateKey);
    await expect(keys.verify(forged, { ...EXPECTED, now })).rejects.toThrow();
  }
});
