import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../../../test/fixtures/control-plane.ts';
import { createGovernedHttpGateway } from '../../../test/harness/governed-gateway.ts';
import { openRawUpstream, type RawUpstream } from '../../../test/harness/http-front.ts';
import type { TargetConfig } from '../../config/config.ts';
import type { DecisionRecord, LogRecord } from '../../core/record.ts';
import { UNKNOWN_PEER } from '../../identity/peer.ts';
import type { HttpGateway } from './gateway.ts';

const POLICIES = {
  'test.cedar': `
    permit (principal, action, resource);
    @id("amounts") @reason("large amounts are not paid")
    forbid (principal, action == Action::"billing:pay", resource) when { context.args.body has amount && context.args.body.amount > 100 };
    @id("held") @approval("note-owners") @reason("somebody has to agree")
    forbid (principal, action == Action::"billing:remove_user", resource);`,
};

let upstream: RawUpstream;
let plane: ControlPlane;
let gateway: HttpGateway;
let server: Server;
let client: Client;
let task: string;

beforeEach(async () => {
  upstream = await openRawUpstream(
    (_request, socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'),
  );
  plane = await openControlPlane({ policies: POLICIES, targets: [billing(upstream.url)] });
  gateway = createGovernedHttpGateway(plane);
  server = createServer((request, response) => void gateway.handle(request, response, UNKNOWN_PEER));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = await openClient(plane);
  const grant = [
    { target: 'billing', operations: ['show_user', 'remove_user', 'pay'], resources: ['user:7', 'account:*'] },
  ];
  ({ id: task } = await requestTask(await personSession(plane, 'alice'), { grant, budget: { calls: 10 } }));
});
afterEach(async () => {
  server.closeAllConnections();
  await gateway.close();
  await new Promise((resolve) => server.close(resolve));
  await plane.close();
  await upstream.close();
  expect(plane.faults).toEqual([]);
});

function billing(url: string): TargetConfig {
  const http = { query: [], headers: [], body: 'none' as const };
  const user = ['user:{path.user}'];
  return {
    name: 'billing',
    kind: 'http',
    upstream: { kind: 'http', url, headers: {}, private: true },
    sensitivity: 'internal',
    timeoutMs: 1000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show_user: { effect: 'read', resources: user, http: { ...http, method: 'GET', path: '/users/{user}' } },
      remove_user: { effect: 'delete', resources: user, http: { ...http, method: 'DELETE', path: '/users/{user}' } },
      pay: {
        effect: 'write',
        resources: ['account:{body.account}'],
        http: { ...http, method: 'POST', path: '/payments', body: 'json' },
      },
    },
  };
}

async function tokenFor(resource: string): Promise<Response> {
  const agent = await agentSession(plane);
  return client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, task),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource,
  });
}

async function token(resource = `${ISSUER}/http/billing`): Promise<string> {
  return ((await (await tokenFor(resource)).json()) as { access_token: string }).access_token;
}

