import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { EncryptionKeySource } from '../config/config.ts';
import { readEncryptionKey } from './encryption-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'remit-encryption-'));
afterAll(() => rmSync(folder, { recursive: true }));
const BYTES = randomBytes(32);
const TEXT = BYTES.toString('base64');
const file = join(folder, 'key');
writeFileSync(file, `${TEXT}\n`, { mode: 0o600 });

const read = (source: EncryptionKeySource, env: Record<string, string> = {}, timeoutMs = 10_000) =>
  readEncryptionKey(source, { env: { PATH: process.env['PATH'], ...env }, folder, timeoutMs });
const node = (script: string, ...args: string[]) => ({ command: [process.execPath, '-e', script, ...args] });

test.each<[string, EncryptionKeySource, Record<string, string>]>([
  ['a file', { file }, {}],
  ['a variable', { env: 'KEY' }, { KEY: BYTES.toString('base64url') }],
  ['a command', node('console.log(process.env.KEY)'), { KEY: TEXT }],
  ['a command in the folder of the configuration', { command: ['cat', 'key'] }, {}],
  ['a command that would ask', { command: ['sh', '-c', 'cat > /dev/null; cat key'] }, {}],
])('the key comes from %s', async (_name, source, env) => {
  expect(Buffer.from(await read(source, env)).equals(BYTES)).toBe(true);
});

test('arguments are given as they are: there is no shell', async () => {
  const echo = node('console.log(process.argv[1] === "$(cat key); x" ? process.env.KEY : "no")', '$(cat key); x');
  expect(await read(echo, { KEY: TEXT })).toHaveLength(32);
});

test.each<[string, EncryptionKeySource, string]>([
  ['no file', { file: join(folder, 'none') }, 'is missing: there is no such file'],
  ['no variable', { env: 'NONE' }, '`NONE` is missing: the variable is not set'],
  ['an empty variable', { env: 'EMPTY' }, 'the variable is not set'],
  ['no key', { env: 'GARBAGE' }, 'is not 32 bytes in base64; make one with `openssl rand -base64 32`'],
  ['a key of 31 bytes', { env: 'SHORT' }, 'is not 32 bytes'],
  ['a key in hexadecimal', { env: 'HEX' }, 'is not 32 bytes'],
  ['no such command', { command: ['./none', 'CANARY'] }, 'the command `./none` cannot be run (ENOENT); run it by hand'],
  ['a command that fails', node('console.log("CANARY"); console.error("CANARY"); process.exit(3)'), 'ended with 3'],
  ['a command that prints nothing', node(''), 'is not 32 bytes'],
  ['a command that prints for ever', { command: ['yes', 'CANARY'] }, 'prints more than a secret'],
])('%s is refused in words that hold nothing of it', async (_name, source, message) => {
  const env = { EMPTY: '', GARBAGE: 'CANARY', SHORT: randomBytes(31).toString('base64'), HEX: BYTES.toString('hex') };
  const refusal = await read(source, env).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'invalid_config', message: expect.stringContaining(message) as string });
  expect(refusal).toMatchObject({ cause: undefined });
  expect(String(refusal)).not.toContain('CANARY');
});

test('a command that hangs is given up, and one that leaves something behind is not waited for', async () => {
  await expect(read({ command: ['sleep', '600'] }, {}, 300)).rejects.toThrow('gave nothing within 0.3 s');
  // What was left behind holds the output open; the key is there, and the time is bounded.
  expect(await read({ command: ['sh', '-c', 'sleep 5 & cat key'] }, {}, 300)).toHaveLength(32);
});

test('a file that others can read is refused, and it is said what to do', async () => {
  const open = join(folder, 'open');
  writeFileSync(open, TEXT);
  chmodSync(open, 0o644);
  await expect(read({ file: open })).rejects.toThrow('(mode 0644): run `chmod 600` on it');
});
