import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { HttpUpstream, TargetConfig } from '../../../config/config.ts';
import { TooLarge, UpstreamFailed } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import { isJsonObject } from '../../../core/json.ts';
import { readMessage, type RequestMessage } from '../message.ts';
import { readEvents, type SseEvent } from '../sse.ts';
import type { Revision } from '../methods.ts';
import { createSeenDefinitions } from '../seen-definitions.ts';
import type { Channel, Reply, Sending } from './channel.ts';

const ACCEPT = 'application/json, text/event-stream';
/**
 * Idle connections are given up well before servers commonly do (Node: 5 s). A request sent on a connection that the
 * server is just closing fails, and a tool call cannot be sent again by itself: it may have been carried out.
 */
const POOL = { keepAlive: true, timeout: 2_000 };
const agents = { 'http:': new HttpAgent(POOL), 'https:': new HttpsAgent(POOL) };

export type HttpChannelParts = {
  target: TargetConfig;
  upstream: HttpUpstream;
  /** The target's credential, read at each request so that a rotated one is picked up. */
  credentials: () => Record<string, string>;
};

/** A Streamable HTTP upstream: each message is one POST, with the revision of the client. */
export function createHttpChannel(revision: Revision, parts: HttpChannelParts): Channel {
  const closing = new AbortController();
  let sessionId: string | null = null;
  let version: string | null = null;

  function headers(how: Sending): Record<string, string> {
    return {
      accept: ACCEPT,
      ...(revision === 'session' && version !== null ? { 'mcp-protocol-version': version } : {}),
      ...how.headers,
      ...(sessionId === null ? {} : { 'mcp-session-id': sessionId }),
      'accept-encoding': 'identity',
      // The target's credential goes last: nothing of the client's can take its place.
      ...parts.credentials(),
    };
  }

  async function post(message: JsonObject, how: Sending): Promise<IncomingMessage> {
    const body = JSON.stringify(message);
    const posted = { ...headers(how), 'content-type': 'application/json' };
    return open('POST', parts.upstream.url, posted, body, how);
  }

  async function request(message: RequestMessage, how: Sending): Promise<Reply> {
    const response = await post(message, how);
    if (message.method !== 'initialize') {
      if (response.statusCode === 404 && sessionId !== null) throw lost(response);
      return replyOf(response, parts.target);
    }
    const given = response.headers['mcp-session-id'];
    if (typeof given === 'string') sessionId = given;
    const reply = await replyOf(response, parts.target);
    return { ...reply, events: noteVersion(reply.events) };
  }

  /** 2025-11-25: 404 ends a session; the client's ends with it, so that it begins another. */
  function lost(response: IncomingMessage): Error {
    response.resume();
    const error = new UpstreamFailed('the target has ended the session; initialize again', { refused: true });
    sessionId = null;
    closing.abort(error);
    return error;
  }

  async function* noteVersion(events: AsyncIterable<SseEvent>): AsyncGenerator<SseEvent> {
    for await (const event of events) {
      version ??= negotiatedVersion(event.data);
      yield event;
    }
  }

  return {
    revision,
    takesAnswers: revision === 'session',
    seen: createSeenDefinitions(),
    asked: new Set(),
    waiting: new Map(),
    closed: closing.signal,
    request,
    send: async (message, how) => {
      const response = await post(message, how);
      response.resume();
      return checkStatus(response);
    },
    listen: async (lastEventId, signal) => {
      const resumed: Record<string, string> = lastEventId === null ? {} : { 'last-event-id': lastEventId };
      const sent = { ...headers({ signal, headers: resumed }), accept: 'text/event-stream' };
      const response = await open('GET', parts.upstream.url, sent, null, { signal });
      if (response.statusCode !== 200) {
        response.resume();
        checkStatus(response);
        return null;
      }
      return replyOf(response, parts.target);
    },
    close: async (reason) => {
      if (closing.signal.aborted) return;
      const sent = sessionId === null ? null : headers({ signal: closing.signal });
      closing.abort(new UpstreamFailed(reason));
      if (sent === null) return;
      const patience = AbortSignal.timeout(2000);
      // Politeness only: the session is out of use here whatever the upstream says to it.
      await open('DELETE', parts.upstream.url, sent, null, { signal: patience }).then(
        (response) => void response.resume(),
        () => undefined,
      );
    },
  };
}

