import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DpopKey } from '../../src/cli/bound-tokens.ts';
import { createX509Authority, type Issued, type X509Authority } from '../fixtures/x509-authority.ts';
import type { TlsClient } from '../fixtures/tls-request.ts';
import { serveBundle, type BundleServer } from '../harness/bundle-server.ts';
import { until } from '../harness/remit-process.ts';
import { startTlsRemit, type TlsRemit } from '../harness/tls-remit.ts';
import { serveScriptedWorkloadApi, type ScriptedWorkloadApi } from '../harness/workload-api.ts';
import { noServers } from '../harness/quickstart.ts';

/** One generation of the keys of a trust domain. */
type Keys = { authority: X509Authority; jwt: CryptoKey; jwk: JWK; svid: Issued };
/** A trust domain whose bundle comes its own way. */
type Domain = {
  name: string;
  before: Keys;
  after: Keys;
  signing: Keys;
  publish(generations: Keys[], sequence: number): void;
};

let folder: string;
let served: TlsRemit;
let web: BundleServer;
let spiffe: BundleServer;
let workload: ScriptedWorkloadApi;
let domains: Domain[];
let proofs: DpopKey;

const agentOf = (domain: { name: string }) => `spiffe://${domain.name}/agent`;

async function newKeys(name: string, kid: string): Promise<Keys> {
  const authority = await createX509Authority(`${name} ${kid}`, name);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid };
  return { authority, jwt: privateKey, jwk, svid: await authority.svid(`spiffe://${name}/agent`) };
}

const bundleOf = (generations: Keys[], sequence: number) => ({
  keys: generations.flatMap(({ authority, jwk }) => [
    { kty: 'EC', use: 'x509-svid', x5c: [authority.der.toString('base64')] },
    { ...jwk, use: 'jwt-svid' },
  ]),
  spiffe_sequence: sequence,
  spiffe_refresh_hint: 1,
});

const ENDPOINT = 'spiffe://spiffe.test/bundle-server';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-rot-'));
  proofs = await DpopKey.generate();
  const made = await Promise.all(
    ['web.test', 'spiffe.test', 'local.test'].map(async (name) => {
      const [before, after] = [await newKeys(name, 'before'), await newKeys(name, 'after')];
      return { name, before, after, signing: before };
    }),
  );
  const [ofWeb, ofSpiffe, ofLocal] = made as [Domain, Domain, Domain];
  const pki = await createX509Authority('web');
  web = await serveBundle(await pki.server('localhost'), bundleOf([ofWeb.before], 1));
  ofWeb.publish = (generations, sequence) => web.publish(bundleOf(generations, sequence));
  spiffe = await serveBundle(await ofSpiffe.before.authority.svid(ENDPOINT), bundleOf([ofSpiffe.before], 1));
  ofSpiffe.publish = (generations, sequence) => spiffe.publish(bundleOf(generations, sequence));
  const socket = join(folder, 's');
  workload = await serveScriptedWorkloadApi(socket);
  ofLocal.publish = (generations) => {
    const id = 'spiffe://local.test';
    const x509 = Buffer.concat(generations.map(({ authority }) => authority.der));
    workload.say('FetchX509Bundles', { bundles: { [id]: x509 } });
    const keys = generations.map(({ jwk }) => jwk);
    workload.say('FetchJWTBundles', { bundles: { [id]: Buffer.from(JSON.stringify({ keys })) } });
  };
  ofLocal.publish([ofLocal.before], 1);
  domains = [ofWeb, ofSpiffe, ofLocal];
  writeFileSync(join(folder, 'bootstrap.json'), JSON.stringify(bundleOf([ofSpiffe.before], 1)));
  served = await startTlsRemit({
    web: pki,
    prepare: (copy) => {
      noServers(copy);
      const config = join(copy, 'remit.yaml');
      const entries = `trust_domains:
    - { name: web.test, bundle: { https_web: { url: '${web.url}' } } }
    - name: spiffe.test
      bundle:
        https_spiffe: { url: '${spiffe.url}', spiffe_id: ${ENDPOINT}, bootstrap_file: ${join(folder, 'bootstrap.json')} }
    - { name: local.test, bundle: { workload_api: 'unix://${socket}' } }
`;
      writeFileSync(config, readFileSync(config, 'utf8').replace('trust_domains:\n', entries));
    },
  });
}, 30_000);
afterAll(async () => {
  await served?.dispose();
  web?.close();
  spiffe?.close();
  workload?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(client: TlsClient, form: Record<string, string>, headers: Record<string, string>): Promise<boolean> {
  const answer = await client.send('POST', '/token', {
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: `${served.remit.url}/v1`,
      ...form,
    }).toString(),
  });
  return answer.status === 200;
}

