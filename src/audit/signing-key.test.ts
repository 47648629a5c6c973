import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { formatVerifierKey, utf8 } from '../core/note.ts';
import { createKeySeal, type KeySeal } from '../keys/key-seal.ts';
import { noteCrypto } from './ed25519.ts';
import { loadOrCreateSigningKey } from './signing-key.ts';

const root = mkdtempSync(join(tmpdir(), 'remit-key-'));
afterAll(() => rmSync(root, { recursive: true }));
const newFile = () => join(mkdtempSync(join(root, 'case-')), 'keys', 'log.key');
const origin = 'remit.example/log';
const plain = await createKeySeal(null);
const sealed = await createKeySeal({ current: new Uint8Array(32).fill(7), previous: null });

const open = (file: string, seal: KeySeal = plain, recordEncrypted: () => Promise<void> = async () => {}) =>
  loadOrCreateSigningKey(file, origin, { seal, recordEncrypted });

test('makes a key once, for its owner alone, and signs with it', async () => {
  const file = newFile();
  const made = await open(file);
  const loaded = await open(file);
  expect(formatVerifierKey(loaded.key)).toBe(formatVerifierKey(made.key));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(file, '..'))).toEqual(['log.key']);
  const message = utf8('hello');
  expect(noteCrypto.verifyEd25519(made.key.publicKey, message, loaded.sign(message))).toBe(true);
  expect(noteCrypto.verifyEd25519(made.key.publicKey, utf8('other'), loaded.sign(message))).toBe(false);
});

test('of two that start at once, one key wins', async () => {
  const file = newFile();
  const [one, other] = await Promise.all([open(file), open(file)]);
  expect(formatVerifierKey(one.key)).toBe(formatVerifierKey(other.key));
});

test('refuses a key that others can read', async () => {
  const file = newFile();
  await open(file);
  chmodSync(file, 0o640);
  await expect(open(file)).rejects.toThrow('is open to others than its owner (mode 0640): run `chmod 600` on it');
});

test('a key that was plain is encrypted once there is a key for it, on the record, and is the same key', async () => {
  const file = newFile();
  const { key } = await open(file);
  let recorded = 0;
  const record = async () => void (recorded += 1);
  expect((await open(file, sealed, record)).key).toEqual(key);
  expect(readFileSync(file, 'utf8')).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await open(file, sealed, record)).key).toEqual(key);
  expect(recorded).toBe(1);
  await expect(open(file)).rejects.toThrow('is encrypted: name the key for it in `keys.encryption`');
});

test('what cannot be recorded is not encrypted yet', async () => {
  const file = newFile();
  await open(file);
  const before = readFileSync(file, 'utf8');
  await expect(open(file, sealed, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(readdirSync(join(file, '..'))).toEqual(['log.key']);
});

test('what a crash left beside the file is removed, in the form of older versions too', async () => {
  const file = newFile();
  await open(file);
  for (const end of ['0123456789ab.tmp', '4d1c2b7e-0000-4000-8000-000000000000', 'bak']) {
    writeFileSync(`${file}.${end}`, 'x');
  }
  await open(file);
  expect(readdirSync(join(file, '..')).sort()).toEqual(['log.key', 'log.key.bak']);
});

const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
test.each([
  ['an empty file', ''],
  ['garbage', 'SECRET-CANARY'],
  ['an object', '{"SECRET-CANARY":1}'],
  ['a key of another kind', ecKey.toString()],
])('refuses %s, and neither quotes nor replaces it', async (_, text) => {
  const file = newFile();
  mkdirSync(join(file, '..'));
  writeFileSync(file, text, { mode: 0o600 });
  const refusal: unknown = await open(file).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'invalid_config', cause: undefined });
  expect(String(refusal)).not.toContain('CANARY');
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test.each(['', 'two words', 'a+b'])('refuses the origin %j', async (name) => {
  const opening = loadOrCreateSigningKey(newFile(), name, { seal: plain, recordEncrypted: async () => {} });
  await expect(opening).rejects.toThrow('must be without spaces and `+`');
});

test('says when the key cannot be written', async () => {
  const file = newFile();
  writeFileSync(join(file, '..'), 'a file in the way of the folder');
  await expect(open(file)).rejects.toMatchObject({ code: 'unavailable' });
});