/** Never follows a redirect: a 3xx is the answer, and is refused by `checkStatus`. */
function open(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: string | null,
  { signal, sent: onSent }: Pick<Sending, 'signal' | 'sent'>,
): Promise<IncomingMessage> {
  const { protocol } = new URL(url);
  const secure = protocol === 'https:';
  const bytes = body === null ? null : Buffer.from(body);
  const sent = bytes === null ? headers : { ...headers, 'content-length': String(bytes.length) };
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(toError(signal.reason));
    const agent = secure ? agents['https:'] : agents['http:'];
    const request = (secure ? httpsRequest : httpRequest)(url, { method, headers: sent, agent });
    // Not `signal` of the request's options: that one outlives the request, on a socket that others use by then.
    const stop = (): void => void request.destroy();
    const release = (): void => signal.removeEventListener('abort', stop);
    signal.addEventListener('abort', stop, { once: true });
    if (onSent !== undefined) request.on('socket', (socket) => whenConnected(socket, secure, onSent));
    request.on('close', release);
    request.on('error', (cause) => {
      reject(signal.aborted ? toError(signal.reason) : new UpstreamFailed('the target cannot be reached', { cause }));
    });
    request.on('response', (response) => {
      // Read errors reach whoever reads; without a reader they must not end the process.
      response.on('error', () => undefined);
      resolve(response);
    });
    request.end(bytes ?? undefined);
  });
}

/** Nothing of a request leaves before its connection stands; one of the pool may. */
function whenConnected(socket: Socket, secure: boolean, then: () => void): void {
  if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', then);
  else then();
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new UpstreamFailed('the call was stopped', { cause: reason });
}

async function replyOf(response: IncomingMessage, target: TargetConfig): Promise<Reply> {
  const status = response.statusCode ?? 0;
  const type = response.headers['content-type'] ?? '';
  const limit = target.maxAnswerBytes;
  if (status === 200 && type.startsWith('text/event-stream')) {
    return { status, form: 'stream', events: limited(readEvents(failingAsUpstream(response), limit), limit) };
  }
  const text = await readText(response, limit);
  // An error of the protocol travels as JSON-RPC in a 4xx; the client must see it as it is.
  if (isJsonRpc(text)) return { status, form: 'json', events: one({ data: text }) };
  checkStatus(response);
  throw new UpstreamFailed('the target answered with something that is not JSON-RPC', {
    refused: REFUSING.has(status),
  });
}

/** RFC 9110, section 15.5, and RFC 6585: the server has not carried the request out. Others of 4xx may say otherwise. */
const REFUSING: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 421, 429, 431]);

function checkStatus(response: IncomingMessage): number {
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400)
    throw new UpstreamFailed('the target answered with a redirect, which is not followed');
  if (status === 401 || status === 403) {
    throw new UpstreamFailed('the target refused the credential that remit holds for it; ask an operator to check it', {
      refused: true,
    });
  }
  if (status >= 500) throw new UpstreamFailed(`the target answered with status ${status}`);
  return status;
}

async function readText(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of failingAsUpstream(response)) {
    size += chunk.length;
    if (size > limit) throw new TooLarge(`the target answered with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* failingAsUpstream(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (cause) {
    throw new UpstreamFailed('the target broke its answer off', { cause });
  } finally {
    response.destroy();
  }
}

async function* limited(events: AsyncIterable<SseEvent>, limit: number): AsyncGenerator<SseEvent> {
  try {
    yield* events;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TooLarge(`the target answered with more than ${limit} bytes`, { cause: error });
  }
}

async function* one(event: SseEvent): AsyncGenerator<SseEvent> {
  yield event;
}

function isJsonRpc(text: string): boolean {
  try {
    return readMessage(JSON.parse(text)) !== null;
  } catch {
    return false;
  }
}

function negotiatedVersion(data: string): string | null {
  if (!data.includes('"protocolVersion"')) return null;
  try {
    const message: unknown = JSON.parse(data);
    const result = isJsonObject(message) ? message['result'] : undefined;
    return isJsonObject(result) && typeof result['protocolVersion'] === 'string' ? result['protocolVersion'] : null;
  } catch {
    return null;
  }
}
