import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import { listen } from '../../../test/conformance/listen.ts';
import {
  initialize,
  isToolError,
  requestOf,
  readAnswer,
  stateless,
  statelessMessage,
  textOf,
} from '../../../test/conformance/mcp-client.ts';
import { createOpenGateway, type OpenGateway } from '../../../test/conformance/open-gateway.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function stdioTarget(name: string, args: string[], operations: TargetConfig['operations']): TargetConfig {
  return {
    name,
    kind: 'mcp',
    upstream: { kind: 'stdio', command: process.execPath, args, cwd: process.cwd(), env: {} },
    sensitivity: 'internal',
    timeoutMs: 10_000,
    maxAnswerBytes: 100_000,
    clientCapabilities: [],
    operations,
  };
}

const READ = { effect: 'read' } as const;
const scripted: TargetConfig = {
  ...stdioTarget('scripted', ['test/conformance/scripted-stdio.ts'], {
    environment: READ,
    die: READ,
    nonsense: READ,
    silent: READ,
    huge: READ,
    leak: READ,
    whoami: READ,
    child: READ,
    change: READ,
    progress: READ,
    sample: READ,
    stubborn: READ,
  }),
  upstream: {
    kind: 'stdio',
    command: process.execPath,
    args: ['test/conformance/scripted-stdio.ts'],
    cwd: process.cwd(),
    env: { API_KEY: { fromEnv: 'SOME_KEY' } },
  },
};

function open(target: TargetConfig, given: Parameters<typeof createOpenGateway>[1] = {}): OpenGateway {
  const made = createOpenGateway([target], given);
  closing.push(() => made.gateway.close());
  return made;
}

