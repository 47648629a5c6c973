/** The tools, resources and prompts that the conformance suite expects of a server. */
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
  type Tool,
} from '@modelcontextprotocol/server';
import { setTimeout as delay } from 'node:timers/promises';

export const RED_PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const SILENCE = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';

/** What a tool may do beside answering. */
export type FixtureHooks = {
  mint: (state: unknown) => Promise<string>;
  toolsChanged: () => void;
  promptsChanged: () => void;
};

export type Answer = CallToolResult | InputRequiredResult;
type Run = (args: Record<string, unknown>, ctx: ServerContext, hooks: FixtureHooks) => Promise<Answer> | Answer;
export type FixtureTool = { tool: Tool; run: Run };

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}

function tool(
  name: string,
  description: string,
  run: Run,
  inputSchema: Tool['inputSchema'] = { type: 'object' },
): FixtureTool {
  return { tool: { name, description, inputSchema }, run };
}

function object(properties: Record<string, object>, required: string[] = []): Tool['inputSchema'] {
  return { type: 'object', properties, required } as Tool['inputSchema'];
}

const CONTENT: FixtureTool[] = [
  tool('test_simple_text', 'Answers with a text', () => text('This is a simple text response for testing.')),
  tool('test_image_content', 'Answers with an image', () => ({
    content: [{ type: 'image', data: RED_PIXEL, mimeType: 'image/png' }],
  })),
  tool('test_audio_content', 'Answers with a sound', () => ({
    content: [{ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }],
  })),
  tool('test_embedded_resource', 'Answers with a resource', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  tool('test_multiple_content_types', 'Answers with several kinds of content', () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: RED_PIXEL, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  })),
  tool('test_error_handling', 'Always fails', () => {
    return { ...text('This tool intentionally returns an error for testing'), isError: true };
  }),
];

const STREAMING: FixtureTool[] = [
  tool('test_tool_with_logging', 'Logs while it runs', async (_args, ctx) => {
    for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await ctx.mcpReq.log('info', line);
      await delay(50);
    }
    return text('logged');
  }),
  tool('test_logging_tool', 'Logs only when asked to', async (_args, ctx) => {
    await ctx.mcpReq.log('info', 'a line');
    return text('logged');
  }),
  tool('test_tool_with_progress', 'Reports progress while it runs', async (_args, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress, total: 100 };
        await ctx.mcpReq.notify({ method: 'notifications/progress', params });
      }
      await delay(50);
    }
    return text('done');
  }),
  tool('test_reconnection', 'Closes its stream before it answers', async (_args, ctx) => {
    await delay(50);
    ctx.http?.closeSSE?.();
    await delay(200);
    return text('answered after the stream was closed');
  }),
  tool('test_trigger_tool_change', 'Says that the tools have changed', (_args, _ctx, hooks) => {
    hooks.toolsChanged();
    return text('changed');
  }),
  tool('test_trigger_prompt_change', 'Says that the prompts have changed', (_args, _ctx, hooks) => {
    hooks.promptsChanged();
    return text('changed');
  }),
];

const DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
} as const;

const OPTIONS = ['option1', 'option2', 'option3'];
const FIRST = [
  { const: 'value1', title: 'First Option' },
  { const: 'value2', title: 'Second Option' },
  { const: 'value3', title: 'Third Option' },
];
const ENUMS = {
  untitledSingle: { type: 'string', enum: OPTIONS },
  titledSingle: { type: 'string', oneOf: FIRST },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
  titledMulti: {
    type: 'array',
    items: {
      anyOf: [
        { const: 'value1', title: 'First Choice' },
        { const: 'value2', title: 'Second Choice' },
        { const: 'value3', title: 'Third Choice' },
      ],
    },
  },
} as const;

async function elicit(ctx: ServerContext, message: string, properties: object, required: string[] = []) {
  const requestedSchema = { type: 'object' as const, properties: properties as Record<string, never>, required };
  return ctx.mcpReq.elicitInput({ message, requestedSchema });
}

/** Requests of the server to the client, as they were up to 2025-11-25. */
const ASKING: FixtureTool[] = [
  tool(
    'test_sampling',
    'Asks the client to sample',
    async ({ prompt }, ctx) => {
      const content = { type: 'text' as const, text: String(prompt as string) };
      const sampled = await ctx.mcpReq.requestSampling({ messages: [{ role: 'user', content }], maxTokens: 100 });
      const { content: got } = sampled;
      return text(`LLM response: ${!Array.isArray(got) && got.type === 'text' ? got.text : 'none'}`);
    },
    object({ prompt: { type: 'string' } }, ['prompt']),
  ),
  tool(
    'test_elicitation',
    'Asks the user',
    async ({ message }, ctx) => {
      const properties = {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      };
      const { action, content } = await elicit(ctx, String(message as string), properties, ['username', 'email']);
      return text(`User response: action=${action}, content=${JSON.stringify(content)}`);
    },
    object({ message: { type: 'string' } }, ['message']),
  ),
  tool('test_elicitation_sep1034_defaults', 'Asks the user, with defaults', async (_args, ctx) => {
    const { action, content } = await elicit(ctx, 'Please check', DEFAULTS);
    return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
  }),
  tool('test_elicitation_sep1330_enums', 'Asks the user to choose', async (_args, ctx) => {
    const { action, content } = await elicit(ctx, 'Please choose', ENUMS);
    return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
  }),
];