async function send(accessToken: string, method: string, path: string, body?: object): Promise<Response> {
  const url = `${ISSUER}/http/billing${path}`;
  const proof = await client.proof({ method, url, accessToken });
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/http/billing${path}`, {
    method,
    headers: {
      authorization: `DPoP ${accessToken}`,
      dpop: proof,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const atGateway = (record: LogRecord) => record.kind === 'decision' && record.action.target === 'billing';
const decisions = () => plane.records().filter(atGateway) as DecisionRecord[];

test('a call is decided on its arguments by place, recorded, sent, and its outcome recorded', async () => {
  const answer = await send(await token(), 'GET', '/users/7');
  expect([answer.status, await answer.text()]).toEqual([200, 'hi']);
  expect(decisions()).toMatchObject([
    {
      action: {
        operation: 'show_user',
        effect: 'read',
        resources: ['user:7'],
        arguments: { path: { user: '7' }, query: {}, headers: {} },
      },
      decision: { outcome: 'permit' },
    },
  ]);
  await expect.poll(() => plane.records().at(-1)).toMatchObject({ kind: 'outcome', status: 'ok' });
  expect(upstream.received).toHaveLength(1);
});

test('a token is for one target and one protocol', async () => {
  expect((await tokenFor(`${ISSUER}/mcp/billing`)).status).toBe(400);
  expect((await tokenFor(`${ISSUER}/http/files`)).status).toBe(400);
  const foreign = await send(await token(`${ISSUER}/mcp/files`).catch(() => 'none'), 'GET', '/users/7');
  expect(foreign.status).toBe(401);
  expect(foreign.headers.get('www-authenticate')).toContain(
    `resource_metadata="${ISSUER}/.well-known/oauth-protected-resource/http/billing"`,
  );
  const metadata = await plane.app.request('/.well-known/oauth-protected-resource/http/billing');
  expect(await metadata.json()).toMatchObject({ resource: `${ISSUER}/http/billing` });
  expect((await plane.app.request('/.well-known/oauth-protected-resource/mcp/billing')).status).toBe(404);
});

test('without a token, or with a proof for another path, nothing is decided and the refusal is counted', async () => {
  const accessToken = await token();
  const { port } = server.address() as AddressInfo;
  const bare = await fetch(`http://127.0.0.1:${port}/http/billing/users/7`);
  expect([bare.status, ((await bare.json()) as { type: string }).type]).toEqual([
    401,
    'urn:remit:problem:unauthenticated',
  ]);
  const proof = await client.proof({ method: 'GET', url: `${ISSUER}/http/billing/users/8`, accessToken });
  const headers = { authorization: `DPoP ${accessToken}`, dpop: proof };
  expect((await fetch(`http://127.0.0.1:${port}/http/billing/users/7`, { headers })).status).toBe(401);
  expect(decisions()).toEqual([]);
  const counted = (record: LogRecord) => record.kind === 'event' && record.event === 'request.refused';
  await expect
    .poll(() => plane.records().filter(counted))
    .toMatchObject([
      { subject: { at: '/http/billing', error: 'unauthenticated' } },
      { subject: { at: '/http/billing', error: 'invalid_dpop_proof' } },
    ]);
});

test('what the grant does not hold, what policy forbids, and what is no operation: denied and recorded', async () => {
  const accessToken = await token();
  const outside = await send(accessToken, 'GET', '/users/8');
  expect([outside.status, outside.headers.get('content-type')]).toEqual([403, 'application/problem+json']);
  expect(await outside.json()).toMatchObject({
    type: 'urn:remit:problem:denied',
    remit: { decision: 'deny', codes: ['outside_grant'] },
  });
  const large = await send(accessToken, 'POST', '/payments', { account: 'a', amount: 101 });
  expect(await large.json()).toMatchObject({ detail: expect.stringContaining('large amounts are not paid') });
  expect((await send(accessToken, 'PATCH', '/users/7')).status).toBe(403);
  expect((await send(accessToken, 'POST', '/payments', { account: 'a', amount: 100 })).status).toBe(200);
  expect(decisions().map(({ action, decision }) => [action.operation, decision.outcome])).toEqual([
    ['show_user', 'deny'],
    ['pay', 'deny'],
    ['PATCH /users/7', 'deny'],
    ['pay', 'permit'],
  ]);
  expect(upstream.received).toHaveLength(1);
});

test('INVARIANT 8: a held call goes through once, after somebody has agreed to exactly this one', async () => {
  const accessToken = await token();
  const held = await send(accessToken, 'DELETE', '/users/7');
  expect([held.status, held.headers.get('retry-after')]).toEqual([403, '5']);
  const { remit } = (await held.json()) as { remit: { approval: { id: string } } };
  const bob = await personSession(plane, 'bob');
  expect((await bob.call('POST', `/v1/approvals/${remit.approval.id}/approve`, {})).status).toBe(200);
  expect((await send(accessToken, 'DELETE', '/users/7')).status).toBe(200);
  expect((await send(accessToken, 'DELETE', '/users/7')).status).toBe(403);
  expect(upstream.received).toHaveLength(1);
});

test('INVARIANT 6: nothing of an ended task is sent', async () => {
  const accessToken = await token();
  await (await personSession(plane, 'alice')).call('POST', `/v1/tasks/${task}/revoke`, { reason: 'test' });
  expect((await send(accessToken, 'GET', '/users/7')).status).toBe(403);
  expect(upstream.received).toEqual([]);
});
