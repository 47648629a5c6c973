import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createKeySeal } from './key-seal.ts';
import { openSealingKeys } from './sealing-keys.ts';

const root = mkdtempSync(join(tmpdir(), 'remit-sealing-'));
afterAll(() => rmSync(root, { recursive: true }));
const OLD = new Uint8Array(randomBytes(32));
const NEW = new Uint8Array(randomBytes(32));
let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(root, 'case-')), 'sealing.jwk');
});

/** What it fails with. */
function failureOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it does not fail');
}

const open = async (keys: Parameters<typeof createKeySeal>[0] = { current: OLD, previous: null }) =>
  openSealingKeys(file, await createKeySeal(keys));

test('a value opens under its name, also after a restart, and is nowhere in the file', async () => {
  const keys = await open();
  const sealed = keys.seal('secret:1:crm', 'the value é');
  expect(sealed).not.toContain('the value');
  expect(decodeProtectedHeader(sealed)).toMatchObject({ alg: 'dir', enc: 'A256GCM', name: 'secret:1:crm' });
  expect((await open()).open('secret:1:crm', sealed)).toBe('the value é');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test.each([
  ['another name', 'secret:1:crn', (sealed: string) => sealed],
  ['another version', 'secret:2:crm', (sealed: string) => sealed],
  ['a changed text', 'secret:1:crm', (sealed: string) => `${sealed.slice(0, -6)}AAAAAA`],
  ['no sealed text', 'secret:1:crm', () => 'the value'],
  ['nothing', 'secret:1:crm', () => ''],
])('INVARIANT 14: %s opens nothing, and says nothing of the value', async (_name, name, change) => {
  const keys = await open();
  const sealed = change(keys.seal('secret:1:crm', 'the value'));
  const failure = failureOf(() => keys.open(name, sealed));
  expect(failure).toMatchObject({ code: 'unavailable', message: expect.stringContaining(`\`${name}\` does not open`) });
  expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('the value');
});

test('a name in the header that is not the one it was sealed under does not open', async () => {
  const keys = await open();
  const [, ...rest] = keys.seal('secret:1:crm', 'the value').split('.');
  const other = keys.seal('secret:1:erp', 'another').split('.')[0]!;
  expect(() => keys.open('secret:1:erp', [other, ...rest].join('.'))).toThrow('does not open');
});

test('with a new key both open, then only what is sealed anew', async () => {
  const keys = await open();
  const before = keys.seal('a', 'the value');
  await keys.renew();
  const after = keys.seal('a', 'the value');
  expect([keys.isCurrent(before), keys.isCurrent(after), keys.isCurrent('nonsense')]).toEqual([false, true, false]);
  const again = await open();
  expect([again.open('a', before), again.open('a', after)]).toEqual(['the value', 'the value']);
  await again.forgetOthers();
  const last = await open();
  expect(() => last.open('a', before)).toThrow('does not open');
  expect(last.open('a', after)).toBe('the value');
});

test('of twenty that change the keys at once none undoes what another did', async () => {
  const keys = await open();
  const sealed: string[] = [keys.seal('a', '0')];
  await Promise.all(
    Array.from({ length: 20 }, async (_none, n) => {
      await keys.renew();
      sealed.push(keys.seal('a', String(n + 1)));
    }),
  );
  const again = await open();
  expect(sealed.map((text) => Number(again.open('a', text))).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 21 }, (_none, n) => n),
  );
  expect([keys.holdsOthers(), again.holdsOthers()]).toEqual([true, true]);
  await again.forgetOthers();
  expect((await open()).holdsOthers()).toBe(false);
});

test('another key-encryption key takes the place of the one before, and touches no value', async () => {
  const sealed = (await open()).seal('a', 'the value');
  expect((await open({ current: NEW, previous: OLD })).open('a', sealed)).toBe('the value');
  expect((await open({ current: NEW, previous: null })).open('a', sealed)).toBe('the value');
  await expect(open({ current: OLD, previous: null })).rejects.toThrow('encrypted with another key');
});

test('without a key-encryption key the file is plain, for its owner alone, and encrypted once there is one', async () => {
  const sealed = (await open(null)).seal('a', 'the value');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ keys: [{ kty: 'oct' }] });
  expect((await open()).open('a', sealed)).toBe('the value');
  expect(readFileSync(file, 'utf8')).not.toContain('"k"');
});

test('a file that is none is refused without what is in it', async () => {
  for (const text of ['{', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"short-canary"}]}']) {
    writeFileSync(file, text, { mode: 0o600 });
    const failure = await open(null).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('restore it from a backup'),
    });
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('canary');
  }
  chmodSync(file, 0o644);
  await expect(open(null)).rejects.toThrow('open to others');
});