async function byX509(domain: Domain, keys: Keys): Promise<boolean> {
  const client = served.open(keys.svid);
  try {
    return await ask(client, { client_id: agentOf(domain) }, {});
  } finally {
    client.close();
  }
}

async function byJwt(client: TlsClient, domain: Domain, keys: Keys): Promise<boolean> {
  const seconds = Math.floor(Date.now() / 1000);
  const svid = await new SignJWT({ sub: agentOf(domain), aud: served.remit.url, iat: seconds, exp: seconds + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: keys.jwk.kid! })
    .sign(keys.jwt);
  return ask(
    client,
    { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe', client_assertion: svid },
    { dpop: await proofs.proof('POST', `${served.remit.url}/token`) },
  );
}

test('bundles rotate, each from its own source, and no good request is refused', async () => {
  const kept = served.open();
  let [good, refused, stop] = [0, 0, false];
  const load = Promise.all(
    domains.map(async (domain) => {
      while (!stop) {
        const keys = domain.signing;
        for (const taken of await Promise.all([byX509(domain, keys), byJwt(kept, domain, keys)])) {
          if (taken) good++;
          else refused++;
        }
      }
    }),
  );
  const everywhere = (keys: 'before' | 'after', taken: boolean) => async () => {
    const answers = await Promise.all(
      domains.map(async (domain) => [await byX509(domain, domain[keys]), await byJwt(kept, domain, domain[keys])]),
    );
    return answers.flat().every((answer) => answer === taken);
  };
  expect(await everywhere('before', true)()).toBe(true);
  expect(await everywhere('after', false)()).toBe(true);

  for (const domain of domains) domain.publish([domain.before, domain.after], 2);
  await until(everywhere('after', true), 20_000);
  for (const domain of domains) domain.signing = domain.after;
  // The endpoint is known by the bundle that it served itself, no longer by the one that Remit began with.
  spiffe.present(await domains[1]!.after.authority.svid(ENDPOINT));
  // What was sent by the old keys has been answered.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  for (const domain of domains) domain.publish([domain.after], 3);
  await until(everywhere('before', false), 20_000);
  stop = true;
  await load;
  expect(refused).toBe(0);
  expect(good).toBeGreaterThan(30);

  // An older bundle, as an attacker would replay it, brings nothing back.
  web.publish(bundleOf([domains[0]!.before], 1));
  await until(() => served.remit.output().includes('spiffe_sequence'), 15_000);
  expect(await byX509(domains[0]!, domains[0]!.before)).toBe(false);
  expect(await byX509(domains[0]!, domains[0]!.after)).toBe(true);
}, 90_000);

test('the name of one trust domain is not vouched for by the bundle of another', async () => {
  const [first, second] = domains as [Domain, Domain];
  const stolen = await first.after.authority.svid(agentOf(second));
  expect(await byX509(second, { ...second.after, svid: stolen })).toBe(false);
  expect(await byJwt(served.open(), second, { ...second.after, jwt: first.after.jwt })).toBe(false);
});

test('which keys vouched is on record, in order', async () => {
  const kidsOf = (line: string) => {
    const { record } = JSON.parse(line) as { record: { event?: string; subject?: Record<string, unknown> } };
    const { event, subject } = record;
    return event === 'trust_bundle.used' && subject?.['trust_domain'] === 'web.test' ? [subject['jwt_keys']] : [];
  };
  const tail = ['log', 'tail', '--dir', join(served.remit.dataDir, 'log'), '-n', '100000', '--json'];
  await expect
    .poll(async () => (await served.remit.cli(tail)).stdout.trim().split('\n').flatMap(kidsOf), { timeout: 10_000 })
    .toEqual([['before'], ['before', 'after'], ['after']]);
});

test('after a restart without the endpoints, the last good bundles are still there', async () => {
  web.close();
  spiffe.close();
  await served.remit.stop();
  await served.remit.start();
  for (const domain of domains) expect(await byX509(domain, domain.after)).toBe(true);
  for (const domain of domains) expect(await byX509(domain, domain.before)).toBe(false);
}, 30_000);
