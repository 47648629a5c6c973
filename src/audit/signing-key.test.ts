import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { formatVerifierKey, utf8 } from '../core/note.ts';
import { noteCrypto } from './ed25519.ts';
import { loadOrCreateSigningKey } from './signing-key.ts';

const root = mkdtempSync(join(tmpdir(), 'remit-key-'));
afterAll(() => rmSync(root, { recursive: true }));
const newFile = () => join(mkdtempSync(join(root, 'case-')), 'keys', 'log.key');
const origin = 'remit.example/log';

test('makes a key once, for its owner alone, and signs with it', () => {
  const file = newFile();
  const made = loadOrCreateSigningKey(file, origin);
  const loaded = loadOrCreateSigningKey(file, origin);
  expect(formatVerifierKey(loaded.key)).toBe(formatVerifierKey(made.key));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(file, '..'))).toEqual(['log.key']);
  const message = utf8('hello');
  expect(noteCrypto.verifyEd25519(made.key.publicKey, message, loaded.sign(message))).toBe(true);
  expect(noteCrypto.verifyEd25519(made.key.publicKey, utf8('other'), loaded.sign(message))).toBe(false);
});

test('refuses a key that others can read', () => {
  const file = newFile();
  loadOrCreateSigningKey(file, origin);
  chmodSync(file, 0o640);
  expect(() => loadOrCreateSigningKey(file, origin)).toThrow('can be read by others: run `chmod 600` on it');
});

const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
test.each([
  ['an empty file', ''],
  ['garbage', 'SECRET-CANARY'],
  ['a key of another kind', ecKey.toString()],
])('refuses %s, and neither quotes nor replaces it', (_, text) => {
  const file = newFile();
  mkdirSync(join(file, '..'));
  writeFileSync(file, text, { mode: 0o600 });
  let refusal: unknown;
  try {
    loadOrCreateSigningKey(file, origin);
  } catch (cause) {
    refusal = cause;
  }
  expect(refusal).toMatchObject({ code: 'invalid_config', cause: undefined });
  expect(String(refusal)).not.toContain('CANARY');
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test.each(['', 'two words', 'a+b'])('refuses the origin %j', (name) => {
  expect(() => loadOrCreateSigningKey(newFile(), name)).toThrow('must be without spaces and `+`');
});

test('says when the key cannot be written', () => {
  const file = newFile();
  writeFileSync(join(file, '..'), 'a file in the way of the folder');
  expect(() => loadOrCreateSigningKey(file, origin)).toThrow(expect.objectContaining({ code: 'unavailable' }) as Error);
});
