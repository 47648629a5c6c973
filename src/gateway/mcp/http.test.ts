import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import { InvalidDpopProof, InvalidToken, Unauthenticated } from '../../core/errors.ts';
import { startFixtureServer } from '../../../test/conformance/fixture-server.ts';
import { listen } from '../../../test/conformance/listen.ts';
import {
  initialize,
  isToolError,
  post,
  readAnswer,
  requestOf,
  stateless,
  statelessMessage,
  textOf,
} from '../../../test/conformance/mcp-client.ts';
import { callerOf, createOpenGateway, type OpenGateway } from '../../../test/conformance/open-gateway.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Seen = { headers: Record<string, string>; body: string; method: string };
type Upstream = { seen: Seen[]; target: TargetConfig };

const TOOLS = {
  tools: [
    { name: 'ask', description: 'Asks', inputSchema: { type: 'object' } },
    {
      name: 'routed',
      description: 'Is routed',
      inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
    },
    { name: 'prompts/get', description: 'Pretends to be a method', inputSchema: { type: 'object' } },
  ],
  ttlMs: 1000,
  cacheScope: 'public',
};

/** An upstream that lists its tools, and does to each call what the test says. */
async function upstream(
  call: (seen: Seen) => Response | Promise<Response>,
  more: Partial<TargetConfig> = {},
): Promise<Upstream> {
  const seen: Seen[] = [];
  const front = await listen(async (request) => {
    const one = { headers: Object.fromEntries(request.headers), body: await request.text(), method: request.method };
    seen.push(one);
    if (!one.body.includes('"tools/list"')) return call(one);
    const { id } = JSON.parse(one.body) as { id: unknown };
    return Response.json({ jsonrpc: '2.0', id, result: TOOLS });
  });
  closing.push(() => front.close());
  const target: TargetConfig = {
    name: 'api',
    kind: 'mcp',
    upstream: { kind: 'http', url: `${front.url}/mcp`, headers: { authorization: { fromEnv: 'API_TOKEN' } } },
    sensitivity: 'internal',
    timeoutMs: 1000,
    maxAnswerBytes: 10_000,
    clientCapabilities: [],
    operations: {
      ask: { effect: 'read' },
      routed: { effect: 'read' },
      'resources/read': { effect: 'read' },
      'prompts/get': { effect: 'read' },
    },
    ...more,
  };
  return { seen, target };
}

function result(text: string): Response {
  return Response.json({
    jsonrpc: '2.0',
    id: 1,
    result: { content: [{ type: 'text', text }], resultType: 'complete' },
  });
}

