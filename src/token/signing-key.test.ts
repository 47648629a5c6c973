import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrCreateTokenKey } from './signing-key.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-key-'));
  file = join(folder, 'keys', 'token.jwk');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('is made once, for the user alone, and is the same after a restart', async () => {
  const first = await loadOrCreateTokenKey(file);
  const again = await loadOrCreateTokenKey(file);
  expect(again.publicJwk).toEqual(first.publicJwk);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'keys'))).toEqual(['token.jwk']);
});

test('of two that start at once, one key wins', async () => {
  const keys = await Promise.all([loadOrCreateTokenKey(file), loadOrCreateTokenKey(file)]);
  expect(keys[0]!.publicJwk).toEqual(keys[1]!.publicJwk);
});

test('what is published is the public half', async () => {
  const { publicJwk } = await loadOrCreateTokenKey(file);
  expect(Object.keys(publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  expect(readFileSync(file, 'utf8')).toContain('"d"');
});

test('a file that was left half written by a crash does not stand in the way', async () => {
  await loadOrCreateTokenKey(file);
  rmSync(file);
  // In a container the next process may have the same id.
  writeFileSync(`${file}.${process.pid}`, '{"kty"');
  expect((await loadOrCreateTokenKey(file)).publicJwk.kty).toBe('EC');
});

test.each(['', 'nonsense', '{}', '{"kty":"oct","k":"c2VjcmV0"}', '{"kty":"EC","crv":"P-256","x":"a","y":"b"}', 'null'])(
  'a file that holds %j is refused, and kept',
  async (content) => {
    await loadOrCreateTokenKey(file);
    writeFileSync(file, content);
    await expect(loadOrCreateTokenKey(file)).rejects.toMatchObject({ code: 'invalid_config' });
    expect(readFileSync(file, 'utf8')).toBe(content);
  },
);

test('a key that is damaged, and still looks like one, is refused', async () => {
  await loadOrCreateTokenKey(file);
  const jwk = JSON.parse(readFileSync(file, 'utf8')) as { d: string };
  writeFileSync(file, JSON.stringify({ ...jwk, d: 'AAAA' }));
  await expect(loadOrCreateTokenKey(file)).rejects.toMatchObject({ code: 'invalid_config' });
});
