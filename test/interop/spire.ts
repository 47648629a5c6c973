import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, linkSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { decodeJwt } from 'jose';
import { DpopKey } from '../../src/cli/bound-tokens.ts';
import { splitCertificates } from '../../src/identity/certificate-chain.ts';
import { createTrustBundles, parseTrustBundle } from '../../src/identity/trust-bundle.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import type { X509SvidMessage } from '../../src/identity/workload-proto.ts';
import { openWorkloadStreams } from '../../src/identity/workload-stream.ts';
import { validateX509Svid } from '../../src/identity/x509-svid.ts';
import { openTlsClient, type TlsClient } from '../fixtures/tls-request.ts';
import type { Report } from '../conformance/report.ts';
import { startRemit, until, type RemitProcess } from '../harness/remit-process.ts';
import { startSpire, TRUST_DOMAIN, type Spire } from './spire-process.ts';

const AGENT = `spiffe://${TRUST_DOMAIN}/agent/summariser`;
const REMIT = `spiffe://${TRUST_DOMAIN}/remit`;
const ENDPOINT = `spiffe://${TRUST_DOMAIN}/spire/server`;
const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
/** What SPIRE takes to make an authority known to its agents, and to issue by it. */
const SETTLED_WITHIN_MS = 120_000;

/** Why SPIRE cannot be run here, or `null`. */
export function missingSpire(): string | null {
  const missing = ['spire-server', 'spire-agent'].filter((name) => spawnSync(name, ['--version']).error !== undefined);
  return missing.length === 0 ? null : `${missing.join(' and ')} not found on the PATH`;
}

/** Remit with its certificate and bundles from SPIRE, an agent with SVIDs of SPIRE, and every authority rotated under load. */
export async function runSpire(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-spire-'));
  const closing: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    report.note('starting SPIRE');
    const spire = await startSpire(folder);
    closing.unshift(() => spire.stop());
    // SPIRE tells the two apart by what they run.
    const program = join(folder, 'node-of-remit');
    copyProgram(process.execPath, program);
    spire.register(REMIT, program, 'localhost');
    spire.register(AGENT, realpathSync(process.execPath));

    report.note('starting Remit with its certificate and its bundles from the Workload API');
    const remit = await startRemit({
      scheme: 'https',
      host: 'localhost',
      program,
      prepare: (copy) => configure(copy, spire, { tls: true, bundle: { workload_api: spire.endpoint } }),
    });
    closing.unshift(() => remit.dispose());
    const agent = await openAgent(spire, remit);
    closing.unshift(() => agent.close());
    await checkRemit(report, { spire, remit, agent });
    await rotateUnderLoad(report, { spire, remit, agent });

    report.note('starting Remit with its bundle from the https_spiffe endpoint of SPIRE');
    const bootstrap = join(folder, 'bootstrap.json');
    writeFileSync(bootstrap, spire.bundle());
    const endpoint = { url: spire.bundleUrl, spiffe_id: ENDPOINT, bootstrap_file: bootstrap };
    const other = await startRemit({
      prepare: (copy) => configure(copy, spire, { tls: false, bundle: { https_spiffe: endpoint } }),
    });
    closing.unshift(() => other.dispose());
    await check(report, 'https_spiffe: the bundle is fetched from an endpoint that is known by its SVID', async () => {
      const kept = join(other.dataDir, 'bundles', `${TRUST_DOMAIN}.json`);
      const { source } = JSON.parse(readFileSync(kept, 'utf8')) as { source: string };
      assert.equal(source, `https_spiffe ${spire.bundleUrl} ${ENDPOINT}`);
    });
    await check(report, 'https_spiffe: a JWT-SVID is taken by that bundle', async () => {
      assert.equal((await agent.plainToken(other)).status, 200);
    });
  } finally {
    for (const close of closing) await close();
  }
}

type Set = { spire: Spire; remit: RemitProcess; agent: InteropAgent };

