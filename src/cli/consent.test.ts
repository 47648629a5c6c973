/** A delegator's own consent: from the command line over a browser to a token that only their tasks get. */
import { generateKeyPair } from 'jose';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TargetConfig } from '../config/config.ts';
import type { CredentialConfig } from '../config/credential.ts';
import { createCredential, type MadeCredential } from '../credential/create.ts';
import type { CredentialUse } from '../credential/credential.ts';
import type { Agent, Delegator } from '../core/party.ts';
import { createKeySeal } from '../keys/key-seal.ts';
import { openSealingKeys } from '../keys/sealing-keys.ts';
import { openCredentialParts, type OpenCredentialParts } from '../../test/fixtures/credential-parts.ts';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  PEOPLE,
  personSession,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import {
  CLIENT_SECRET,
  startAuthorizationServer,
  type AuthorizationServer,
} from '../../test/harness/authorization-server.ts';
import { browse } from '../../test/harness/identity-provider.ts';
import { consent } from './consent.ts';
import { UsageError, type Io } from './io.ts';

let server: AuthorizationServer;
beforeAll(async () => {
  const { publicKey } = await generateKeyPair('EdDSA');
  server = await startAuthorizationServer({ issuer: ISSUER, key: publicKey });
});
afterAll(() => server.close());

let folder: string;
let plane: ControlPlane;
let alice: Session;
let parts: OpenCredentialParts;
let made: MadeCredential;
beforeEach(async () => {
  process.env['REMIT_TEST_CLIENT_SECRET'] = CLIENT_SECRET;
  server.person.sub = 'ann';
  server.next.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'remit-consent-'));
  const config: CredentialConfig = {
    kind: 'delegator',
    tokenUrl: server.tokenUrl,
    revocationUrl: server.revocationUrl,
    authorizationUrl: server.authorizationUrl,
    issuer: server.issuer,
    client: {
      id: 'remit-post',
      proof: { method: 'client_secret_post', secret: { fromEnv: 'REMIT_TEST_CLIENT_SECRET' } },
    },
    scope: 'openid offline_access contacts.read',
    resource: null,
  };
  const target: TargetConfig = {
    name: 'crm',
    kind: 'mcp',
    upstream: { kind: 'http', url: 'https://crm.example.com/mcp', headers: {} },
    credential: config,
    sensitivity: 'internal',
    timeoutMs: 1000,
    maxAnswerBytes: 1000,
    clientCapabilities: [],
    operations: {},
  };
  plane = await openControlPlane({ folder, targets: [target] });
  alice = await personSession(plane, 'alice');
  parts = await openCredentialParts();
  parts.env['REMIT_TEST_CLIENT_SECRET'] = CLIENT_SECRET;
  // The store and keys of the control plane, as one process has them.
  const keys = await openSealingKeys(join(folder, 'sealing.jwk'), await createKeySeal(null));
  made = createCredential(config, 'crm', { ...parts, store: plane.store, keys });
});
afterEach(async () => {
  delete process.env['REMIT_TEST_CLIENT_SECRET'];
  await parts.dispose();
  await plane.close();
  rmSync(folder, { recursive: true });
});

/** @param visit what is done with the address that the person is sent to. */
async function run(
  args: string[],
  { person = alice, visit = browse as (url: string) => Promise<unknown> } = {},
): Promise<string[]> {
  const out: string[] = [];
  const visits: Promise<unknown>[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => {
      const url = /https?:\S+/.exec(line)?.[0];
      if (url !== undefined) visits.push(visit(url));
    },
    json: false,
    env: {},
    remitUrl: ISSUER,
    dataDir: '/none',
    person: async () => ({
      fetch: (url, init = {}) =>
        person.call(init.method ?? 'GET', String(url).slice(ISSUER.length), init.body ?? undefined),
    }),
  };
  const [outcome] = await Promise.allSettled([consent(args, io)]);
  await Promise.allSettled(visits);
  if (outcome.status === 'rejected') throw outcome.reason;
  return out;
}

const agent: Agent = {
  id: 'spiffe://remit.local/agent/a' as Agent['id'],
  trustDomain: 'remit.local',
  attestation: 'jwt-svid',
};
const delegator = (subject: string): Delegator => ({ issuer: PEOPLE, subject, groups: [] });
async function tokenOf(change: Partial<CredentialUse> = {}): Promise<string> {
  const use: CredentialUse = {
    task: 'task_1',
    agent,
    delegator: delegator('alice'),
    target: 'crm',
    policySet: 'sha256:1',
    signal: new AbortController().signal,
    ...change,
  };
  const outgoing = { method: 'GET', url: 'https://crm.example.com/', headers: {}, bodyDigest: null };
  const { headers } = await made.credential.inject(outgoing, use);
  return headers['authorization']!.replace('Bearer ', '');
}

test("what a delegator consented to is used in their tasks, and in nobody else's", async () => {
  expect(await run([])).toEqual(['no consents']);
  await expect(tokenOf()).rejects.toMatchObject({
    code: 'consent_required',
    message: expect.stringContaining('`remit consent give crm`'),
  });
  const [given] = await run(['give', 'crm']);
  expect(given).toMatch(/^crm {2}since 20\S+Z$/);
  expect(await run(['list'])).toHaveLength(1);
  const token = await tokenOf();
  expect(await server.isActive(token)).toBe(true);
  expect(await tokenOf()).toBe(token);
  // Each task has a token of its own, although the server rotates what they are got with.
  const others = await Promise.all([tokenOf({ task: 'task_2' }), tokenOf({ task: 'task_3' })]);
  expect(new Set([token, ...others]).size).toBe(3);
  await expect(tokenOf({ delegator: delegator('bob') })).rejects.toMatchObject({ code: 'consent_required' });
  await expect(tokenOf({ task: null, delegator: null, agent: null })).rejects.toMatchObject({
    code: 'credential_unavailable',
  });
  const bob = await personSession(plane, 'bob');
  expect(await run([], { person: bob })).toEqual(['no consents']);
});

