import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRemit, type RemitProcess } from '../harness/remit-process.ts';
import { noServers } from '../harness/quickstart.ts';

const newKey = () => `${randomBytes(32).toString('base64')}\n`;
const files = ['keys/log.key', 'keys/sealing.jwk', 'keys/token.jwk'];
let remit: RemitProcess;
beforeAll(async () => {
  remit = await startRemit({ prepare: noServers });
}, 30_000);
afterAll(() => remit.dispose());

const onDisk = () => files.map((name) => readFileSync(join(remit.dataDir, name), 'utf8'));
const kids = async () =>
  ((await (await fetch(`${remit.url}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);

function encryptBy(setting: string): void {
  const config = join(remit.folder, 'remit.yaml');
  const rest = readFileSync(config, 'utf8').replace(/^keys:.*\n/m, '');
  writeFileSync(config, setting === '' ? rest : `keys: { encryption: ${setting} }\n${rest}`);
}

async function restarted(): Promise<void> {
  await remit.stop();
  await remit.start();
}

/** Starts it, and what it says when it does not. */
async function refused(): Promise<{ code: number | null; stderr: string }> {
  const args = ['serve', '--dev', '--config', join(remit.folder, 'remit.yaml'), '--data', remit.dataDir];
  const { code, stderr } = await remit.cli([...args, '--listen', new URL(remit.url).host]);
  return { code, stderr };
}

test('the keys of a running installation are encrypted, re-encrypted and rotated, and are never lost', async () => {
  const before = await kids();
  const first = join(remit.folder, 'first.key');
  writeFileSync(first, newKey(), { mode: 0o600 });
  encryptBy('{ file: first.key }');
  await restarted();
  expect(await kids()).toEqual(before);
  const encrypted = onDisk();
  for (const text of encrypted) expect(text).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  expect((await remit.cli(['keys', '--as', 'carol'])).stdout).toContain('encrypted at rest');

  const rotated = await remit.cli(['keys', 'rotate', '--now', '--as', 'carol', '--json']);
  expect(rotated.code).toBe(0);
  const after = await kids();
  expect(after).toHaveLength(2);
  expect(after[0]).toBe(before[0]);

  await remit.stop();
  const text = onDisk();
  encryptBy('');
  expect(await refused()).toEqual({
    code: 78,
    stderr: expect.stringContaining('is encrypted: name the key for it in `keys.encryption`') as string,
  });
  writeFileSync(join(remit.folder, 'second.key'), newKey(), { mode: 0o600 });
  encryptBy('{ file: second.key }');
  expect(await refused()).toEqual({
    code: 78,
    stderr: expect.stringContaining('or name it under `previous`') as string,
  });
  chmodSync(first, 0o644);
  encryptBy('{ file: first.key }');
  expect(await refused()).toEqual({ code: 78, stderr: expect.stringContaining('run `chmod 600` on it') as string });
  chmodSync(first, 0o600);
  encryptBy('{ env: NOT_SET }');
  expect(await refused()).toEqual({ code: 78, stderr: expect.stringContaining('the variable is not set') as string });
  expect(onDisk()).toEqual(text);

  encryptBy('{ command: [cat, second.key], previous: { file: first.key } }');
  await remit.start();
  expect(await kids()).toEqual(after);
  for (const [place, again] of onDisk().entries()) expect(again).not.toBe(text[place]);
  encryptBy('{ file: second.key }');
  await restarted();
  expect(await kids()).toEqual(after);
  expect(readdirSync(join(remit.dataDir, 'keys')).sort()).toEqual(['log.key', 'sealing.jwk', 'token.jwk']);
  expect((await remit.cli(['log', 'verify'])).code).toBe(0);
}, 60_000);
