/** Requests to a gateway as a client would send them, in both revisions, and what came back. */
import type { McpGateway } from '../../src/gateway/mcp/gateway.ts';

type Json = Record<string, unknown>;
export type Answer = { status: number; headers: Headers; messages: Json[]; last: Json };
export type Options = { task?: string; headers?: Record<string, string>; signal?: AbortSignal };

const CLIENT = { name: 'test', version: '1' };

export async function post(gateway: McpGateway, target: string, body: unknown, options: Options = {}): Promise<Answer> {
  const response = await gateway.fetch(requestOf(target, body, options), target);
  return readAnswer(response);
}

export function requestOf(target: string, body: unknown, { task, headers, signal }: Options): Request {
  return new Request(`http://127.0.0.1:8080/mcp/${target}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      host: '127.0.0.1:8080',
      ...(task === undefined ? {} : { 'x-test-task': task }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const streamed = response.headers.get('content-type') === 'text/event-stream';
  const parts = streamed ? [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => data!) : text === '' ? [] : [text];
  const messages = parts.map((part) => JSON.parse(part) as Json);
  return { status: response.status, headers: response.headers, messages, last: messages.at(-1) ?? {} };
}

/** A request of 2026-07-28, with its headers. */
export function stateless(
  gateway: McpGateway,
  target: string,
  method: string,
  params: Json = {},
  options: Options = {},
): Promise<Answer> {
  const { message, headers } = statelessMessage(method, params);
  return post(gateway, target, message, { ...options, headers: { ...headers, ...options.headers } });
}

export function statelessMessage(
  method: string,
  params: Json = {},
): { message: Json; headers: Record<string, string> } {
  const prefix = 'io.modelcontextprotocol/';
  const meta = {
    [`${prefix}protocolVersion`]: '2026-07-28',
    [`${prefix}clientInfo`]: CLIENT,
    [`${prefix}clientCapabilities`]: { sampling: {}, roots: {} },
  };
  const named = params['name'] ?? params['uri'];
  return {
    message: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof named === 'string' ? { 'mcp-name': named } : {}),
    },
  };
}

/** Begins a session of 2025-11-25. Returns its id and the answer to `initialize`. */
export async function initialize(gateway: McpGateway, target: string, options: Options = {}) {
  const capabilities = { sampling: {}, roots: {} };
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: CLIENT };
  const answer = await post(gateway, target, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, options);
  const session = answer.headers.get('mcp-session-id') ?? '';
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25', ...options.headers };
  await post(gateway, target, { jsonrpc: '2.0', method: 'notifications/initialized' }, { ...options, headers });
  let ids = 0;
  const request = (method: string, more: Json = {}): Promise<Answer> =>
    post(gateway, target, { jsonrpc: '2.0', id: ++ids, method, params: more }, { ...options, headers });
  return { session, headers, answer, request };
}

export function textOf(answer: Answer): string {
  const result = answer.last['result'] as { content?: { text?: string }[] } | undefined;
  return result?.content?.[0]?.text ?? '';
}

export function isToolError(answer: Answer): boolean {
  return (answer.last['result'] as { isError?: boolean } | undefined)?.isError === true;
}
