import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { signingKey } from '../../test/fixtures/workload-issuer.ts';
import { readConfig } from '../config/config-file.ts';
import { openIdentity } from './identity.ts';
import { openTrustBundles } from './trust-bundles.ts';

const quickstart = join(import.meta.dirname, '../../examples/quickstart');

test('a file of a workload issuer’s keys is looked at when Remit starts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'remit-wiring-'));
  cpSync(quickstart, folder, { recursive: true });
  const file = join(folder, 'remit.yaml');
  const issuer = `
  workload_issuers:
    - issuer: https://ci.example.test
      audience: remit
      algorithms: [ES256]
      jwks_file: ci.json
      claims: { owner: acme }
      spiffe_id: spiffe://ci.example/{owner}
  people:`;
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('\n  people:', issuer).replace('bundle: dev', 'bundle: { file: b }'),
  );
  writeFileSync(join(folder, 'b'), '{"keys":[]}');
  const open = (keys: string | null) => {
    if (keys !== null) writeFileSync(join(folder, 'ci.json'), keys);
    const config = readConfig(file, { dev: true });
    const bundles = openTrustBundles(config, {
      authority: undefined,
      clock: Date.now,
      report: () => {},
      used: () => {},
    });
    return openIdentity(config, { bundles, registry: { describe: (agent) => agent }, clock: Date.now, bootedAt: 0 });
  };
  expect(() => open(null)).toThrow('ci.json: expected a JWK Set');
  expect(() => open('[]')).toThrow('ci.json: expected a JWK Set');
  expect(() => open('{"keys":[{"kty":"oct","k":"AA"}]}')).toThrow('ci.json: has no public key');
  expect(
    open(JSON.stringify({ keys: [(await signingKey()).jwk] })).workloadTokens.knows('https://ci.example.test'),
  ).toBe(true);
  rmSync(folder, { recursive: true });
});
