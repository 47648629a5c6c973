/** The encrypted store from the command line, through the API, on the record. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ISSUER,
  openControlPlane,
  personSession,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { createSecretReader } from '../credential/kept-secrets.ts';
import { createKeySeal } from '../keys/key-seal.ts';
import { openSealingKeys } from '../keys/sealing-keys.ts';
import { UsageError, type Io } from './io.ts';
import { secret } from './secret.ts';

const CANARY = 'canary-of-the-crm';
let folder: string;
let plane: ControlPlane;
let carol: Session;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-secret-'));
  plane = await openControlPlane({ folder });
  carol = await personSession(plane, 'carol');
  writeFileSync(join(folder, 'one'), `${CANARY}-1\n`);
  writeFileSync(join(folder, 'two'), `${CANARY}-2`);
});
afterEach(async () => {
  await plane.close();
  rmSync(folder, { recursive: true });
});

async function run(args: string[], { person = carol, json = false, exit = 0 } = {}): Promise<string[]> {
  const out: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void out.push(`err: ${line}`),
    json,
    env: {},
    remitUrl: ISSUER,
    dataDir: '/none',
    person: async () => ({
      fetch: (url, init = {}) =>
        person.call(init.method ?? 'GET', String(url).slice(ISSUER.length), init.body ?? undefined),
    }),
  };
  expect(await secret(args, io)).toBe(exit);
  return out;
}

const file = (name: string) => ['--file', join(folder, name)];
const read = async () => {
  const keys = await openSealingKeys(join(folder, 'sealing.jwk'), await createKeySeal(null));
  return createSecretReader({ store: plane.store, keys }).open('crm');
};
const last = () => plane.records().at(-1);

test('a secret is set, listed, rotated and removed; its value comes out nowhere', async () => {
  expect(await run([])).toEqual(['no secrets']);
  const [set] = await run(['set', 'crm', ...file('one')]);
  expect(set).toMatch(/^crm {2}version 1 since 20\S+Z, used by no target$/);
  expect(await read()).toEqual({ value: `${CANARY}-1`, version: '1' });
  expect(await run(['list'])).toEqual([set]);
  expect((await run(['rotate', 'crm', ...file('two')]))[0]).toContain('version 2');
  expect(await read()).toEqual({ value: `${CANARY}-2`, version: '2' });
  const [shown] = await run(['list'], { json: true });
  expect(JSON.parse(shown!)).toEqual({ name: 'crm', version: 2, set_at: expect.any(String), targets: [] });
  await run(['remove', 'crm']);
  expect([await run([]), await read()]).toEqual([['no secrets'], null]);
  expect((await run(['set', 'crm', ...file('one')]))[0]).toContain('version 3');
});

test('INVARIANT 14: no value is in the database, a record or an error; who changed what is', async () => {
  await run(['set', 'crm', ...file('one')]);
  await run(['rotate', 'crm', ...file('two')]);
  expect(last()).toMatchObject({
    kind: 'decision',
    action: { operation: 'secret.rotate', resources: ['secret:crm'], arguments: { name: 'crm', version: 2 } },
    delegator: { subject: 'carol' },
    decision: { outcome: 'permit' },
  });
  const written = readdirSync(folder)
    .filter((name) => name.startsWith('remit.db') || name === 'sealing.jwk')
    .map((name) => readFileSync(join(folder, name), 'latin1'));
  expect(written.length).toBeGreaterThan(1);
  expect(written.join()).not.toContain(CANARY);
  expect(JSON.stringify(plane.records())).not.toContain(CANARY);
});

test.each<[string, string[], string]>([
  [
    'one that is there is not set again',
    ['set', 'crm', '--file', 'one'],
    '`remit secret rotate` gives it another value',
  ],
  ['one that is not there is not rotated', ['rotate', 'erp', '--file', 'one'], '`remit secret set` makes it'],
  ['one that is not there is not removed', ['remove', 'erp'], 'there is no secret `erp`'],
  ['a name with a slash', ['set', '../etc', '--file', 'one'], 'expected a name of a-z'],
  ['a short value', ['set', 'short', '--file', 'short'], 'expected at least 6 characters'],
  ['no file', ['set', 'erp', '--file', 'none'], 'cannot be read'],
  ['a binary file', ['set', 'erp', '--file', 'binary'], 'is not UTF-8'],
])('%s', async (_name, args, message) => {
  await run(['set', 'crm', ...file('one')]);
  writeFileSync(join(folder, 'short'), 'abcde\n');
  writeFileSync(join(folder, 'binary'), Uint8Array.of(0xff, 0xfe, 0, 1, 2, 3, 4));
  const at = args.indexOf('--file');
  const given = at === -1 ? args : [...args.slice(0, at), ...file(args[at + 1]!)];
  await expect(run(given)).rejects.toThrow(message);
  expect(await read()).toEqual({ value: `${CANARY}-1`, version: '1' });
});

test.each([[['set']], [['set', 'a', 'the-value']], [['rotate']], [['remove']], [['list', 'a']], [['show', 'a']]])(
  'a value or name too many is a usage error: %j',
  async (args) => {
    await expect(run(args)).rejects.toThrow(UsageError);
  },
);

test('who may not is told so, on the record, and learns nothing of what is there', async () => {
  await run(['set', 'crm', ...file('one')]);
  const alice = await personSession(plane, 'alice');
  for (const args of [
    ['set', 'crm', ...file('one')],
    ['rotate', 'erp', ...file('two')],
    ['remove', 'crm'],
    ['reseal'],
    [],
  ]) {
    await expect(run(args, { person: alice })).rejects.toMatchObject({ code: 'forbidden' });
    expect(last()).toMatchObject({ decision: { outcome: 'deny' } });
  }
  expect(await read()).toEqual({ value: `${CANARY}-1`, version: '1' });
});

test('of twenty rotations at once each is whole, and one version follows the other', async () => {
  await run(['set', 'crm', ...file('one')]);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => run(['rotate', 'crm', ...file('two')])));
  const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
  expect(done).toBeGreaterThan(0);
  expect(await read()).toEqual({ value: `${CANARY}-2`, version: String(1 + done) });
});

describe('resealing', () => {
  test('everything is encrypted with a new key, and the one before is forgotten', async () => {
    await run(['set', 'crm', ...file('one')]);
    const before = plane.store.sealedValue('secret', 'crm')!.sealed;
    expect(await run(['reseal'])).toEqual(['1 values encrypted with a new key']);
    expect(plane.store.sealedValue('secret', 'crm')!.sealed).not.toBe(before);
    expect(await read()).toEqual({ value: `${CANARY}-1`, version: '1' });
    const keys = JSON.parse(readFileSync(join(folder, 'sealing.jwk'), 'utf8')) as { keys: unknown[] };
    expect(keys.keys).toHaveLength(1);
  });

  test('what does not open is named, and no key is forgotten while there is such', async () => {
    await run(['set', 'crm', ...file('one')]);
    const lost = {
      kind: 'consent' as const,
      name: 'x',
      version: 1,
      sealed: 'e30..a.b.c',
      task: null,
      expiresAt: null,
      at: 0,
    };
    await plane.store.putSealed(lost, []);
    expect(await run(['reseal'], { exit: 1 })).toEqual([
      '1 values encrypted with a new key',
      'consent:x  does not open: restore the key that it was sealed with, or set it again; then reseal once more',
    ]);
    expect((JSON.parse(readFileSync(join(folder, 'sealing.jwk'), 'utf8')) as { keys: unknown[] }).keys).toHaveLength(2);
    expect(await read()).toEqual({ value: `${CANARY}-1`, version: '1' });
  });

  test('a secret is used and rotated while everything is resealed', async () => {
    await run(['set', 'crm', ...file('one')]);
    const work = [run(['reseal']), run(['rotate', 'crm', ...file('two')]), run(['reseal']), read(), read()];
    for (const outcome of await Promise.allSettled(work)) expect(outcome.status).toBe('fulfilled');
    expect(await read()).toEqual({ value: `${CANARY}-2`, version: '2' });
  });
});