function stream(...events: string[]): Response {
  const body = events.map((data) => `data: ${data}\n\n`).join('');
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

function open(target: TargetConfig, given: Parameters<typeof createOpenGateway>[1] = {}): OpenGateway {
  const made = createOpenGateway([target], given);
  closing.push(() => made.gateway.close());
  return made;
}

async function never(): Promise<Response> {
  await delay(60_000, undefined, { ref: false });
  return result('too late');
}

for (const mode of ['legacy', 'auto'] as const) {
  test(`the official client uses an HTTP server of both revisions (${mode})`, async () => {
    const fixture = await startFixtureServer();
    closing.push(() => fixture.close());
    const { target } = await upstream(() => result(''));
    const made = open({
      ...target,
      upstream: { kind: 'http', url: fixture.url, headers: {} },
      operations: { test_simple_text: { effect: 'read' }, test_tool_with_progress: { effect: 'read' } },
    });
    const front = await listen((request) => made.gateway.fetch(request, 'api'));
    closing.push(() => front.close());
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${front.url}/mcp/api`)));
    closing.push(() => client.close());
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual([
      'test_simple_text',
      'test_tool_with_progress',
    ]);
    const progress: number[] = [];
    const call = { name: 'test_tool_with_progress', arguments: {} };
    await client.callTool(call, { onprogress: (update) => progress.push(update.progress) });
    expect(progress).toEqual([0, 50, 100]);
    expect((await client.listPrompts()).prompts).toEqual([]);
    expect(made.observed.at(-1)?.outcome?.status).toBe('ok');
  });
}

test('nothing of the client but MCP goes upstream, and nothing of the upstream but MCP comes back', async () => {
  const { target, seen } = await upstream(() => {
    const answer = result('ok');
    answer.headers.set('set-cookie', 'a=b');
    return answer;
  });
  const { gateway } = open(target);
  const headers = { authorization: 'DPoP secret-of-agent', dpop: 'proof', cookie: 'c=d', 'x-forwarded-for': '1.2.3.4' };
  const answer = await stateless(gateway, 'api', 'tools/call', { name: 'ask' }, { headers });
  expect(textOf(answer)).toBe('ok');
  expect(answer.headers.get('set-cookie')).toBeNull();
  for (const { headers: sent } of seen) {
    expect(sent['authorization']).toBe('canary-of-the-target');
    expect(Object.keys(sent)).not.toEqual(expect.arrayContaining(['dpop']));
    expect(sent['cookie'] ?? sent['x-forwarded-for']).toBeUndefined();
  }
});

test('capabilities that the target may not use do not go upstream; arguments go as they came, and what nobody has decided on does not', async () => {
  const { target, seen } = await upstream(() => result('ok'));
  const { gateway } = open(target);
  await stateless(gateway, 'api', 'tools/call', { name: 'ask', arguments: { a: [1, { b: null }] }, unheard: 'of' });
  const { params } = JSON.parse(seen.at(-1)!.body) as { params: Record<string, unknown> };
  expect(params).toMatchObject({ arguments: { a: [1, { b: null }] } });
  expect(params).not.toHaveProperty('unheard');
  expect(params['_meta']).toMatchObject({ 'io.modelcontextprotocol/clientCapabilities': {} });
});

test('a doubled member reaches the upstream once, as it was decided on', async () => {
  const { target, seen } = await upstream(() => result('ok'));
  const { gateway } = open(target);
  const { message, headers } = statelessMessage('tools/call', { name: 'ask', arguments: { path: 'public' } });
  const doubled = JSON.stringify(message).replace('"path":"public"', '"path":"secret","path":"public"');
  await post(gateway, 'api', doubled, { headers });
  expect(seen.at(-1)!.body).not.toContain('secret');
});

test.each([
  ['Mcp-Method differs', { 'mcp-method': 'tools/list' }, -32020],
  ['Mcp-Name differs', { 'mcp-name': 'routed' }, -32020],
  ['Mcp-Name is not Base64', { 'mcp-name': '=?base64?a?=' }, -32020],
  ['the version differs', { 'mcp-protocol-version': '2025-11-25' }, -32020],
])('%s: 400 and the upstream sees nothing', async (_why, headers, code) => {
  const { target, seen } = await upstream(() => result('ok'));
  const { gateway } = open(target);
  const answer = await stateless(gateway, 'api', 'tools/call', { name: 'ask' }, { headers });
  expect([answer.status, answer.last['error']]).toEqual([400, expect.objectContaining({ code })]);
  expect(seen).toEqual([]);
});

test('a parameter that must be repeated in a header is checked against the pinned schema', async () => {
  const { target, seen } = await upstream(() => result('ok'));
  const { gateway } = open(target);
  const params = { name: 'routed', arguments: { region: 'eu' } };
  const without = await stateless(gateway, 'api', 'tools/call', params);
  const other = await stateless(gateway, 'api', 'tools/call', params, { headers: { 'mcp-param-region': 'us' } });
  const same = await stateless(gateway, 'api', 'tools/call', params, { headers: { 'mcp-param-region': 'eu' } });
  expect([without.last['error'], other.last['error']]).toMatchObject([{ code: -32020 }, { code: -32020 }]);
  expect(textOf(same)).toBe('ok');
  expect(seen.at(-1)!.headers['mcp-param-region']).toBe('eu');
  // One that repeats no argument says what nobody has decided on: to the target it may be the argument.
  const alone = { name: 'routed', arguments: {} };
  const made = await stateless(gateway, 'api', 'tools/call', alone, { headers: { 'mcp-param-region': 'us' } });
  expect(made.last['error']).toMatchObject({ code: -32020 });
  await stateless(gateway, 'api', 'tools/call', { name: 'ask' }, { headers: { 'mcp-param-account': 'another' } });
  expect(seen.at(-1)!.headers).not.toHaveProperty('mcp-param-account');
});

test('an unknown version names the ones that are known', async () => {
  const { gateway } = open((await upstream(() => result('ok'))).target);
  const { message } = statelessMessage('tools/list');
  const body = JSON.stringify(message).replace('2026-07-28', '2099-01-01');
  const headers = { 'mcp-protocol-version': '2099-01-01', 'mcp-method': 'tools/list' };
  const answer = await post(gateway, 'api', body, { headers });
  expect(answer.status).toBe(400);
  expect(answer.last['error']).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } });
});

test('an unknown method is denied in both revisions', async () => {
  const { target, seen } = await upstream(() => result('ok'));
  const { gateway } = open(target);
  const modern = await stateless(gateway, 'api', 'tasks/cancel', { taskId: 'x' });
  expect([modern.status, modern.last['error']]).toMatchObject([404, { code: -32601 }]);
  const old = await post(gateway, 'api', { jsonrpc: '2.0', id: 1, method: 'constructor' });
  expect([old.status, old.last['error']]).toMatchObject([200, { code: -32601 }]);
  expect(seen).toEqual([]);
});

test.each([
  ['no JSON type', { 'content-type': 'text/plain' }, '{}', 415, -32000],
  ['too large', {}, `"${'x'.repeat(1_000_001)}"`, 413, -32000],
  ['not JSON', {}, '{', 400, -32700],
  ['a batch', {}, '[]', 400, -32600],
  ['no message', {}, '{"jsonrpc":"2.0"}', 400, -32600],
  ['a rounded integer', {}, '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"n":9007199254740993}}', 400, -32602],
  ['a reserved member', {}, '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}', 400, -32602],
  ['another origin', { origin: 'https://evil.example' }, '{}', 403, -32000],
  ['another host', { host: 'evil.example' }, '{}', 403, -32000],
])('%s is refused', async (_why, headers, body, status, code) => {
  const { gateway } = open((await upstream(() => result('ok'))).target);
  const answer = await post(gateway, 'api', body, { headers });
  expect([answer.status, answer.last['error']]).toMatchObject([status, { code }]);
});

test.each([
  [new Unauthenticated('show a token'), 'algs='],
  [new InvalidToken('the token has expired'), 'error="invalid_token"'],
  [new InvalidDpopProof('the proof is stale'), 'error="invalid_dpop_proof"'],
])('%s is a 401 that says where to get a token', async (error, challenge) => {
  const { gateway } = open((await upstream(() => result('ok'))).target, { authenticate: () => Promise.reject(error) });
  const answer = await stateless(gateway, 'api', 'tools/list');
  expect(answer.status).toBe(401);
  const header = answer.headers.get('www-authenticate') ?? '';
  expect(header).toMatch(/^DPoP /);
  expect(header).toContain('resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp/api"');
  expect(header).toContain(challenge);
});

test('a fault says `internal` and nothing else', async () => {
  const authenticate = () => Promise.reject(new Error('the canary'));
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const { gateway } = open((await upstream(() => result('ok'))).target, { authenticate, log });
  const answer = await stateless(gateway, 'api', 'tools/list');
  expect([answer.status, answer.last]).toEqual([
    500,
    { jsonrpc: '2.0', id: null, error: { code: -32603, message: 'internal' } },
  ]);
});

const SESSION = { 'mcp-session-id': 'of-the-upstream' };

function sessionUpstream(call: (seen: Seen) => Response | Promise<Response>): Promise<Upstream> {
  return upstream((seen) => {
    if (seen.method === 'DELETE') return new Response(null, { status: 200 });
    if (seen.body.includes('"initialize"')) {
      const message = {
        jsonrpc: '2.0',
        id: 0,
        result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {} },
      };
      return Response.json(message, { headers: SESSION });
    }
    if (seen.body.includes('notifications/')) return new Response(null, { status: 202 });
    return call(seen);
  });
}

test('a session has an id of the gateway, and is unknown to every other task (invariant 13)', async () => {
  const { target, seen } = await sessionUpstream(() => result('ok'));
  const { gateway } = open(target);
  const { session, headers, request } = await initialize(gateway, 'api', { task: 'tsk_1' });
  expect(session).not.toBe('of-the-upstream');
  expect(textOf(await request('tools/call', { name: 'ask', arguments: {} }))).toBe('ok');
  expect(seen.at(-1)!.headers['mcp-session-id']).toBe('of-the-upstream');

  const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'ask' } };
  const before = seen.length;
  expect((await post(gateway, 'api', call, { task: 'tsk_2', headers })).status).toBe(404);
  for (const method of ['GET', 'DELETE']) {
    const foreign = new Request('http://127.0.0.1:8080/mcp/api', {
      method,
      headers: { ...headers, 'x-test-task': 'tsk_2' },
    });
    expect((await gateway.fetch(foreign, 'api')).status).toBe(404);
  }
  expect(seen.length).toBe(before);

  const end = new Request('http://127.0.0.1:8080/mcp/api', {
    method: 'DELETE',
    headers: { ...headers, 'x-test-task': 'tsk_1' },
  });
  expect((await gateway.fetch(end, 'api')).status).toBe(200);
  expect(seen.at(-1)!.method).toBe('DELETE');
  expect((await post(gateway, 'api', call, { task: 'tsk_1', headers })).status).toBe(404);
});

test('an id in use, a notification that nobody knows, and an answer to nothing are refused', async () => {
  const { target } = await sessionUpstream(() => never());
  const { gateway } = open(target);
  const { headers } = await initialize(gateway, 'api');
  const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'ask' } };
  const first = post(gateway, 'api', call, { headers });
  await delay(100);
  expect((await post(gateway, 'api', call, { headers })).status).toBe(400);
  expect((await post(gateway, 'api', { jsonrpc: '2.0', method: 'notifications/unheard' }, { headers })).status).toBe(
    400,
  );
  expect((await post(gateway, 'api', { jsonrpc: '2.0', id: 1, result: {} }, { headers })).status).toBe(400);
  expect(textOf(await first)).toBe('failed: the target did not answer within 1000 ms');
});

test.each<[what: string, end: (made: OpenGateway) => void]>([
  [
    'the end of a task',
    ({ ended, live }) => {
      ended.add('tsk_1');
      live.endTask('tsk_1', 'the task was revoked');
    },
  ],
  ['the revocation of its token', ({ live }) => void live.endToken('tok_1', 'the access token was revoked')],
])('%s cuts an open stream of a session, at the client and at the upstream', async (_what, end) => {
  let closed = false;
  const { target } = await sessionUpstream(() => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('id: 1\ndata: \n\n')),
      cancel: () => void (closed = true),
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  const made = open(target);
  const { headers } = await initialize(made.gateway, 'api');
  const get = new Request('http://127.0.0.1:8080/mcp/api', { headers: { ...headers, accept: 'text/event-stream' } });
  const response = await made.gateway.fetch(get, 'api');
  expect(response.status).toBe(200);
  const reader = response.body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toContain('id: 1');
  end(made);
  expect((await reader.read()).done).toBe(true);
  for (let i = 0; i < 100 && !closed; i++) await delay(10);
  expect(closed).toBe(true);
});

test.each<[what: string, end: (made: OpenGateway) => void, reason: string]>([
  [
    'its task ends',
    ({ ended, live }) => {
      ended.add('tsk_1');
      live.endTask('tsk_1', 'the task has expired');
    },
    'the task has expired',
  ],
  [
    'the token that it came with is revoked',
    ({ live }) => void live.endToken('tok_1', 'the access token was revoked'),
    'the access token was revoked',
  ],
])('an in-flight stream ends with a last word when %s', async (_what, end, reason) => {
  const { target } = await upstream(
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => {
            const progress = {
              jsonrpc: '2.0',
              method: 'notifications/progress',
              params: { progressToken: 1, progress: 1 },
            };
            controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(progress)}\n\n`));
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      ),
  );
  const made = open(target);
  const { message, headers } = statelessMessage('tools/call', { name: 'ask' });
  const response = await made.gateway.fetch(requestOf('api', message, { headers }), 'api');
  const answer = readAnswer(response);
  await delay(50);
  end(made);
  expect((await answer).messages).toHaveLength(2);
  expect(textOf(await answer)).toBe(`cut: ${reason}`);
  expect(made.observed.at(-1)?.outcome?.status).toBe('cut');
});

