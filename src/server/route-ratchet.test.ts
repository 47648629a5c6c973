import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  OTHER_AGENT,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  RESOURCE_SERVER,
  sampleApproval,
  SUMMARISER,
  taskBody,
  type Client,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import type { TargetConfig } from '../config/config.ts';
import type { Approval } from '../core/approval.ts';
import { moved, type LeaseEnd } from '../core/lease.ts';
import type { Delegator } from '../core/party.ts';
import type { StandingAnswer } from '../core/standing-answer.ts';
import type { Task } from '../core/task.ts';
import { issueTaskToken } from '../token/task-token.ts';
import { agentFixture, leaseFixture } from '../store/conformance/fixture.ts';
import { schemaDocuments } from './write-schema.ts';

/**
 * The ratchet: whatever route the OpenAPI document has, it refuses who shows nothing, who shows a token for something
 * else, and whom policy does not permit. A new route without a sample request fails here.
 */
const DIGEST = `sha256:${'b'.repeat(64)}`;
const PUBLISHED = { 'all.cedar': 'permit (principal, action, resource);' };
const REGISTERED = 'spiffe://remit.local/agent/registered';
const SUSPENDED = 'spiffe://remit.local/agent/suspended';
const OWNER = { issuer: 'https://idp.example.test', subject: 'alice' };
const LEASE = `lse_${'1'.repeat(24)}`;
const FOUND = `lse_${'2'.repeat(24)}`;
const HOP = { ...taskBody(), agent: OTHER_AGENT };
const SAMPLES: Record<string, { path: string; body?: unknown }> = {
  'POST /v1/tasks': { path: '/v1/tasks', body: taskBody() },
  'GET /v1/tasks': { path: '/v1/tasks' },
  'GET /v1/tasks/{id}': { path: '/v1/tasks/TASK' },
  'POST /v1/tasks/{id}/hops': { path: '/v1/tasks/TASK/hops', body: HOP },
  'GET /v1/tasks/{id}/tree': { path: '/v1/tasks/TASK/tree' },
  'POST /v1/tasks/{id}/complete': { path: '/v1/tasks/TASK/complete' },
  'POST /v1/tasks/{id}/revoke': { path: '/v1/tasks/TASK/revoke', body: { reason: 'a mistake' } },
  'GET /v1/approvals': { path: '/v1/approvals' },
  'GET /v1/approvals/{id}': { path: '/v1/approvals/apr_1' },
  'POST /v1/approvals/{id}/approve': { path: '/v1/approvals/apr_1/approve' },
  'POST /v1/approvals/{id}/refuse': { path: '/v1/approvals/apr_1/refuse' },
  'POST /v1/approvals/answers': {
    path: '/v1/approvals/answers',
    body: { answers: [{ id: 'apr_1', digest: `sha256:${'0'.repeat(64)}`, answer: 'approved' }] },
  },
  'GET /v1/access-requests/{id}': { path: '/v1/access-requests/apr_1' },
  'GET /v1/standing-answers': { path: '/v1/standing-answers' },
  'POST /v1/standing-answers/{id}/revoke': { path: '/v1/standing-answers/sta_1/revoke' },
  'GET /v1/targets': { path: '/v1/targets' },
  'GET /v1/targets/{target}/operations/{operation}': { path: '/v1/targets/files/operations/read_text_file' },
  'POST /v1/targets/{target}/operations/{operation}/accept': {
    path: '/v1/targets/files/operations/read_text_file/accept',
    body: { digest: DIGEST },
  },
  'POST /v1/targets/{target}/events': {
    path: '/v1/targets/files/events',
    body: {
      events: [{ id: 'e-1', time: '2026-11-23T12:00:00Z', operation: 'read_text_file', outcome: 'done' }],
    },
  },
  'GET /v1/log/records': { path: '/v1/log/records' },
  'GET /v1/log/records/{id}': { path: '/v1/log/records/RECORD' },
  'GET /v1/log/checkpoint': { path: '/v1/log/checkpoint' },
  'GET /v1/policy': { path: '/v1/policy' },
  'GET /v1/policy/sets/{hash}': { path: '/v1/policy/sets/POLICY_SET' },
  'GET /v1/policy/catalogue': { path: '/v1/policy/catalogue' },
  'POST /v1/policy/check': { path: '/v1/policy/check', body: { files: PUBLISHED } },
  'POST /v1/policy/diff': { path: '/v1/policy/diff', body: { files: PUBLISHED, requests: 100 } },
  'GET /v1/policy/explain/{record}': { path: '/v1/policy/explain/DECISION' },
  'POST /v1/policy/publish': { path: '/v1/policy/publish', body: { files: PUBLISHED } },
  'POST /v1/policy/rollback': { path: '/v1/policy/rollback', body: {} },
  'GET /v1/tasks/{id}/usage': { path: '/v1/tasks/TASK/usage' },
  'GET /v1/usage': { path: `/v1/usage?agent=${encodeURIComponent(SUMMARISER)}&since=2026-01-01T00:00:00Z` },
  'GET /v1/profiles': { path: '/v1/profiles' },
  'GET /v1/profiles/{profile}': { path: '/v1/profiles/notes' },
  'GET /v1/keys': { path: '/v1/keys' },
  'GET /v1/agents': { path: '/v1/agents' },
  'GET /v1/agents/show': { path: `/v1/agents/show?id=${encodeURIComponent(REGISTERED)}` },
  'POST /v1/agents': {
    path: '/v1/agents',
    body: { id: 'spiffe://remit.local/agent/new', purpose: 'test', owner: OWNER },
  },
  'POST /v1/agents/set': { path: '/v1/agents/set', body: { id: REGISTERED, purpose: 'another' } },
  'POST /v1/agents/suspend': { path: '/v1/agents/suspend', body: { id: REGISTERED, reason: 'test' } },
  'POST /v1/agents/resume': { path: '/v1/agents/resume', body: { id: SUSPENDED, reason: 'test' } },
  'POST /v1/agents/retire': { path: '/v1/agents/retire', body: { id: REGISTERED, reason: 'test' } },
  'GET /v1/revocations': { path: '/v1/revocations' },
  'GET /v1/revocations/snapshot': { path: '/v1/revocations/snapshot' },
  'GET /v1/suspensions': { path: '/v1/suspensions' },
  'POST /v1/suspensions': { path: '/v1/suspensions', body: { kind: 'target', id: 'memory', reason: 'a test' } },
  'POST /v1/suspensions/resume': {
    path: '/v1/suspensions/resume',
    body: { kind: 'target', id: 'files', reason: 'a test' },
  },
  'GET /v1/leases': { path: '/v1/leases?all=true' },
  'GET /v1/leases/{id}': { path: `/v1/leases/${LEASE}` },
  'POST /v1/leases/{id}/revoke': { path: `/v1/leases/${LEASE}/revoke`, body: { reason: 'test' } },
  'POST /v1/leases/{id}/settle': { path: `/v1/leases/${LEASE}/settle`, body: { reason: 'test' } },
  'POST /v1/leases/{id}/release': { path: `/v1/leases/${FOUND}/release`, body: { reason: 'test' } },
  'POST /v1/leases/{id}/discard': { path: `/v1/leases/${FOUND}/discard`, body: { reason: 'test' } },
  'GET /v1/tasks/{id}/labels': { path: '/v1/tasks/TASK/labels' },
  'POST /v1/tasks/{id}/declassify': {
    path: '/v1/tasks/TASK/declassify',
    body: { value: 'eve@example.com', reason: 'test' },
  },
  'GET /v1/labels/explain/{record}': { path: '/v1/labels/explain/DECISION' },
  'POST /v1/keys/rotate': { path: '/v1/keys/rotate', body: {} },
  'GET /v1/secrets': { path: '/v1/secrets' },
  'POST /v1/secrets/set': { path: '/v1/secrets/set', body: { name: 'new', value: 'a secret value' } },
  'POST /v1/secrets/rotate': { path: '/v1/secrets/rotate', body: { name: 'crm', value: 'a secret value' } },
  'POST /v1/secrets/remove': { path: '/v1/secrets/remove', body: { name: 'crm' } },
  'POST /v1/secrets/reseal': { path: '/v1/secrets/reseal', body: {} },
  'GET /v1/consents': { path: '/v1/consents' },
  'POST /v1/consents/begin': {
    path: '/v1/consents/begin',
    body: { target: 'files', redirect_uri: 'http://127.0.0.1:1/callback' },
  },
  'POST /v1/consents/complete': { path: '/v1/consents/complete', body: { id: 'cns_1', response: 'code=a' } },
  'POST /v1/consents/withdraw': { path: '/v1/consents/withdraw', body: { target: 'files' } },
};

