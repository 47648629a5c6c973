/** An MCP server for the conformance suite: Streamable HTTP on loopback, both revisions on one endpoint. */
import {
  acceptedContent,
  createMcpHandler,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  isInitializeRequest,
  isLegacyRequest,
  McpServer,
  ResourceNotFoundError,
  WebStandardStreamableHTTPServerTransport,
  type EventStore,
  type JsonSchemaType,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { randomBytes, randomUUID } from 'node:crypto';
import { FIXTURE_TOOLS, RED_PIXEL, type FixtureHooks } from './fixture-tools.ts';
import { listen, type Listening } from './listen.ts';

const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

const RESOURCES = [
  { uri: 'test://static-text', name: 'static-text', description: 'A text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'static-binary', description: 'An image', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'watched-resource', description: 'A watched text', mimeType: 'text/plain' },
];

const PROMPTS = [
  { name: 'test_simple_prompt', description: 'A prompt' },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with arguments',
    arguments: [
      { name: 'arg1', description: 'First test argument', required: true },
      { name: 'arg2', description: 'Second test argument', required: true },
    ],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt with a resource',
    arguments: [{ name: 'resourceUri', description: 'URI of the resource to embed', required: true }],
  },
  { name: 'test_prompt_with_image', description: 'A prompt with an image' },
  { name: 'test_input_required_result_prompt', description: 'A prompt that needs input' },
];

const codec = createRequestStateCodec<unknown>({ key: randomBytes(32) });

/** One server instance. Resources and prompts are written against the bare protocol. */
function createFixture(hooks: FixtureHooks): McpServer {
  const info = { name: 'conformance-fixture', version: '1.0.0' };
  const mcp = new McpServer(info, {
    capabilities: CAPABILITIES,
    requestState: { verify: (state, ctx) => codec.verify(state, ctx) },
  });
  for (const { tool, run } of FIXTURE_TOOLS) {
    const inputSchema = fromJsonSchema<Record<string, unknown>>(tool.inputSchema as JsonSchemaType);
    mcp.registerTool(tool.name, { description: tool.description, inputSchema }, (args, ctx) => run(args, ctx, hooks));
  }
  const { server } = mcp;
  server.setRequestHandler('resources/list', () => ({ resources: RESOURCES }));
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [
      { uriTemplate: 'test://template/{id}/data', name: 'template', description: 'Data', mimeType: 'application/json' },
    ],
  }));
  server.setRequestHandler('resources/read', ({ params }) => ({ contents: [readResource(params.uri)] }));
  server.setRequestHandler('resources/subscribe', () => ({}));
  server.setRequestHandler('resources/unsubscribe', () => ({}));
  server.setRequestHandler('logging/setLevel', () => ({}));
  server.setRequestHandler('completion/complete', () => ({
    completion: { values: ['paris'], total: 1, hasMore: false },
  }));
  server.setRequestHandler('prompts/list', () => ({ prompts: PROMPTS }));
  server.setRequestHandler('prompts/get', ({ params }, ctx) => {
    if (params.name !== 'test_input_required_result_prompt') return { messages: promptMessages(params) };
    const given = acceptedContent<{ context?: unknown }>(ctx.mcpReq.inputResponses, 'user_context');
    if (typeof given?.context === 'string') return { messages: [userText(`Context: ${given.context}`)] };
    const requestedSchema = {
      type: 'object' as const,
      properties: { context: { type: 'string' as const } },
      required: ['context'],
    };
    const message = 'What context should the prompt use?';
    return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message, requestedSchema }) } });
  });
  return mcp;
}

function readResource(uri: string) {
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: RED_PIXEL };
  if (uri === 'test://static-text') {
    return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
  }
  if (uri === 'test://watched-resource') return { uri, mimeType: 'text/plain', text: 'watched' };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new ResourceNotFoundError(uri);
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { uri, mimeType: 'application/json', text: JSON.stringify(data) };
}

function userText(text: string) {
  return { role: 'user' as const, content: { type: 'text' as const, text } };
}

function promptMessages({ name, arguments: args = {} }: { name: string; arguments?: Record<string, string> }) {
  switch (name) {
    case 'test_prompt_with_arguments':
      return [userText(`Prompt with arguments: arg1='${args['arg1']}', arg2='${args['arg2']}'`)];
    case 'test_prompt_with_embedded_resource': {
      const text = 'Embedded resource content for testing.';
      const resource = { uri: args['resourceUri'] ?? '', mimeType: 'text/plain', text };
      const content = { type: 'resource' as const, resource };
      return [{ role: 'user' as const, content }, userText('Please process the embedded resource above.')];
    }
    case 'test_prompt_with_image': {
      const content = { type: 'image' as const, data: RED_PIXEL, mimeType: 'image/png' };
      return [{ role: 'user' as const, content }, userText('Please analyze the image above.')];
    }
    default:
      return [userText('This is a simple prompt for testing.')];
  }
}

/** Serves both revisions at `<url>/mcp`. */
export async function startFixtureServer(): Promise<Listening> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const modern: McpHttpHandler = createMcpHandler(
    () =>
      createFixture({
        mint: (state) => codec.mint(state),
        toolsChanged: () => modern.notify.toolsChanged(),
        promptsChanged: () => modern.notify.promptsChanged(),
      }),
    { legacy: 'reject' },
  );

  async function legacy(request: Request): Promise<Response> {
    const known = sessions.get(request.headers.get('mcp-session-id') ?? '');
    if (known !== undefined) return known.handleRequest(request);
    if (request.headers.has('mcp-session-id')) return new Response(null, { status: 404 });
    const parsedBody: unknown = request.method === 'POST' ? await request.json() : undefined;
    if (!isInitializeRequest(parsedBody)) return new Response(null, { status: 400 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      eventStore: createEventStore(),
      retryInterval: 500,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const server: McpServer = createFixture({
      mint: (state) => codec.mint(state),
      toolsChanged: () => server.sendToolListChanged(),
      promptsChanged: () => server.sendPromptListChanged(),
    });
    await server.connect(transport);
    return transport.handleRequest(request, { parsedBody });
  }

  const listening = await listen(async (request) => {
    const name = new URL(`http://${request.headers.get('host')}`).hostname;
    const origin = request.headers.get('origin');
    const local = ['localhost', '127.0.0.1', '[::1]'];
    if (!local.includes(name) || (origin !== null && !local.includes(new URL(origin).hostname))) {
      return new Response(null, { status: 403 });
    }
    return (await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request);
  });
  return {
    url: `${listening.url}/mcp`,
    close: async () => {
      await modern.close();
      for (const transport of sessions.values()) await transport.close();
      await listening.close();
    },
  };
}

function createEventStore(): EventStore {
  const events: { id: string; stream: string; message: Parameters<EventStore['storeEvent']>[1] }[] = [];
  return {
    storeEvent: async (stream, message) => {
      const id = `${stream}_${events.length}`;
      events.push({ id, stream, message });
      return id;
    },
    getStreamIdForEventId: async (id) => events.find((event) => event.id === id)?.stream,
    replayEventsAfter: async (lastId, { send }) => {
      const last = events.findIndex((event) => event.id === lastId);
      const stream = events[last]?.stream ?? '';
      // A priming event has an empty message and is not sent again.
      for (const event of events.slice(last + 1)) {
        if (event.stream === stream && 'jsonrpc' in event.message) await send(event.id, event.message);
      }
      return stream;
    },
  };
}
