import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Config } from '../config/config.ts';
import type { EventRecord, LogRecord } from '../core/record.ts';
import type { TokenKey } from '../token/signing-key.ts';
import { keepKeysRotating, openKeySeal, openLogKey, openTokenKey } from './keys.ts';

const DAY = 24 * 60 * 60_000;
const env = { OLD: randomBytes(32).toString('base64'), NEW: randomBytes(32).toString('base64') };
const event = (name: EventRecord['event'], subject: EventRecord['subject']): EventRecord => ({
  version: 1,
  id: 'rec_1',
  time: 0,
  kind: 'event',
  event: name,
  subject,
});

let dataDir: string;
let records: LogRecord[];
let now: number;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'remit-wired-'));
  records = [];
  now = Date.now() + 1000;
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dataDir, { recursive: true });
});

const configWith = (encryption: Config['keys']['encryption']) =>
  ({
    file: join(dataDir, 'remit.yaml'),
    dataDir,
    clockSkewSeconds: 30,
    keys: { rotateEveryMs: 30 * DAY, publishAheadMs: 60 * 60_000, encryption },
  }) as Config;
const store = { append: async (given: readonly LogRecord[]) => void records.push(...given) };

async function open(encryption: Config['keys']['encryption']) {
  const config = configWith(encryption);
  const seal = await openKeySeal(config, env);
  const log = await openLogKey(config, 'remit/test', { seal, store, event });
  const token = await openTokenKey(config, { seal, store, event, clock: () => now });
  return { log, token };
}
const onDisk = () => ['log.key', 'token.jwk'].map((name) => readFileSync(join(dataDir, 'keys', name), 'utf8'));

test('without `keys.encryption` the keys are plain, and with it both files are encrypted at the next start', async () => {
  const plain = await open(null);
  expect(onDisk()[0]).toContain('PRIVATE KEY');
  expect(records).toEqual([]);
  const sealed = await open({ current: { env: 'OLD' }, previous: null });
  expect([sealed.log.key, sealed.token.publicJwks()]).toEqual([plain.log.key, plain.token.publicJwks()]);
  for (const text of onDisk()) expect(text).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(records).toMatchObject([
    { event: 'key.changed', subject: { key: 'remit/test', state: 'encrypted' } },
    { event: 'key.changed', subject: { key: plain.token.status()[0]!.kid, state: 'encrypted' } },
  ]);
  await expect(open(null)).rejects.toMatchObject({ code: 'invalid_config' });
});

test('a change of the key-encryption key that a crash cut in half is finished by the next start', async () => {
  const before = await open({ current: { env: 'OLD' }, previous: null });
  const config = configWith({ current: { env: 'NEW' }, previous: { env: 'OLD' } });
  // Dies after the first of the two files.
  await openLogKey(config, 'remit/test', { seal: await openKeySeal(config, env), store, event });
  await expect(open({ current: { env: 'NEW' }, previous: null })).rejects.toThrow('name it under `previous`');
  await expect(open({ current: { env: 'OLD' }, previous: null })).rejects.toThrow('encrypted with another key');
  const after = await open(config.keys.encryption);
  expect(after.token.publicJwks()).toEqual(before.token.publicJwks());
  await open({ current: { env: 'NEW' }, previous: null });
});

test('what interrupted writes have left behind is gone after a start, and nothing else', async () => {
  mkdirSync(join(dataDir, 'keys'), { mode: 0o700 });
  const names = ['token.jwk.4d1c2b7e-0000-4000-8000-000000000000', 'log.key.0123456789ab.tmp', 'token.jwk.backup'];
  for (const name of names) writeFileSync(join(dataDir, 'keys', name), 'x');
  await open(null);
  expect(readdirSync(join(dataDir, 'keys')).sort()).toEqual(['log.key', 'token.jwk', 'token.jwk.backup']);
});

test('old keys retire after the longest token of any configuration and the skew of both sides', async () => {
  const { token } = await open(null);
  await token.rotate({ now: true, leaked: false, permit: event('key.changed', {}) });
  const retiring = token.status()[0]!;
  expect([retiring.state, retiring.until - retiring.since]).toEqual(['retiring', 2 * DAY + 61_000]);
  now = retiring.until - 1;
  await token.tend();
  expect(token.status()).toHaveLength(2);
  now = retiring.until;
  await token.tend();
  expect(token.status().map(({ state }) => state)).toEqual(['current']);
});

test('the keys are looked after at the start and each minute, and a failure is logged and tried again', async () => {
  vi.useFakeTimers();
  let tended = 0;
  const tend = async () => {
    tended += 1;
    if (tended === 2) throw new Error('disk full');
  };
  const errors: unknown[] = [];
  const timer = keepKeysRotating({ tend } as TokenKey, { error: (...given: unknown[]) => void errors.push(given) });
  expect(tended).toBe(1);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(tended).toBe(3);
  expect(errors).toEqual([[{ err: new Error('disk full') }, 'the signing keys are not rotated']]);
  clearInterval(timer);
});