async function connect(made: OpenGateway, target: string, mode: 'auto' | 'legacy'): Promise<Client> {
  const front = await listen((request) => made.gateway.fetch(request, target));
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${front.url}/mcp/${target}`)));
  closing.push(
    () => front.close(),
    () => client.close(),
  );
  return client;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await delay(20);
  expect(holds()).toBe(true);
}

for (const mode of ['legacy', 'auto'] as const) {
  test(`the official client uses the memory server (${mode})`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'memory-'));
    const target = stdioTarget('memory', ['node_modules/@modelcontextprotocol/server-memory/dist/index.js'], {
      create_entities: { effect: 'write' },
      read_graph: READ,
    });
    if (target.upstream.kind === 'stdio') target.upstream.env['MEMORY_FILE_PATH'] = { value: join(folder, 'm.jsonl') };
    const client = await connect(open(target), 'memory', mode);
    expect(client.getServerVersion()?.name).toBe('memory-server');
    const { tools, _meta } = await client.listTools();
    expect(tools.map((tool) => tool.name).toSorted()).toEqual(['create_entities', 'read_graph']);
    expect(_meta?.['dev.remit/filtered']).toMatchObject({ hidden: 7 });
    const entities = [{ name: 'remit', entityType: 'product', observations: ['decides now'] }];
    await client.callTool({ name: 'create_entities', arguments: { entities } });
    const graph = await client.callTool({ name: 'read_graph', arguments: {} });
    expect(JSON.stringify(graph.content)).toContain('decides now');
  });
}

test('the official client reads a file of the filesystem server, and the path is the resource', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  writeFileSync(join(folder, 'note.txt'), 'hello');
  const args = ['node_modules/@modelcontextprotocol/server-filesystem/dist/index.js', folder];
  const target = stdioTarget('files', args, { read_text_file: { ...READ, resources: ['file:{path|path}'] } });
  const made = open(target);
  const client = await connect(made, 'files', 'auto');
  const result = await client.callTool({ name: 'read_text_file', arguments: { path: join(folder, 'x/../note.txt') } });
  expect(JSON.stringify(result.content)).toContain('hello');
  const action = made.observed.find((exchange) => exchange.action?.operation === 'read_text_file')?.action;
  expect(action?.resources).toEqual([`file:${join(folder, 'note.txt')}`]);
  const refused = await client.callTool({ name: 'read_text_file', arguments: { path: '../../etc/passwd' } });
  expect(refused).toMatchObject({ isError: true, structuredContent: { remit: { codes: ['unresolved_resource'] } } });
});

test('the process gets PATH, HOME, what the target names, and nothing else (invariant 13)', async () => {
  process.env['REMIT_CANARY'] = 'must not be passed on';
  const { gateway } = open(scripted);
  const answer = await stateless(gateway, 'scripted', 'tools/call', { name: 'environment' });
  const expected = ['API_KEY', ...['HOME', 'PATH'].filter((name) => process.env[name] !== undefined)];
  expect(JSON.parse(textOf(answer))).toEqual(expected);
});

test('a secret of the target that comes back in an answer is taken out', async () => {
  const { gateway } = open(scripted);
  const answer = await stateless(gateway, 'scripted', 'tools/call', { name: 'leak' });
  expect(textOf(answer)).toMatch(/^the key is \[redacted\]\**$/);
});

test('two tasks never share a process; two sessions of one task do', async () => {
  const { gateway } = open(scripted);
  const first = await initialize(gateway, 'scripted', { task: 'tsk_1' });
  const second = await initialize(gateway, 'scripted', { task: 'tsk_1' });
  const other = await initialize(gateway, 'scripted', { task: 'tsk_2' });
  const pids = [];
  for (const { request } of [first, second, other]) {
    pids.push(textOf(await request('tools/call', { name: 'whoami', arguments: {} })));
  }
  expect(pids[0]).toBe(pids[1]);
  expect(pids[2]).not.toBe(pids[0]);
});

for (const [tool, text] of [
  ['die', 'failed: the target ended before it answered'],
  ['nonsense', 'failed: the target answered with something that is not JSON-RPC'],
  ['huge', 'failed: the target answered with more than 100000 bytes'],
] as const) {
  test(`an upstream that does \`${tool}\` fails the call, and the next one starts it again`, async () => {
    const made = open(scripted);
    const answer = await stateless(made.gateway, 'scripted', 'tools/call', { name: tool });
    expect(isToolError(answer)).toBe(true);
    expect(textOf(answer)).toBe(text);
    expect(answer.last['result']).toMatchObject({ resultType: 'complete' });
    expect(made.observed.at(-1)?.outcome).toMatchObject({ status: 'failed' });
    const next = await stateless(made.gateway, 'scripted', 'tools/call', { name: 'whoami' });
    expect(Number(textOf(next))).toBeGreaterThan(0);
  });
}

test('an upstream that never answers is given up', async () => {
  const made = open({ ...scripted, timeoutMs: 1000 });
  await stateless(made.gateway, 'scripted', 'tools/call', { name: 'whoami' });
  const answer = await stateless(made.gateway, 'scripted', 'tools/call', { name: 'silent' });
  expect(textOf(answer)).toBe('failed: the target did not answer within 1000 ms');
  expect(made.observed.at(-1)?.outcome?.status).toBe('failed');
});

test('an upstream that cannot be started fails the call', async () => {
  const target = stdioTarget('absent', [], { whoami: READ });
  if (target.upstream.kind === 'stdio') target.upstream.command = 'no-such-command-of-remit';
  const { gateway } = open(target);
  const answer = await stateless(gateway, 'absent', 'tools/call', { name: 'whoami' });
  expect(textOf(answer)).toBe('denied: the target cannot be started; next: try again later');
});

test('the end of a task cuts its call with a last word, and ends the whole process group', async () => {
  const made = open(scripted);
  const pid = Number(textOf(await stateless(made.gateway, 'scripted', 'tools/call', { name: 'whoami' })));
  const child = Number(textOf(await stateless(made.gateway, 'scripted', 'tools/call', { name: 'child' })));
  const { message, headers } = statelessMessage('tools/call', { name: 'silent' });
  const pending = made.gateway.fetch(requestOf('scripted', message, { headers }), 'scripted').then(readAnswer);
  await delay(50);
  made.ended.add('tsk_1');
  expect(made.live.endTask('tsk_1', 'the task was revoked')).not.toEqual([]);
  expect(textOf(await pending)).toBe('cut: the task was revoked');
  expect(made.observed.at(-1)?.outcome).toEqual({ status: 'cut', detail: 'the task was revoked' });
  await until(() => !isAlive(pid) && !isAlive(child));
  const after = await stateless(made.gateway, 'scripted', 'tools/call', { name: 'whoami' });
  expect(isToolError(after)).toBe(true);
});