const document = JSON.parse(schemaDocuments()['openapi.json']!) as { paths: Record<string, Record<string, unknown>> };
const DOCUMENTED = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);
const ROUTES = DOCUMENTED.filter((route) => route.includes(' /v1/'));

/** AuthZEN's answer with what was decided; whom policy does not permit gets `false` (src/gateway/authzen/authzen.test.ts). */
const QUESTION = {
  subject: { type: 'agent', id: SUMMARISER },
  action: { name: 'read' },
  resource: { type: 'record', id: '1' },
};
const EVALUATIONS: typeof SAMPLES = Object.fromEntries(
  ['evaluation', 'evaluations'].flatMap((endpoint) => [
    [`POST /access/v1/${endpoint}`, { path: `/access/v1/${endpoint}`, body: QUESTION }],
    [
      `POST /authzen/{target}/access/v1/${endpoint}`,
      { path: `/authzen/records/access/v1/${endpoint}`, body: QUESTION },
    ],
  ]),
);
const GUARDED = [...ROUTES, ...Object.keys(EVALUATIONS)];

/** The rest answers as OAuth does, and has forms: what a client says that proves itself, beside how it does. */
const FORMS: Record<string, { form: () => Promise<Record<string, string>>; as: string }> = {
  'POST /token': { form: async () => ({ grant_type: 'client_credentials', resource: API }), as: SUMMARISER },
  'POST /revoke': {
    form: async () => ({ token: await taskToken() }),
    as: SUMMARISER,
  },
  'POST /introspect': { form: async () => ({ token: (await targetToken()).accessToken }), as: RESOURCE_SERVER },
};

