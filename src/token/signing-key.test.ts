import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogRecord } from '../core/record.ts';
import { createKeySeal, type KeySeal } from '../keys/key-seal.ts';
import { loadOrCreateTokenKey, type KeyChange } from './signing-key.ts';

const MINUTE = 60_000;
const PERIODS = { rotateEvery: 100 * MINUTE, publishAhead: 10 * MINUTE, retire: 50 * MINUTE };
const EXPECTED = { typ: 'test+jwt', issuer: 'i', audience: 'a', skewSeconds: 0 };

let now: number;
let changes: KeyChange[];
let record: (given: KeyChange[], permit?: LogRecord) => Promise<void>;
let seal: KeySeal;
const open = () =>
  loadOrCreateTokenKey(file, {
    clock: () => now,
    periods: PERIODS,
    seal,
    record: (given, permit) => record(given, permit),
  });
const claims = () => ({ iss: 'i', aud: 'a', sub: 's', jti: 'j', iat: now / 1000, exp: now / 1000 + 50 * 60 });

let folder: string;
let file: string;
beforeEach(async () => {
  seal = await createKeySeal(null);
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

const permit = { id: 'rec_permit' } as LogRecord;
const states = (keys: { status(): { state: string }[] }) => keys.status().map(({ state }) => state);

describe('rotation by hand', () => {
  test('publishes a key, which signs when the verifiers have had time to see it', async () => {
    const keys = await open();
    const recorded: unknown[] = [];
    record = async (given, with_) => void recorded.push(with_, ...given);
    await keys.rotate({ now: false, leaked: false, permit });
    const [first, second] = keys.status();
    expect([first?.state, second?.state]).toEqual(['current', 'next']);
    expect(second).toMatchObject({ since: now, until: now + 10 * MINUTE });
    expect(first?.until).toBe(now + 10 * MINUTE);
    expect(recorded).toEqual([permit, { kid: second!.kid, state: 'next' }]);
    await expect(keys.rotate({ now: false, leaked: false, permit })).rejects.toMatchObject({ code: 'conflict' });
    await pass(keys, 11);
    expect(states(keys)).toEqual(['retiring', 'current']);
  });

  test('with `now` the new key signs at once, and so does one that was published before', async () => {
    const keys = await open();
    await keys.rotate({ now: true, leaked: false, permit });
    expect(states(keys)).toEqual(['retiring', 'current']);
    await keys.rotate({ now: false, leaked: false, permit });
    const { kid } = keys.status()[2]!;
    await keys.rotate({ now: true, leaked: false, permit });
    expect(states(keys)).toEqual(['retiring', 'retiring', 'current']);
    expect(decodeProtectedHeader(await keys.sign('test+jwt', claims())).kid).toBe(kid);
    expect((await open()).status()).toEqual(keys.status());
  });

  test('of two at once, one is told that the other is under way', async () => {
    const keys = await open();
    const outcomes = await Promise.allSettled([1, 2].map(() => keys.rotate({ now: true, leaked: false, permit })));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(states(keys)).toEqual(['retiring', 'current']);
  });

  test('beside the schedule neither change is lost', async () => {
    const keys = await open();
    await pass(keys, 91);
    now += 10 * MINUTE;
    await Promise.all([keys.tend(), keys.rotate({ now: true, leaked: false, permit })]);
    expect(states(keys)).toEqual(['retiring', 'retiring', 'current']);
    expect((await open()).status()).toEqual(keys.status());
  });

  test('a token lives on under the key that signed it, and not longer than that is kept', async () => {
    const keys = await open();
    const token = await keys.sign('test+jwt', claims());
    await keys.rotate({ now: true, leaked: false, permit });
    await pass(keys, 49);
    await keys.verify(token, { ...EXPECTED, now });
    await pass(keys, 2);
    expect(keys.status().filter(({ state }) => state === 'retiring')).toEqual([]);
  });

  test('after a leak one new key is left, and no token of another is good, remembered or not', async () => {
    const keys = await open();
    await keys.rotate({ now: false, leaked: false, permit });
    const token = await keys.sign('test+jwt', claims());
    const before = keys.status().map(({ kid }) => kid);
    expect(keys.removals).toBe(0);
    changes = [];
    await keys.rotate({ now: false, leaked: true, permit });
    const [key, ...others] = keys.status();
    expect([key?.state, others]).toEqual(['current', []]);
    expect(before).not.toContain(key?.kid);
    expect(changes).toEqual([{ kid: key!.kid, state: 'current' }, ...before.map((kid) => ({ kid, state: 'removed' }))]);
    expect(keys.removals).toBe(1);
    await expect(keys.verify(token, { ...EXPECTED, now })).rejects.toThrow();
    expect((await open()).status()).toEqual(keys.status());
  });

  test('what was recorded and could not be kept is taken back on the record', async () => {
    const keys = await open();
    const [old] = keys.status();
    record = async (given) => {
      changes.push(...given);
      // A folder in its place cannot be replaced by a file.
      rmSync(file, { force: true });
      mkdirSync(join(file, 'x'), { recursive: true });
    };
    await expect(keys.rotate({ now: true, leaked: false, permit })).rejects.toMatchObject({ code: 'unavailable' });
    const made = changes.find(({ state }) => state === 'current')!;
    expect(changes).toEqual([
      { kid: old!.kid, state: 'retiring' },
      { kid: made.kid, state: 'current' },
      { kid: old!.kid, state: 'current' },
      { kid: made.kid, state: 'removed' },
    ]);
    expect(keys.status()).toEqual([old]);
  });

  test('there is an end to the keys that are published', async () => {
    const keys = await open();
    for (let n = 1; n < 20; n += 1) await keys.rotate({ now: true, leaked: false, permit });
    await expect(keys.rotate({ now: true, leaked: false, permit })).rejects.toThrow('there are 20 keys');
    await pass(keys, 51);
    await keys.rotate({ now: true, leaked: false, permit });
  });

  test('on a full disk the keys stay, nothing is recorded, and nothing is left beside the file', async () => {
    const keys = await open();
    const before = keys.status();
    const content = readFileSync(file, 'utf8');
    const recorded: unknown[] = [];
    record = async (given) => void recorded.push(...given);
    // What is written aside cannot be made, as on a full disk; root can write in any folder, so it is another one.
    renameSync(join(folder, 'keys'), join(folder, 'kept'));
    writeFileSync(join(folder, 'keys'), 'in the way');
    await expect(keys.rotate({ now: true, leaked: false, permit })).rejects.toMatchObject({ code: 'unavailable' });
    rmSync(join(folder, 'keys'));
    renameSync(join(folder, 'kept'), join(folder, 'keys'));
    expect([keys.status(), readFileSync(file, 'utf8'), recorded]).toEqual([before, content, []]);
    record = () => Promise.reject(new Error('disk full'));
    await expect(keys.rotate({ now: true, leaked: false, permit })).rejects.toThrow('disk full');
    expect([keys.status(), readFileSync(file, 'utf8')]).toEqual([before, content]);
    expect(readdirSync(join(folder, 'keys'))).toEqual(['token.jwk']);
    record = async () => {};
    await keys.rotate({ now: true, leaked: false, permit });
  });

  test('after a crash between the record and the file, the keys are those before', async () => {
    const keys = await open();
    const before = keys.status();
    let crashed: string[] = [];
    record = async () => {
      // What a process that dies here leaves behind.
      crashed = readdirSync(join(folder, 'keys'));
      cpSync(join(folder, 'keys'), join(folder, 'crashed'), { recursive: true });
    };
    await keys.rotate({ now: true, leaked: false, permit });
    expect(crashed).toHaveLength(2);
    file = join(folder, 'crashed', 'token.jwk');
    expect((await open()).status().map(({ kid }) => kid)).toEqual(before.map(({ kid }) => kid));
    expect(readdirSync(join(folder, 'crashed'))).toEqual(['token.jwk']);
  });
});

describe('encryption at rest', () => {
  const sealWith = (current: number, previous: number | null = null) =>
    createKeySeal({
      current: new Uint8Array(32).fill(current),
      previous: previous === null ? null : new Uint8Array(32).fill(previous),
    });
  const onDisk = () => readFileSync(file, 'utf8');

  test('a new key is never plain on disk, nor is one that it is rotated to', async () => {
    seal = await sealWith(1);
    const keys = await open();
    expect(onDisk()).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
    await keys.rotate({ now: true, leaked: false, permit });
    expect(onDisk()).not.toContain('"d"');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await open()).status()).toEqual(keys.status());
    expect(keys.encrypted).toBe(true);
  });

  test('plain keys are encrypted at the next start, on the record, with their states and ages', async () => {
    const plain = await open();
    const young = plain.status();
    seal = await sealWith(1);
    expect((await open()).status()).toEqual(young);
    expect(changes).toEqual([{ kid: young[0]!.kid, state: 'encrypted' }]);
    expect(onDisk()).not.toContain('"d"');
    expect((await open()).status()).toEqual(young);
    expect(changes).toHaveLength(1);
  });

  test('what cannot be recorded is not encrypted yet, and nothing is lost', async () => {
    await open();
    const content = onDisk();
    seal = await sealWith(1);
    record = () => Promise.reject(new Error('disk full'));
    await expect(open()).rejects.toThrow('disk full');
    expect(onDisk()).toBe(content);
    expect(readdirSync(join(folder, 'keys'))).toEqual(['token.jwk']);
  });

  test('with a new key-encryption key the file is encrypted anew, and the old one is of no use then', async () => {
    seal = await sealWith(1);
    const status = (await open()).status();
    seal = await sealWith(2, 1);
    expect((await open()).status().map(({ kid }) => kid)).toEqual(status.map(({ kid }) => kid));
    seal = await sealWith(2);
    await open();
    seal = await sealWith(1);
    await expect(open()).rejects.toMatchObject({ code: 'invalid_config' });
  });

  test.each([
    ['without the key', () => createKeySeal(null), 'is encrypted: name the key'],
    ['with another key', () => sealWith(9), 'is encrypted with another key'],
  ])('%s it does not start, and the file stays', async (_name, other, message) => {
    seal = await sealWith(1);
    await open();
    const content = onDisk();
    seal = await other();
    await expect(open()).rejects.toThrow(message);
    expect(onDisk()).toBe(content);
  });

  test('a file that others can read is refused, encrypted or not', async () => {
    await open();
    chmodSync(file, 0o604);
    await expect(open()).rejects.toThrow('(mode 0604): run `chmod 600` on it');
  });
});