test('a changed definition is quarantined until it is accepted (invariant 12)', async () => {
  const made = open(scripted);
  const { request } = await initialize(made.gateway, 'scripted');
  await request('tools/call', { name: 'whoami', arguments: {} });
  expect(made.observed.at(-1)?.action?.definition).toBe('pinned');
  await request('tools/call', { name: 'change', arguments: {} });
  await request('tools/call', { name: 'whoami', arguments: {} });
  expect(made.observed.at(-1)?.action?.definition).toBe('quarantined');
  const listed = await request('tools/list');
  expect(listed.last['result']).toMatchObject({ tools: [], _meta: { 'dev.remit/filtered': { hidden: 12 } } });
  for (const pin of made.definitions.definitions('scripted')) {
    const digest = pin.quarantined?.digest ?? '';
    await made.definitions.acceptDefinition({ target: 'scripted', operation: pin.operation, digest }, []);
  }
  await request('tools/call', { name: 'whoami', arguments: {} });
  expect(made.observed.at(-1)?.action?.definition).toBe('pinned');
});

test('progress comes under the token of the client; an unknown notification does not come', async () => {
  const { gateway } = open(scripted);
  const { request } = await initialize(gateway, 'scripted');
  const answer = await request('tools/call', { name: 'progress', arguments: {}, _meta: { progressToken: 'mine' } });
  expect(answer.messages.map((message) => message['method'] ?? 'response')).toEqual([
    'notifications/progress',
    'response',
  ]);
  expect(answer.messages[0]).toMatchObject({ params: { progressToken: 'mine' } });
});

test('the upstream sees no capability that the target may not use, and asks in vain', async () => {
  const { gateway } = open(scripted);
  const { answer, request } = await initialize(gateway, 'scripted');
  expect(answer.last['result']).toMatchObject({ serverInfo: { version: '{}' } });
  const sampled = await request('tools/call', { name: 'sample', arguments: {} });
  expect(sampled.messages).toHaveLength(1);
  expect(textOf(sampled)).toContain('-32601');
});

test('a configured capability reaches the client, whose answer reaches the upstream, once', async () => {
  const { gateway } = open({ ...scripted, clientCapabilities: ['sampling'] });
  const { answer, headers } = await initialize(gateway, 'scripted');
  expect(answer.last['result']).toMatchObject({ serverInfo: { version: '{"sampling":{}}' } });
  const call = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'sample', arguments: {} } };
  const response = await gateway.fetch(requestOf('scripted', call, { headers }), 'scripted');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  expect(value).toContain('sampling/createMessage');
  const reply = { jsonrpc: '2.0', id: 900, result: { said: 'this' } };
  const sent = await gateway.fetch(requestOf('scripted', reply, { headers }), 'scripted');
  expect(sent.status).toBe(202);
  expect((await reader.read()).value).toContain('said');
  const again = await gateway.fetch(requestOf('scripted', reply, { headers }), 'scripted');
  expect(again.status).toBe(400);
});

test('introspection pins over a process of its own', async () => {
  const made = open(scripted);
  const { server, tools } = await made.gateway.introspect('scripted');
  expect(server['name']).toBe('scripted');
  expect(tools).toHaveLength(12);
  expect(made.definitions.definitions('scripted')).toHaveLength(12);
});

test('a shutdown waits for processes, also for one that does not want to go', async () => {
  const made = createOpenGateway([scripted]);
  const pid = Number(textOf(await stateless(made.gateway, 'scripted', 'tools/call', { name: 'stubborn' })));
  await made.gateway.close();
  expect(isAlive(pid)).toBe(false);
});
