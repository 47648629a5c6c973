import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSvidVerifier } from '../jwt-svid.ts';
import { createTrustBundles, parseTrustBundle } from '../trust-bundle.ts';
import { createWorkloadClient } from '../workload-client.ts';
import { workloadService } from '../workload-proto.ts';
import { AUTHORITY_SOCKET, startDevAuthority, type DevAuthority } from './authority.ts';

const ID = 'spiffe://remit.local/agent/a';
let dir: string;
let authority: DevAuthority;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'remit-authority-'));
  authority = await startDevAuthority({ dir, trustDomain: 'remit.local', clock: Date.now });
});
afterAll(async () => {
  await authority.close();
  rmSync(dir, { recursive: true });
});

/** Asks for an identity as `remit agent run` does. */
function ask(id: string): Promise<{ status: number; text: string; release: () => void }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: join(dir, AUTHORITY_SOCKET), method: 'POST', path: '/' }, (response) => {
      response
        .setEncoding('utf8')
        .once('data', (text: string) =>
          resolve({ status: response.statusCode ?? 0, text: text.trim(), release: () => response.destroy() }),
        );
    });
    asking.once('error', reject);
    asking.end(id);
  });
}

test('a workload gets its SVIDs over the Workload API, and they verify under the bundle alone', async () => {
  const { text, release } = await ask(ID);
  const client = createWorkloadClient(`unix:${text}`);
  const { svid, spiffeId } = await client.fetchJwtSvid('https://remit.example.test');
  expect(spiffeId).toBe(ID);
  const bundle = parseTrustBundle((await client.fetchJwtBundles()).get('remit.local')!, 'test');
  const verifier = createSvidVerifier({
    withGroups: (agent) => agent,
    bundles: createTrustBundles([{ trustDomain: 'remit.local', bundle }]),
    clock: Date.now,
    skewSeconds: 0,
  });
  expect((await verifier.verifyJwtSvid(svid, ['https://remit.example.test'])).agent.id).toBe(ID);
  await expect(verifier.verifyJwtSvid(svid, ['https://other.example.test'])).rejects.toMatchObject({
    code: 'invalid_token',
  });

  const x509 = await client.fetchX509Svid();
  const leaf = new X509Certificate(x509.certificates);
  const ca = new X509Certificate(x509.bundle);
  expect(leaf.subjectAltName).toBe(`URI:${ID}`);
  expect([leaf.ca, ca.ca]).toEqual([false, true]);
  expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey)).toBe(true);
  client.close();
  release();
});

test('the identity ends when the asker goes away', async () => {
  const { text, release } = await ask(ID);
  expect(statSync(text).mode & 0o777).toBe(0o600);
  release();
  await expect.poll(() => statSync(text, { throwIfNoEntry: false })).toBeUndefined();
});

test('a request without the security header is refused', async () => {
  const { text, release } = await ask(ID);
  const Service = workloadService();
  const raw = new Service(`unix:${text}`, credentials.createInsecure());
  const error = await new Promise<ServiceError>((resolve) => {
    raw['FetchJWTSVID']!({ audience: ['x'] }, new Metadata(), (failure: ServiceError) => resolve(failure));
  });
  expect(error.code).toBe(3);
  raw.close();
  release();
});

test.each([
  ['spiffe://other.test/agent/a', 'is not in trust domain'],
  ['spiffe://remit.local', 'names a trust domain'],
  ['nonsense', 'does not start with'],
])('%s is not issued', async (id, why) => {
  const { status, text } = await ask(id);
  expect(status).toBe(400);
  expect(text).toContain(why);
});

test('the authority is the same after a restart', async () => {
  const before = authority.bundle().keys.map((key) => key.x);
  await authority.close();
  authority = await startDevAuthority({ dir, trustDomain: 'remit.local', clock: Date.now });
  expect(authority.bundle().keys.map((key) => key.x)).toEqual(before);
});
