import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { SecretPlace } from '../config/secret-place.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import { createSecrets, type KeptSecret, type Secrets, type SecretVault } from './secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'remit-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CANARY = 'canary-of-the-place';
const signal = new AbortController().signal;
let now = 0;
let asked: string[] = [];
let vault: SecretVault['read'];
let stored: KeptSecret | null;
let env: Record<string, string | undefined>;
let secrets: Secrets;
beforeEach(() => {
  now = 1_000_000;
  asked = [];
  stored = { value: CANARY, version: '3' };
  env = { PATH: process.env['PATH'], TOKEN: CANARY };
  vault = async ({ path, field }) => {
    asked.push(`${path}#${field}`);
    return { value: CANARY, version: '7' };
  };
  secrets = createSecrets({
    env,
    store: { open: async () => stored },
    vaults: new Map([['main', { read: (secret, given) => vault(secret, given) }]]),
    clock: () => now,
  });
});

const file = join(folder, 'token');
const counter = join(folder, 'counter');
writeFileSync(file, `${CANARY}\r\n`);
/** Prints, and leaves a mark each time that it runs. */
const command = (script: string): SecretPlace => ({ fromCommand: [process.execPath, '-e', script], folder });
const counting = command(
  `require('fs').appendFileSync(${JSON.stringify(counter)}, '.'); console.log(process.env.TOKEN)`,
);
const inVault: SecretPlace = { fromVault: { vault: 'main', path: 'secret/crm', field: 'token' } };

test.each<[string, SecretPlace, string | null]>([
  ['a variable', { fromEnv: 'TOKEN' }, null],
  ['a file', { fromFile: file }, null],
  ['the encrypted store', { fromStore: 'crm' }, '3'],
  ['a command', counting, null],
  ['a vault', inVault, '7'],
])('a secret comes from %s', async (_name, place, version) => {
  expect(await secrets.read(place, signal)).toEqual({ value: CANARY, version });
});

test.each<[string, SecretPlace, string]>([
  ['a variable', { fromEnv: 'NONE' }, 'secret `env:NONE`: the variable is not set'],
  ['a file', { fromFile: join(folder, 'none') }, 'ENOENT'],
  ['a directory', { fromFile: folder }, 'EISDIR'],
  ['the store', { fromStore: 'none' }, 'set it with `remit secret set none`'],
  [
    'a program',
    { fromCommand: ['no-such-program'], folder },
    'secret `command:no-such-program`: the command cannot be',
  ],
  ['a vault', { fromVault: { vault: 'other', path: 'a/b', field: 'c' } }, 'the vault is not configured'],
])('what is not there (%s) is a failure that says what to do', async (_name, place, detail) => {
  stored = null;
  const failure = await secrets.read(place, signal).catch((error: unknown) => error as CredentialUnavailable);
  expect(failure).toBeInstanceOf(CredentialUnavailable);
  expect(failure).toMatchObject({
    message: 'the credential that remit holds for the target is not to be had; ask an operator to check it',
    detail: expect.stringContaining(detail),
  });
});

test.each<[string, string]>([
  ['fails', `console.log(process.env.TOKEN); console.error(process.env.TOKEN); process.exit(3)`],
  ['prints too much', `console.log(process.env.TOKEN.repeat(10000))`],
  ['prints nothing', ''],
])('INVARIANT 14: what a command prints that %s is in no error', async (_name, script) => {
  const failure = await secrets.read(command(script), signal).catch((error: unknown) => error as Error);
  const everything = JSON.stringify(failure, Object.getOwnPropertyNames(failure));
  expect(failure).toBeInstanceOf(CredentialUnavailable);
  expect(everything).not.toContain(CANARY);
});

test('a secret that could not be taken out of answers is refused', async () => {
  env['SHORT'] = 'abcde';
  env['EMPTY'] = '';
  await expect(secrets.read({ fromEnv: 'SHORT' }, signal)).rejects.toMatchObject({
    detail: 'secret `env:SHORT`: it is shorter than 6 characters, which could not be taken out of answers',
  });
  await expect(secrets.read({ fromEnv: 'EMPTY' }, signal)).rejects.toBeInstanceOf(CredentialUnavailable);
});

test('a rotated one is taken at the next use', async () => {
  const rotated = join(folder, 'rotated');
  writeFileSync(rotated, 'the first value');
  expect((await secrets.read({ fromFile: rotated }, signal)).value).toBe('the first value');
  writeFileSync(rotated, 'the second value');
  expect((await secrets.read({ fromFile: rotated }, signal)).value).toBe('the second value');
});

test('what takes long to ask is asked once in half a minute, by many at once too', async () => {
  writeFileSync(counter, '');
  await Promise.all(Array.from({ length: 5 }, () => secrets.read(counting, signal)));
  expect(readFileSync(counter, 'utf8')).toBe('.');
  await secrets.read(inVault, signal);
  await secrets.read(inVault, signal);
  expect(asked).toHaveLength(1);
  now += 30_000;
  await secrets.read(inVault, signal);
  expect(asked).toHaveLength(2);
  secrets.forget(inVault);
  await secrets.read(inVault, signal);
  expect(asked).toHaveLength(3);
  now -= 3_600_000;
  await secrets.read(inVault, signal);
  expect(asked).toHaveLength(4);
});

test('a failure is not remembered', async () => {
  const works = vault;
  vault = async () => {
    throw new Error('sealed');
  };
  await expect(secrets.read(inVault, signal)).rejects.toMatchObject({
    detail: 'secret `vault:main/secret/crm#token`: sealed',
  });
  vault = works;
  expect((await secrets.read(inVault, signal)).value).toBe(CANARY);
});

test('who goes away does not wait, and does not stop what others wait for', async () => {
  const { promise, resolve } = Promise.withResolvers<KeptSecret>();
  vault = () => promise;
  const going = new AbortController();
  const first = secrets.read(inVault, going.signal);
  const second = secrets.read(inVault, signal);
  going.abort();
  await expect(first).rejects.toBeInstanceOf(CredentialUnavailable);
  resolve({ value: CANARY, version: null });
  expect((await second).value).toBe(CANARY);
});
