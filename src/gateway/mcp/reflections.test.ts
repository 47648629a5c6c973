/** INVARIANT 7: what a server of tools says beside its answers, in a stream that it makes up. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { listen } from '../../../test/conformance/listen.ts';
import { initialize, requestOf } from '../../../test/conformance/mcp-client.ts';
import { createOpenGateway } from '../../../test/conformance/open-gateway.ts';
import {
  agentSession,
  openControlPlane,
  personSession,
  requestTask,
  SUMMARISER,
} from '../../../test/fixtures/control-plane.ts';
import { governedAgent } from '../../../test/harness/governed-agent.ts';
import { createGovernedGateway } from '../../../test/harness/governed-gateway.ts';
import type { TargetConfig } from '../../config/config.ts';
import type { MintConfig } from '../../config/mint.ts';
import { inspect } from './inspect.ts';
import type { Channel } from './upstream/channel.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const CANARY = 'canary-of-the-target';
const MINTED = 'ks_canary_that_was_minted';
const FOUND = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';

type Say = (headers: Headers) => string;

/** A server of two tools, which answers to a call with the bytes of a stream. */
async function server(say: Say): Promise<string> {
  const front = await listen(async (request) => {
    const stream = { headers: { 'content-type': 'text/event-stream', 'mcp-session-id': 's1' } };
    const { id, method } = (await request.json()) as { id?: unknown; method: string };
    if (method === 'initialize') {
      const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
      return Response.json({ jsonrpc: '2.0', id, result }, { headers: { 'mcp-session-id': 's1' } });
    }
    if (id === undefined) return new Response(null, { status: 202 });
    if (method !== 'tools/list')
      return new Response(say(request.headers).replaceAll('"ID"', JSON.stringify(id)), stream);
    const tools = ['ask', 'make'].map((name) => ({ name, inputSchema: { type: 'object' } }));
    return Response.json({ jsonrpc: '2.0', id, result: { tools } });
  });
  closing.push(() => front.close());
  return `${front.url}/mcp`;
}

const target = (url: string, operations: TargetConfig['operations']): TargetConfig => ({
  name: 'api',
  kind: 'mcp',
  upstream: { kind: 'http', url, headers: { 'X-Token': { fromEnv: 'TOKEN' } } },
  sensitivity: 'internal',
  timeoutMs: 2_000,
  maxAnswerBytes: 100_000,
  clientCapabilities: [],
  operations,
});

const MINT: MintConfig = {
  kind: 'secret',
  value: '/secret',
  id: '/id',
  lifetime: null,
  revoke: { by: 'keeping', why: 'test' },
  usableAt: ['api'],
  failure: 'doubtful',
  find: null,
};

/** An agent whose calls are decided, and whose answers are led through the ledger. */
async function governed(url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'remit-mcp-reflections-'));
  const operations: TargetConfig['operations'] = { ask: { effect: 'read' }, make: { effect: 'mint', mints: MINT } };
  const policies = { 'all.cedar': '@id("all") permit (principal, action, resource);' };
  const plane = await openControlPlane({ folder, targets: [target(url, operations)], policies });
  const gateway = createGovernedGateway(plane);
  closing.push(async () => {
    await gateway.close();
    await plane.close();
    rmSync(folder, { recursive: true, force: true });
    expect(plane.faults).toEqual([]);
  });
  await gateway.introspect('api');
  const agent = await agentSession(plane);
  const grant = [{ target: 'api', effects: ['read', 'mint'] }];
  const { id: task } = await requestTask(await personSession(plane, 'alice'), { grant });
  return { plane, agent: await governedAgent(plane, gateway, { agent, id: SUMMARISER, task, target: 'api' }) };
}

const event = (message: object, more = '') => `${more}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
const done = (text: string, more: object = {}) =>
  event({ id: 'ID', result: { content: [{ type: 'text', text }], resultType: 'complete' }, ...more });
const log = (data: unknown) => event({ method: 'notifications/message', params: { level: 'info', data } });

test('the fields of an event tell nothing of the credential', async () => {
  const url = await server((headers) => {
    const fields = `id: 7-${headers.get('x-token')}\nevent: of-${headers.get('x-token')}\n`;
    return event({ method: 'notifications/message', params: { level: 'info', data: 'ok' } }, fields) + done('ok');
  });
  const { gateway } = createOpenGateway([target(url, { ask: { effect: 'read' } })]);
  closing.push(() => gateway.close());
  const { request, headers } = await initialize(gateway, 'api');
  await request('tools/list');
  const message = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'ask' } };
  const text = await (await gateway.fetch(requestOf('api', message, { headers }), 'api')).text();
  expect(text).toContain('id: 7-');
  expect(text).not.toContain(CANARY);
});

test('a log line or progress that looks like a secret is masked, as an answer is', async () => {
  const progress = { progressToken: 1, progress: 1, message: `got ${FOUND}` };
  const url = await server(
    () =>
      log(`using ${FOUND}`) +
      log({ deep: [FOUND] }) +
      event({ method: 'notifications/progress', params: progress }) +
      done('ok'),
  );
  const { agent, plane } = await governed(url);
  const { messages } = await agent.call('ask');
  expect(messages).toHaveLength(4);
  expect(JSON.stringify(messages)).not.toContain(FOUND);
  expect(plane.records()).toContainEqual(expect.objectContaining({ event: 'lease.found' }));
});

test('what stands beside the result of a call that mints does not bring the secret', async () => {
  const result = { content: [], structuredContent: { id: 'k1', secret: MINTED }, resultType: 'complete' };
  const url = await server(() => event({ id: 'ID', result, beside: MINTED, [MINTED]: 1 }));
  const { agent } = await governed(url);
  const { messages } = await agent.call('make');
  expect(JSON.stringify(messages)).toContain('remit-lease-');
  expect(JSON.stringify(messages)).not.toContain(MINTED);
});

test('a call that mints and fails with what it has made: the secret is not told', async () => {
  const result = {
    isError: true,
    content: [{ type: 'text', text: `made ${MINTED}, but could not name it` }],
    structuredContent: { id: 'k1', secret: MINTED },
    resultType: 'complete',
  };
  const url = await server(() => event({ id: 'ID', result }));
  const { agent, plane } = await governed(url);
  const { messages } = await agent.call('make');
  expect(JSON.stringify(messages)).toContain('could not name it');
  expect(JSON.stringify(messages)).not.toContain(MINTED);
  expect(plane.store.leases({ limit: 9 })).toMatchObject([{ state: 'doubtful' }]);
});

test('while a call of the session mints, its other streams have no words of the server', async () => {
  const say = (quiet: boolean) =>
    inspect(log(`made ${MINTED}`).slice('data: '.length), {
      channel: { asked: new Set(), revision: 'session', takesAnswers: false } as unknown as Channel,
      waiting: new Map([['1', { settle: async (message) => message, cancel: () => {}, quiet }]]),
      allowed: [],
      redact: (text) => text,
      screen: (said) => said,
    });
  expect((await say(false)).data).toContain(MINTED);
  expect((await say(true)).data).toBeNull();
});