const PROFILE = `
name: notes
version: 1
agents: [${SUMMARISER}]
grant: [{ target: files, effects: [read] }]
sensitivity: internal
`;

const RECORDS: TargetConfig = {
  name: 'records',
  kind: 'authzen',
  upstream: { kind: 'none' },
  sensitivity: 'internal',
  timeoutMs: 1000,
  maxAnswerBytes: Infinity,
  clientCapabilities: [],
  operations: {},
};

/** Tokens are issued, and nothing else is permitted. */
const NOTHING = { 'tokens.cedar': 'permit (principal, action == Action::"remit:token.issue", resource);' };

let plane: ControlPlane;
let task: string;

async function open(policies?: Record<string, string>): Promise<void> {
  plane = await openControlPlane({
    profiles: { 'notes.yaml': PROFILE },
    targets: [RECORDS],
    ...(policies === undefined ? {} : { policies }),
  });
  if (policies === undefined) task = (await requestTask(await personSession(plane, 'alice'), { max_hops: 1 })).id;
  else await plane.store.createTask(taskOf((task = 'task_1'), plane.clock.now()), []);
  const now = plane.clock.now();
  await plane.store.requestApproval(sampleApproval(task, now), () => []);
  const given = sampleApproval(task, now, { id: 'apr_2', digest: 'sha256:2' });
  await plane.store.requestApproval(given, () => []);
  const by = { issuer: 'https://idp.example.test', subject: 'bob', groups: ['note-owners'] };
  await plane.store.answerApproval({ id: 'apr_2', to: 'approved', by, at: now }, [], standingOf(given, by));
  const lease = leaseFixture({ id: LEASE, task, target: 'files', usableAt: ['files'] });
  await plane.store.admit({ chain: [task], counted: false, approval: null, lease }, []);
  const end: LeaseEnd = { by: 'call', operation: 'delete_key', arguments: { id: 'key-1' }, gone: [] };
  await plane.store.saveLease({ lease: moved(lease, 'held', { identifier: 'key-1', end }), from: ['intended'] }, []);
  const found = leaseFixture({ ...lease, id: FOUND, kind: 'found', state: 'waiting', end: { by: 'forgetting' } });
  await plane.store.keepFound([{ lease: found, sealed: '' }], []);
  for (const id of [REGISTERED, SUSPENDED]) {
    const agent = agentFixture({ id, owner: OWNER, state: id === SUSPENDED ? 'suspended' : 'active' });
    await plane.store.registerAgent(agent, []);
  }
  const sealed = { kind: 'secret', name: 'crm', version: 1, sealed: '', task: null, expiresAt: null, at: 0 } as const;
  await plane.store.putSealed(sealed, []);
  for (const digest of [`sha256:${'a'.repeat(64)}`, DIGEST]) {
    const at = plane.clock.now();
    const seen = { target: 'files', operation: 'read_text_file', digest, definition: '{}', at };
    await plane.store.observeDefinition(seen, () => []);
  }
}