test('an answer of the session that comes on another stream is still inspected, and its call observed', async () => {
  const { target } = await sessionUpstream((seen) => {
    const late = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'late' }] } };
    if (seen.method !== 'GET')
      return new Response('id: 7\nretry: 10\ndata: \n\n', { headers: { 'content-type': 'text/event-stream' } });
    expect(seen.headers['last-event-id']).toBe('7');
    return stream(JSON.stringify({ ...late, id: 4711 }), JSON.stringify(late));
  });
  const made = open(target);
  const { headers, request } = await initialize(made.gateway, 'api');
  expect((await request('tools/call', { name: 'ask', arguments: {} })).messages).toEqual([]);
  const get = new Request('http://127.0.0.1:8080/mcp/api', { headers: { ...headers, 'last-event-id': '7' } });
  const answer = await readAnswer(await made.gateway.fetch(get, 'api'));
  expect(answer.messages.map(({ id }) => id)).toEqual([1]);
  expect(made.observed.at(-1)?.outcome?.status).toBe('ok');
});

test.each([
  ['dies', () => new Response(null, { status: 500 }), 'failed: the target answered with status 500'],
  [
    'redirects',
    () => Response.redirect('http://127.0.0.1:9/', 307),
    'failed: the target answered with a redirect, which is not followed',
  ],
  [
    'refuses the credential',
    () => new Response('canary-of-the-target', { status: 401 }),
    'failed: the target refused the credential that remit holds for it; ask an operator to check it',
  ],
  [
    'answers nonsense',
    () => new Response('nonsense'),
    'failed: the target answered with something that is not JSON-RPC',
  ],
  ['streams nonsense', () => stream('nonsense'), 'failed: the target answered with something that is not JSON-RPC'],
  [
    'answers another request',
    () => stream('{"jsonrpc":"2.0","id":2,"result":{}}'),
    'failed: the target ended its answer without a response',
  ],
  ['answers too much', () => result('x'.repeat(20_000)), 'failed: the target answered with more than 10000 bytes'],
  [
    'streams too much',
    () => stream(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { t: 'x'.repeat(20_000) } })),
    'failed: the target answered with more than 10000 bytes',
  ],
  ['never answers', never, 'failed: the target did not answer within 1000 ms'],
])('an upstream that %s fails the call with a clear text', async (_how, call, text) => {
  const made = open((await upstream(call)).target);
  const answer = await stateless(made.gateway, 'api', 'tools/call', { name: 'ask' });
  expect([answer.status, isToolError(answer), textOf(answer)]).toEqual([200, true, text]);
  expect(made.observed.at(-1)?.outcome?.status).toBe('failed');
  const other = await stateless(made.gateway, 'api', 'resources/read', { uri: 'x:y' });
  expect(other.last['error']).toMatchObject({ message: text });
});