async function checkRemit(report: Report, { spire, remit, agent }: Set): Promise<void> {
  await check(report, 'tls: Remit presents its X.509-SVID', async () => {
    assert.equal(identify(spire, await presented(remit)), REMIT);
  });
  await check(report, 'jwt-svid: an agent gets a token bound to its key', async () => {
    const { status, token } = await agent.byJwt();
    assert.equal(status, 200);
    assert.equal(decodeJwt(token)['attestation'], 'jwt-svid');
  });
  await check(report, 'x509-svid: an agent gets a token bound to its certificate', async () => {
    const { status, token } = await agent.byX509();
    assert.equal(status, 200);
    assert.equal(decodeJwt(token)['attestation'], 'x509-svid');
    assert.equal(typeof (decodeJwt(token)['cnf'] as Record<string, string>)['x5t#S256'], 'string');
    assert.equal(await agent.listTasks(token), 200);
  });
  await check(report, 'x509-svid: the token is refused without the certificate', async () => {
    const { token } = await agent.byX509();
    const stranger = agent.open(null);
    const answer = await stranger.send('GET', '/v1/tasks', { headers: { authorization: `Bearer ${token}` } });
    stranger.close();
    assert.equal(answer.status, 401);
  });
  await check(report, 'x509-svid: an identity of SPIRE is no other identity of SPIRE', async () => {
    assert.equal((await agent.byX509({ client_id: REMIT })).status, 401);
  });
}

async function rotateUnderLoad(report: Report, { spire, remit, agent }: Set): Promise<void> {
  let [good, stop] = [0, false];
  const refused: string[] = [];
  let phase = 'renewal';
  const load = Promise.all(
    [() => agent.byX509(), () => agent.byJwt()].map(async (ask) => {
      while (!stop) {
        const { status, body } = await ask();
        if (status === 200) good++;
        else refused.push(`${phase}: ${body}`);
      }
    }),
  );
  const changed = async (what: () => Promise<string> | string) => {
    const before = await what();
    return until(async () => (await what()) !== before, SETTLED_WITHIN_MS);
  };
  const remits = async () => (await presented(remit)).fingerprint256;
  report.note('waiting for SPIRE to renew SVIDs of a minute');
  await check(report, 'rotation: SVIDs of Remit and of the agent are renewed', async () => {
    await Promise.all([changed(remits), changed(() => agent.svid().fingerprint256)]);
  });
  report.note('rotating the X.509 authority');
  phase = 'X.509';
  await check(report, 'rotation: the X.509 authority is another one', async () => {
    const [old] = agent.authorities();
    const byNew = (svid: X509Certificate) => !svid.verify(old!.publicKey);
    await spire.rotate('x509', async (step) => {
      phase = `X.509 ${step}`;
      if (step === 'prepared') return until(() => agent.authorities().length > 1, SETTLED_WITHIN_MS);
      await until(async () => byNew(agent.svid()) && byNew(await presented(remit)), SETTLED_WITHIN_MS);
      await inFlightAnswered();
    });
    await until(() => agent.authorities().length === 1, SETTLED_WITHIN_MS);
  });
  report.note('rotating the JWT authority');
  phase = 'JWT';
  await check(report, 'rotation: the JWT authority is another one', async () => {
    await spire.rotate('jwt', async (step) => {
      if (step === 'prepared') return until(async () => (await agent.jwtKeys()) > 1, SETTLED_WITHIN_MS);
      await changed(() => agent.jwtKeyId());
      await inFlightAnswered();
    });
    await until(async () => (await agent.jwtKeys()) === 1, SETTLED_WITHIN_MS);
  });
  stop = true;
  await load;
  await check(report, `rotation: none of ${good + refused.length} good requests was refused`, async () => {
    const kinds = [...new Set(refused)].map((kind) => `${refused.filter((each) => each === kind).length} × ${kind}`);
    assert.equal(refused.length, 0, kinds.join('; '));
    assert.ok(good > 100);
  });
}

/** What was sent with an SVID of before has had its answer. */
function inFlightAnswered(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2_000));
}

async function check(report: Report, name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    report.passed(name);
    report.note(`✓ ${name}`);
  } catch (error) {
    report.failed(name, error instanceof Error ? error.message : String(error));
  }
}

/** An agent that follows its X.509-SVID as SPIRE renews it. */
type InteropAgent = Awaited<ReturnType<typeof openAgent>>;
type Answer = { status: number; token: string; body: string };