function standingOf({ card, policySet, id, createdAt, expiresAt }: Approval, by: Delegator): StandingAnswer {
  const { target, operation } = card;
  const match = { target, operation, resources: [], arguments: {}, policySet };
  const uses = { approvers: [by], uses: 1, usesLeft: 1, state: 'active' as const, createdAt, expiresAt };
  return { id: 'sta_1', task, approval: id, ...match, ...uses };
}

function taskOf(id: string, now: number): Task {
  return {
    id,
    parent: null,
    delegator: { issuer: 'https://idp.example.test', subject: 'alice', groups: [] },
    agent: { id: SUMMARISER as Task['agent']['id'], trustDomain: 'remit.local' },
    purpose: 'test',
    parameters: {},
    grant: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
    sensitivity: 'internal',
    origin: { channel: 'api', trust: 'authenticated' },
    window: { notBefore: now, expiresAt: now + 60_000 },
    budget: { calls: 1 },
    maxHops: 1,
    state: 'active',
    createdAt: now,
  };
}

function sampleOf(route: string): { method: string; path: string; body?: unknown } {
  const sample = SAMPLES[route] ?? EVALUATIONS[route];
  if (sample === undefined) throw new Error(`${route} has no sample request here: add one`);
  const path = sample.path
    .replace('TASK', task)
    .replace('RECORD', plane.records()[0]!.id)
    .replace('DECISION', plane.records().find(({ kind }) => kind === 'decision')!.id)
    .replace('POLICY_SET', plane.store.policyHistory(1)[0]!.hash);
  return { method: route.split(' ')[0]!, ...sample, path };
}

const send = (session: Session, route: string) => {
  const { method, path, body } = sampleOf(route);
  return session.call(method, path, body);
};

test('every route has a sample, and no sample is of a route that is gone', () => {
  expect([...Object.keys({ ...SAMPLES, ...EVALUATIONS }), ...Object.keys(FORMS)].toSorted()).toEqual(
    DOCUMENTED.toSorted(),
  );
});

const GOOD: Record<string, unknown> = {
  'POST /token': { token_type: 'DPoP' },
  'POST /revoke': null,
  'POST /introspect': { active: true },
};