test('an upstream that cannot be reached fails the call', async () => {
  const { target } = await upstream(() => result('ok'));
  const { gateway } = open({ ...target, upstream: { kind: 'http', url: 'http://127.0.0.1:1/mcp', headers: {} } });
  const answer = await stateless(gateway, 'api', 'tools/call', { name: 'ask' });
  expect(textOf(answer)).toBe('denied: the target cannot be reached; next: try again later');
});

const rpcError = (code: number) => Response.json({ jsonrpc: '2.0', id: 1, error: { code, message: 'no' } });

test.each<[string, () => Response | Promise<Response>, boolean]>([
  ['refuses the credential', () => new Response('', { status: 401 }), true],
  ['wants fewer requests', () => new Response('', { status: 429 }), true],
  ['does not know the method', () => rpcError(-32601), true],
  ['does not take the arguments', () => rpcError(-32602), true],
  ['fails inside', () => rpcError(-32603), false],
  ['is in conflict', () => new Response('', { status: 409 }), false],
  ['fails', () => new Response('', { status: 500 }), false],
  ['leads elsewhere', () => Response.redirect('http://127.0.0.1:9/', 303), false],
  ['breaks off', () => stream(), false],
  ['never answers', never, false],
])('an upstream that %s: whether anything may have been done is known', async (_how, call, undone) => {
  const made = open((await upstream(call)).target);
  await stateless(made.gateway, 'api', 'tools/call', { name: 'ask' });
  expect(made.observed.at(-1)?.outcome).toMatchObject({ status: 'failed' });
  expect(made.observed.at(-1)?.outcome?.nothingDone ?? false).toBe(undone);
});