test('INVARIANT 14: nothing of it is in the database or in a record, and the record says who consented', async () => {
  await run(['give', 'crm']);
  const token = await tokenOf();
  const written = ['remit.db', 'remit.db-wal'].map((name) => readFileSync(join(folder, name), 'latin1')).join();
  expect(written).not.toContain(token);
  expect(plane.records().at(-1)).toMatchObject({
    kind: 'decision',
    action: { operation: 'consent.give', resources: ['target:crm'] },
    delegator: { subject: 'alice' },
    decision: { outcome: 'permit' },
  });
});

test('withdrawn, it is used no more from that moment on, and revoked at the server', async () => {
  await run(['give', 'crm']);
  const token = await tokenOf();
  expect(await run(['withdraw', 'crm'])).toEqual(['crm  withdrawn, and revoked at its server']);
  expect(await server.isActive(token)).toBe(false);
  await expect(tokenOf()).rejects.toMatchObject({ code: 'consent_required' });
  await expect(tokenOf({ task: 'task_2' })).rejects.toMatchObject({ code: 'consent_required' });
  await expect(run(['withdraw', 'crm'])).rejects.toThrow('there is no consent of yours');
  await run(['give', 'crm']);
  expect(await server.isActive(await tokenOf({ task: 'task_4' }))).toBe(true);
});

test('a withdrawal that the server cannot be told of is one all the same', async () => {
  await run(['give', 'crm']);
  await tokenOf();
  server.next.push((response) => void response.writeHead(503).end());
  expect(await run(['withdraw', 'crm'])).toEqual([
    'crm  withdrawn; its server could not be told, so withdraw it there too',
  ]);
  await expect(tokenOf()).rejects.toMatchObject({ code: 'consent_required' });
});

test('who refuses at the server has consented to nothing', async () => {
  server.person.sub = '';
  await expect(run(['give', 'crm'])).rejects.toThrow('the server gave no consent');
  await expect(tokenOf()).rejects.toMatchObject({ code: 'consent_required' });
});

test('a consent is completed once, by who began it, with what came back for it', async () => {
  const begin = async (person: Session) => {
    const body = { target: 'crm', redirect_uri: `${server.issuer}/callback` };
    const answer = await person.call('POST', '/v1/consents/begin', body);
    return (await answer.json()) as { id: string; authorization_url: string };
  };
  const complete = (person: Session, id: string, response: string) =>
    person.call('POST', '/v1/consents/complete', { id, response }).then(({ status }) => status);
  const mallory = await personSession(plane, 'bob');
  const begun = await begin(alice);
  const { url } = await browse(begun.authorization_url);
  const response = new URL(url).search.slice(1);
  // Somebody else, or in another consent of somebody else's.
  expect(await complete(mallory, begun.id, response)).toBe(404);
  const theirs = await begin(mallory);
  expect(await complete(mallory, theirs.id, response)).toBe(400);
  const forged = new URLSearchParams(response);
  forged.set('iss', 'https://elsewhere.example');
  const again = await begin(alice);
  expect(await complete(alice, again.id, forged.toString())).toBe(400);
  expect(await complete(alice, begun.id, response)).toBe(200);
  expect(await complete(alice, begun.id, response)).toBe(404);
  const late = await begin(alice);
  plane.clock.advance(10 * 60_000);
  const soon = await personSession(plane, 'alice');
  expect(await complete(soon, late.id, response)).toBe(404);
});

test('who begins consents without end keeps nobody else from theirs', async () => {
  const person = await personSession(plane, 'bob');
  const body = { target: 'crm', redirect_uri: `${server.issuer}/callback` };
  const begin = async () =>
    (await (await person.call('POST', '/v1/consents/begin', body)).json()) as { id: string; authorization_url: string };
  const [first] = [await begin(), await begin(), await begin(), await begin(), await begin(), await begin()];
  const { url } = await browse(first!.authorization_url);
  const answer = { id: first!.id, response: new URL(url).search.slice(1) };
  expect((await person.call('POST', '/v1/consents/complete', answer)).status).toBe(404);
});

test.each([
  ['an agent', async () => agentSession(plane), { target: 'crm', redirect_uri: 'http://127.0.0.1:1/callback' }, 403],
  ['another target', async () => alice, { target: 'files', redirect_uri: 'http://127.0.0.1:1/callback' }, 404],
  ['a redirect elsewhere', async () => alice, { target: 'crm', redirect_uri: 'https://evil.example/callback' }, 400],
  [
    'a redirect to a host like it',
    async () => alice,
    { target: 'crm', redirect_uri: 'http://127.0.0.1.evil.example/' },
    400,
  ],
])('%s begins none', async (_name, who, body, status) => {
  expect((await (await who()).call('POST', '/v1/consents/begin', body)).status).toBe(status);
});

test.each([[['give']], [['give', 'a', 'b']], [['withdraw']], [['list', 'a']], [['show']]])(
  '%j is a usage error',
  async (args) => {
    await expect(run(args)).rejects.toThrow(UsageError);
  },
);