describe('who is refused at an OAuth endpoint', () => {
  const assertion = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
  const NOBODY = { 'log.cedar': 'permit (principal, action == Action::"remit:log.read", resource);' };
  afterEach(() => plane.close());

  /** As the client of the route, by an SVID with these claims; by nothing for `null`. */
  async function post(route: string, claims: Record<string, unknown> | null): Promise<[number, unknown]> {
    const { form, as } = FORMS[route]!;
    const path = route.split(' ')[1]!;
    const by: Record<string, string> =
      claims === null ? {} : { client_assertion_type: assertion, client_assertion: await plane.svid(as, claims) };
    const client = await openClient(plane);
    const response = await plane.app.request(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await client.proof({ method: 'POST', url: `${ISSUER}${path}` }),
      },
      body: new URLSearchParams({ ...(await form()), ...by }).toString(),
    });
    const text = await response.text();
    return [response.status, text === '' ? null : JSON.parse(text)];
  }

  test.each(Object.keys(FORMS))('%s: nobody, when nothing is wrong', async (route) => {
    await open();
    expect(await post(route, {})).toMatchObject([200, GOOD[route]]);
  });

  test.each(Object.keys(FORMS))('%s: who shows nothing, or what is for somebody else', async (route) => {
    await open();
    expect(await post(route, null)).toMatchObject([401, { error: 'invalid_client' }]);
    expect(await post(route, { aud: ['https://other.test'] })).toMatchObject([401, { error: 'invalid_client' }]);
    expect(plane.store.task(task)?.state).toBe('active');
  });

  test.each(Object.keys(FORMS))('%s: whom policy does not permit, on the record', async (route) => {
    await open(route.endsWith('token') ? NOBODY : { ...NOBODY, ...NOTHING });
    // RFC 7662, section 2.2: who may not know learns what a stranger would of a token that is not good.
    const answer = route.endsWith('introspect') ? [200, { active: false }] : [400, { error: 'unauthorized_client' }];
    expect(await post(route, {})).toMatchObject(answer);
    expect(plane.records().at(-1)).toMatchObject({ kind: 'decision', decision: { outcome: 'deny' } });
    expect(plane.store.task(task)?.state).toBe('active');
  });
});

describe('who is refused before anything is decided', () => {
  beforeAll(() => open());
  afterAll(() => plane.close());

  test.each(GUARDED)('%s: who shows nothing', async (route) => {
    const { method, path, body } = sampleOf(route);
    const response = await plane.app.request(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { type: 'urn:remit:problem:unauthenticated' },
    ]);
  });

  test.each(GUARDED)('%s: who shows a token for a target', async (route) => {
    const { client, accessToken } = await targetToken();
    const { method, path, body } = sampleOf(route);
    const response = await client.fetch(accessToken, method, path, body);
    expect([response.status, await response.json()]).toMatchObject([401, { type: 'urn:remit:problem:invalid_token' }]);
  });
});

describe('who is refused by policy, on the record', () => {
  beforeAll(() => open(NOTHING));
  afterAll(() => plane.close());

  test.each(ROUTES)('%s', async (route) => {
    const session = route.includes('hops')
      ? await agentSession(plane)
      : await personSession(plane, /approvals|standing|access-requests/.test(route) ? 'bob' : 'alice');
    const response = await send(session, route);
    expect([response.status, await response.json()]).toMatchObject([403, { type: 'urn:remit:problem:forbidden' }]);
    expect(plane.records().at(-1)).toMatchObject({ kind: 'decision', decision: { outcome: 'deny' } });
    expect(plane.store.task(task)?.state).toBe('active');
  });
});

/** Who may do what under the quickstart's policies: reviewed as one table. */
test('the authorization matrix', { timeout: 60_000 }, async () => {
  const who: [name: string, open: () => Promise<Session>][] = [
    ['alice (delegator)', () => personSession(plane, 'alice')],
    ['bob (note-owners)', () => personSession(plane, 'bob')],
    ['carol (security)', () => personSession(plane, 'carol')],
    ['dan (no group)', () => personSession(plane, 'dan')],
    ['summariser (agent)', () => agentSession(plane)],
    ['another agent', () => agentSession(plane, OTHER_AGENT)],
  ];
  const rows: string[][] = [['', ...who.map(([name]) => name)]];
  await open();
  for (const route of ROUTES) {
    const row = [route];
    for (const [, openSession] of who) {
      const { status } = await send(await openSession(), route);
      row.push(String(status));
      // What has changed something is asked the next time where nothing has.
      if (status === 200 && route.startsWith('POST')) {
        await plane.close();
        await open();
      }
    }
    rows.push(row);
  }
  await plane.close();
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const text = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(
    join(import.meta.dirname, '../../test/golden/own-operations.txt'),
  );
});

const taskToken = () => issueTaskToken(plane.store.task(task)!, plane.parts.taskTokens);

async function targetToken(): Promise<{ client: Client; accessToken: string }> {
  const client = await openClient(plane);
  const response = await client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: await taskToken(),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    resource: `${ISSUER}/mcp/files`,
  });
  return { client, accessToken: ((await response.json()) as { access_token: string }).access_token };
}