test('a request that never left has done nothing', async () => {
  const { target } = await upstream(() => result('ok'));
  const made = open(target);
  await stateless(made.gateway, 'api', 'tools/call', { name: 'ask' });
  expect(made.observed.at(-1)?.outcome?.nothingDone).toBeUndefined();
  for (const close of closing.splice(0, 1)) await close();
  // The pool has to notice: what goes out on a connection that just broke is in doubt.
  await delay(100);
  const answer = await stateless(made.gateway, 'api', 'tools/call', { name: 'ask' });
  expect(textOf(answer)).toBe('failed: the target cannot be reached');
  expect(made.observed.at(-1)?.outcome).toMatchObject({ status: 'failed', nothingDone: true });
});

test('a result that asks the client for what the target may not ask does not reach it', async () => {
  const inputRequests = { roots: { method: 'roots/list', params: {} } };
  const { target } = await upstream(() =>
    Response.json({ jsonrpc: '2.0', id: 1, result: { resultType: 'input_required', inputRequests } }),
  );
  const answer = await stateless(open(target).gateway, 'api', 'tools/call', { name: 'ask' });
  expect(isToolError(answer)).toBe(true);
  expect(JSON.stringify(answer.last)).not.toContain('roots/list');
  const volunteered = { name: 'ask', inputResponses: { roots: { roots: [{ uri: 'file:///' }] } } };
  const refused = await stateless(open(target).gateway, 'api', 'tools/call', volunteered);
  expect(refused.last['error']).toMatchObject({ code: -32602 });
});

