import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { openBundleFile } from './bundle-file.ts';
import { createSvidVerifier } from './jwt-svid.ts';
import { createTrustBundles } from './trust-bundle.ts';

let dir: string;
let file: string;
let problems: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'remit-bundle-'));
  file = join(dir, 'bundle.json');
  problems = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(bundle: object): void {
  writeFileSync(`${file}.new`, JSON.stringify(bundle));
  renameSync(`${file}.new`, file);
}
const open = () => openBundleFile(file, (problem) => problems.push(problem));

test('a changed file is read at the next use', () => {
  write({ keys: [], spiffe_sequence: 1 });
  const bundle = open();
  write({ keys: [{ kty: 'EC', kid: 'new' }], spiffe_sequence: 2 });
  expect(bundle().keys).toEqual([{ kty: 'EC', kid: 'new' }]);
  expect(problems).toEqual([]);
});

test('what is no bundle leaves the last one, and is reported once', () => {
  write({ keys: [], spiffe_sequence: 1 });
  const bundle = open();
  writeFileSync(file, '{"keys":');
  expect(bundle().spiffe_sequence).toBe(1);
  expect(bundle().spiffe_sequence).toBe(1);
  expect(problems).toEqual([expect.stringContaining('is not JSON')]);
  rmSync(file);
  expect(bundle().spiffe_sequence).toBe(1);
  expect(problems[1]).toContain('cannot be read');
  write({ keys: [], spiffe_sequence: 2 });
  expect(bundle().spiffe_sequence).toBe(2);
});

test('an older bundle is refused', () => {
  write({ keys: [], spiffe_sequence: 7 });
  const bundle = open();
  write({ keys: [], spiffe_sequence: 6 });
  expect(bundle().spiffe_sequence).toBe(7);
  expect(problems).toEqual([expect.stringContaining('goes back from 7 to 6')]);
});

test('no bundle to begin with is an error', () => {
  writeFileSync(file, 'nonsense');
  expect(open).toThrow('is not JSON');
  rmSync(file);
  expect(open).toThrow('cannot be read');
});

test('keys rotate in three steps while SVIDs are verified, and no good one is refused', async () => {
  const pairs = await Promise.all(
    ['k1', 'k2'].map(async (kid) => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
      return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'jwt-svid' } };
    }),
  );
  const [first, second] = [pairs[0]!, pairs[1]!];
  write({ keys: [first.jwk], spiffe_sequence: 1 });
  const verifier = createSvidVerifier({
    bundles: createTrustBundles([{ trustDomain: 'remit.local', bundle: open() }]),
    clock: () => NOW,
    skewSeconds: 0,
    withGroups: (agent) => agent,
  });
  const verify = async ({ kid, privateKey }: (typeof pairs)[number]) =>
    verifier.verifyJwtSvid(
      await new SignJWT({ sub: 'spiffe://remit.local/a', aud: 'us', exp: NOW / 1000 + 60 })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey),
      ['us'],
    );
  const burst = (pair: (typeof pairs)[number]) => Promise.all(Array.from({ length: 20 }, () => verify(pair)));

  const before = burst(first);
  write({ keys: [first.jwk, second.jwk], spiffe_sequence: 2 });
  expect(await before).toHaveLength(20);
  expect(await Promise.all([burst(first), burst(second)])).toHaveLength(2);
  write({ keys: [second.jwk], spiffe_sequence: 3 });
  expect(await burst(second)).toHaveLength(20);
  // The key that left the bundle ends with it.
  await expect(verify(first)).rejects.toMatchObject({ code: 'invalid_token' });
  expect(problems).toEqual([]);
});
