import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import { createOpenGateway, type OpenGateway } from '../../../test/conformance/open-gateway.ts';
import { listen, type Listening } from '../../../test/conformance/listen.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const memory: TargetConfig = {
  name: 'memory',
  kind: 'mcp',
  upstream: {
    kind: 'stdio',
    command: process.execPath,
    args: ['node_modules/@modelcontextprotocol/server-memory/dist/index.js'],
    cwd: process.cwd(),
    env: { MEMORY_FILE_PATH: { value: `/tmp/remit-test-memory-${process.pid}.jsonl` } },
  },
  sensitivity: 'internal',
  timeoutMs: 10_000,
  maxAnswerBytes: 1_000_000,
  clientCapabilities: [],
  operations: { create_entities: { effect: 'write' }, read_graph: { effect: 'read' } },
};

async function serve(open: OpenGateway): Promise<Listening> {
  const listening = await listen((request) =>
    open.gateway.fetch(request, new URL(request.url).pathname.split('/')[2]!),
  );
  closing.push(
    () => open.gateway.close(),
    () => listening.close(),
  );
  return listening;
}

async function connect(url: string, mode: 'auto' | 'legacy'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  closing.push(() => client.close());
  return client;
}

for (const mode of ['legacy', 'auto'] as const) {
  test(`${mode}: a stdio server is listed and called through the gateway`, async () => {
    const { url } = await serve(createOpenGateway([memory]));
    const client = await connect(`${url}/mcp/memory`, mode);
    expect(client.getServerVersion()?.name).toBe('memory-server');
    const { tools, _meta } = await client.listTools();
    expect(tools.map((tool) => tool.name).toSorted()).toEqual(['create_entities', 'read_graph']);
    expect(_meta?.['dev.remit/filtered']).toMatchObject({ hidden: 7 });
    const result = await client.callTool({ name: 'read_graph', arguments: {} });
    expect(result.isError).toBeFalsy();
  });
}