function ask(message: string, name: string, type: 'string' | 'boolean') {
  const property = type === 'string' ? { type: 'string' as const } : { type: 'boolean' as const };
  const requestedSchema = { type: 'object' as const, properties: { [name]: property }, required: [name] };
  return inputRequired.elicit({ message, requestedSchema });
}

function sample(question: string, maxTokens: number) {
  const content = { type: 'text' as const, text: question };
  return inputRequired.createMessage({ messages: [{ role: 'user', content }], maxTokens });
}

function clientCapabilitiesOf(ctx: ServerContext): object {
  const envelope = (ctx.mcpReq.envelope ?? {}) as Record<string, unknown>;
  return (envelope[CLIENT_CAPABILITIES_META_KEY] as object | undefined) ?? {};
}

/** Requests of the server to the client, as they are since 2026-07-28. */
const REQUIRING: FixtureTool[] = [
  tool('test_input_required_result_elicitation', 'Needs a name', (_args, ctx) => {
    const given = acceptedContent<{ name?: unknown }>(ctx.mcpReq.inputResponses, 'user_name');
    if (typeof given?.name === 'string') return text(`Hello, ${given.name}!`);
    return inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name', 'string') } });
  }),
  tool('test_streaming_elicitation', 'Needs a name', () =>
    inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name', 'string') } }),
  ),
  tool('test_input_required_result_sampling', 'Needs a sample', (_args, ctx) => {
    const given = inputResponse(ctx.mcpReq.inputResponses, 'capital_question');
    if (given.kind === 'missing') {
      return inputRequired({ inputRequests: { capital_question: sample('What is the capital of France?', 100) } });
    }
    return text(`The answer: ${JSON.stringify(given)}`);
  }),
  tool('test_input_required_result_list_roots', 'Needs the roots', (_args, ctx) => {
    const given = inputResponse(ctx.mcpReq.inputResponses, 'client_roots');
    if (given.kind === 'missing') return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    return text(`Roots: ${JSON.stringify(given)}`);
  }),
  tool('test_input_required_result_request_state', 'Keeps state at the client', async (_args, ctx, hooks) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'confirm');
    if (given !== undefined && ctx.mcpReq.requestState() !== undefined) return text('state-ok');
    const inputRequests = { confirm: ask('Please confirm', 'ok', 'boolean') };
    return inputRequired({ inputRequests, requestState: await hooks.mint({ step: 1 }) });
  }),
  tool('test_input_required_result_tampered_state', 'Checks its state', async (_args, ctx, hooks) => {
    if (ctx.mcpReq.requestState() !== undefined) return text('state-ok');
    const inputRequests = { confirm: ask('Please confirm', 'ok', 'boolean') };
    return inputRequired({ inputRequests, requestState: await hooks.mint({ step: 1 }) });
  }),
  tool('test_input_required_result_multiple_inputs', 'Needs several things', async (_args, ctx, hooks) => {
    const responses = ctx.mcpReq.inputResponses ?? {};
    if (['user_name', 'greeting', 'client_roots'].every((key) => key in responses)) return text('all inputs received');
    const inputRequests = {
      user_name: ask('What is your name?', 'name', 'string'),
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    };
    return inputRequired({ inputRequests, requestState: await hooks.mint({ step: 1 }) });
  }),
  tool('test_input_required_result_multi_round', 'Asks twice', async (_args, ctx, hooks) => {
    const state = ctx.mcpReq.requestState<{ step: number }>();
    const responses = ctx.mcpReq.inputResponses ?? {};
    if (state?.step === 2 && 'step2' in responses) return text('both steps done');
    if (state?.step === 1 && 'step1' in responses) {
      const inputRequests = { step2: ask('Step 2: What is your favorite color?', 'color', 'string') };
      return inputRequired({ inputRequests, requestState: await hooks.mint({ step: 2 }) });
    }
    const inputRequests = { step1: ask('Step 1: What is your name?', 'name', 'string') };
    return inputRequired({ inputRequests, requestState: await hooks.mint({ step: 1 }) });
  }),
  tool('test_input_required_result_capabilities', 'Asks what the client can', (_args, ctx) => {
    const can = clientCapabilitiesOf(ctx);
    return inputRequired({
      inputRequests: {
        ...('sampling' in can ? { question: sample('Generate a greeting', 50) } : {}),
        ...('elicitation' in can ? { user_name: ask('What is your name?', 'name', 'string') } : {}),
      },
    });
  }),
  tool('test_missing_capability', 'Needs sampling', () =>
    inputRequired({ inputRequests: { question: sample('Generate a greeting', 50) } }),
  ),
];

const SCHEMAS: FixtureTool[] = [
  tool('json_schema_2020_12_tool', 'Tool with JSON Schema 2020-12 features', () => text('ok'), {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  } as Tool['inputSchema']),
  tool(
    'test_custom_headers',
    'Repeats an argument in a header',
    ({ region }) => text(String(region as string)),
    object({ region: { type: 'string', 'x-mcp-header': 'Region' } }, ['region']),
  ),
];

export const FIXTURE_TOOLS: readonly FixtureTool[] = [...CONTENT, ...STREAMING, ...ASKING, ...REQUIRING, ...SCHEMAS];