async function openAgent(spire: Spire, remit: RemitProcess) {
  let current: { cert: string; key: string; bundle: Buffer[] } | undefined;
  const streams = openWorkloadStreams(spire.endpoint, () => {});
  streams.follow<{ svids: X509SvidMessage[] }>(
    'FetchX509SVID',
    ({ svids }) => {
      const svid = svids.find(({ spiffe_id: id }) => id === AGENT);
      if (svid === undefined) return;
      const cert = splitCertificates(svid.x509_svid).map((der) => new X509Certificate(der).toString());
      const key = `-----BEGIN PRIVATE KEY-----\n${svid.x509_svid_key.toString('base64')}\n-----END PRIVATE KEY-----\n`;
      current = { cert: cert.join(''), key, bundle: splitCertificates(svid.bundle) };
    },
    () => {},
  );
  await until(() => current !== undefined, SETTLED_WITHIN_MS);
  const workload = createWorkloadClient(spire.endpoint);
  const proofs = await DpopKey.generate();
  const port = Number(new URL(remit.url).port);
  const now = () => current!;

  const open = (shown: { cert: string; key: string } | null): TlsClient => {
    const ca = now()
      .bundle.map((der) => new X509Certificate(der).toString())
      .join('');
    const identity = shown === null ? {} : { cert: shown.cert, key: shown.key };
    return openTlsClient(port, 'localhost', { ca, ...identity }, { host: 'localhost' });
  };
  const ask = async (client: TlsClient, form: Record<string, string>, dpop?: string): Promise<Answer> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(dpop === undefined ? {} : { dpop }) };
    const body = new URLSearchParams({ grant_type: 'client_credentials', resource: `${remit.url}/v1`, ...form });
    try {
      const answer = await client.send('POST', '/token', { headers, body: body.toString() });
      const { access_token: token = '' } = JSON.parse(answer.body) as { access_token?: string };
      return { status: answer.status, token, body: answer.body };
    } finally {
      client.close();
    }
  };
  const assertion = async (audience: string) => ({
    client_assertion_type: JWT_SPIFFE,
    client_assertion: (await workload.fetchJwtSvid(audience)).svid,
  });

  return {
    open,
    byX509: (form: Record<string, string> = {}) => ask(open(now()), { client_id: AGENT, ...form }),
    byJwt: async () => ask(open(null), await assertion(remit.url), await proofs.proof('POST', `${remit.url}/token`)),
    plainToken: async ({ url }: RemitProcess) =>
      fetch(`${url}/token`, {
        method: 'POST',
        headers: { dpop: await proofs.proof('POST', `${url}/token`) },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          resource: `${url}/v1`,
          ...(await assertion(url)),
        }),
      }),
    listTasks: async (token: string) => {
      const client = open(now());
      const answer = await client.send('GET', '/v1/tasks', { headers: { authorization: `Bearer ${token}` } });
      client.close();
      return answer.status;
    },
    svid: () => new X509Certificate(now().cert),
    authorities: () => now().bundle.map((der) => new X509Certificate(der)),
    jwtKeys: async () => {
      const keys = (await workload.fetchJwtBundles()).get(TRUST_DOMAIN) ?? '{"keys":[]}';
      return (JSON.parse(keys) as { keys: unknown[] }).keys.length;
    },
    jwtKeyId: async () => {
      const { svid } = await workload.fetchJwtSvid(remit.url);
      return Buffer.from(svid.split('.')[0]!, 'base64url').toString();
    },
    close: () => {
      streams.close();
      workload.close();
    },
  };
}

function presented(remit: RemitProcess): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(remit.url);
    const socket = connect({ host: 'localhost', port: Number(port), rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
    });
    socket.once('error', reject);
  });
}

function identify(spire: Spire, certificate: X509Certificate): string {
  const bundles = createTrustBundles([
    { trustDomain: TRUST_DOMAIN, bundle: parseTrustBundle(spire.bundle(), 'SPIRE') },
  ]);
  return validateX509Svid([certificate.raw], 'server', bundles, { now: Date.now(), skewMs: 0 }).id;
}

function configure(copy: string, _spire: Spire, { tls, bundle }: { tls: boolean; bundle: object }): void {
  const file = join(copy, 'remit.yaml');
  const domain = `trust_domains:\n    - ${JSON.stringify({ name: TRUST_DOMAIN, bundle })}\n`;
  const text = readFileSync(file, 'utf8').replace('trust_domains:\n', domain);
  const own = `server:\n  tls: ${JSON.stringify(bundle)}\n`;
  writeFileSync(file, tls ? text.replace('server:\n', own) : text);
}

function copyProgram(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