test('a tool that is named like a method is unknown', async () => {
  const { target } = await upstream(() => result('ok'));
  const made = open(target);
  await stateless(made.gateway, 'api', 'tools/call', { name: 'prompts/get' });
  expect(made.observed.at(-1)?.action?.definition).toBe('unknown');
});

test('a list says what is hidden, keeps the rest as it was, and is private', async () => {
  const { target } = await upstream(() => result('ok'));
  const { gateway } = open(target, { listable: (_caller, _target, { name }) => name === 'ask' });
  const some = await stateless(gateway, 'api', 'tools/list');
  expect(some.last['result']).toEqual({
    ...TOOLS,
    tools: [TOOLS.tools[0]],
    cacheScope: 'private',
    _meta: { 'dev.remit/filtered': { hidden: 2, reason: expect.any(String) as string } },
  });
  const none = await stateless(open(target, { listable: () => false }).gateway, 'api', 'tools/list');
  expect(none.last['result']).toMatchObject({ tools: [], _meta: { 'dev.remit/filtered': { hidden: 3 } } });
});

test('resources are shown as far as the grants name them', async () => {
  const resources = [{ uri: 'doc:a/1' }, { uri: 'doc:b/1' }];
  const { target } = await upstream(() => Response.json({ jsonrpc: '2.0', id: 1, result: { resources } }));
  const grants = [
    { type: 'remit_grant' as const, target: 'api', operations: ['resources/read'], resources: ['doc:a/*'] },
  ];
  const { gateway } = open(target, { authenticate: async () => ({ ...callerOf('tsk_1'), grants }) });
  const answer = await stateless(gateway, 'api', 'resources/list');
  expect(answer.last['result']).toMatchObject({ resources: [{ uri: 'doc:a/1' }] });
});

