import type { JsonObject } from '../../core/json.ts';
import type { Outcome } from '../exchange.ts';

/** What goes back to the client. A stream carries server-sent events. */
export type McpAnswer = {
  status: number;
  headers: Record<string, string>;
  body: string | ReadableStream<Uint8Array> | null;
  /** Settles when the upstream is through with the call, which for a stream is later than the answer. Never rejects. */
  finished?: Promise<Outcome>;
};

export function jsonAnswer(status: number, message: JsonObject, headers: Record<string, string> = {}): McpAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(message) };
}

export function emptyAnswer(status: number, headers: Record<string, string> = {}): McpAnswer {
  return { status, headers, body: null };
}

export function streamAnswer(body: ReadableStream<Uint8Array>, headers: Record<string, string> = {}): McpAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', ...headers },
    body,
  };
}

export function toResponse(answer: McpAnswer): Response {
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}