test('GET and DELETE are not of 2026-07-28', async () => {
  const { gateway } = open((await upstream(() => result('ok'))).target);
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const headers = { 'mcp-protocol-version': '2026-07-28' };
    expect((await gateway.fetch(new Request('http://127.0.0.1:8080/mcp/api', { method, headers }), 'api')).status).toBe(
      405,
    );
  }
});

test('an unknown target is not found', async () => {
  const { gateway } = open((await upstream(() => result('ok'))).target);
  expect((await gateway.fetch(new Request('http://127.0.0.1:8080/mcp/other'), 'other')).status).toBe(404);
  await expect(gateway.introspect('other')).rejects.toThrow('target `other` is unknown');
});

test('a session that the upstream has forgotten is unknown from then on', async () => {
  const { target } = await sessionUpstream(() => new Response(null, { status: 404 }));
  const { gateway } = open(target);
  const { request } = await initialize(gateway, 'api');
  const first = await request('resources/read', { uri: 'doc:1' });
  expect(first.last['error']).toMatchObject({ message: expect.stringContaining('initialize again') as string });
  expect((await request('resources/read', { uri: 'doc:1' })).status).toBe(404);
});

test('a cancelled call waits no longer, and is observed as cut', async () => {
  const { target, seen } = await sessionUpstream(() => never());
  const made = open({ ...target, timeoutMs: 15_000 });
  const { headers } = await initialize(made.gateway, 'api');
  const call = { jsonrpc: '2.0', id: 3, method: 'resources/read', params: { uri: 'doc:1' } };
  const pending = post(made.gateway, 'api', call, { headers });
  await delay(100);
  await post(
    made.gateway,
    'api',
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } },
    { headers },
  );
  expect((await pending).last['error']).toMatchObject({ message: 'cut: the caller cancelled the call' });
  expect(made.observed.at(-1)?.outcome?.status).toBe('cut');
  expect(seen.at(-1)?.body).toContain('notifications/cancelled');
});

test('arguments that are no object, and a uri with dot segments, go nowhere', async () => {
  const { target, seen } = await upstream(() => result('ok'));
  const { gateway } = open(target);
  for (const wrong of ['text', ['a'], null, 1]) {
    const answer = await stateless(gateway, 'api', 'tools/call', { name: 'ask', arguments: wrong });
    expect(answer.last['error']).toMatchObject({ code: -32602 });
  }
  const read = await stateless(gateway, 'api', 'resources/read', { uri: 'doc:a/%2e%2e/b' });
  expect(read.last['error']).toMatchObject({ code: -32001, data: { remit: { codes: ['unresolved_resource'] } } });
  expect(seen).toEqual([]);
});

test('a resource template that is none stops the start, and says where it stands', async () => {
  const { target } = await upstream(() => result('ok'));
  const operations = { ask: { effect: 'read' as const, resources: ['file:{path'] } };
  expect(() => createOpenGateway([{ ...target, operations }])).toThrow('target `api`, operation `ask`');
});
