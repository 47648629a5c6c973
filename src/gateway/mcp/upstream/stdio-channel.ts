import { UpstreamFailed } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { metaOf, rpcResult, type RequestMessage } from '../message.ts';
import { STATELESS_VERSION, SESSION_VERSIONS, type Revision } from '../methods.ts';
import type { SseEvent } from '../sse.ts';
import type { Channel, Reply, Sending } from './channel.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';
import type { StdioServer } from './stdio-server.ts';

const META = 'io.modelcontextprotocol/';
/** Revision 2026-07-28: results that say how long they may be kept. A translated one may not be. */
const CACHEABLE = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** One client's way to the process that serves the task. Several share the process; ids are the process's own. */
export function createStdioChannel(revision: Revision, server: StdioServer): Channel {
  const closing = new AbortController();
  const calls = new Map<string, number>();
  const listeners = new Set<EventQueue<SseEvent>>();

  const channel: Channel & { loose: (message: JsonObject) => boolean } = {
    revision,
    takesAnswers: true,
    seen: server.seen,
    asked: new Set(),
    waiting: new Map(),
    closed: closing.signal,
    loose: (message) => {
      for (const listener of listeners) listener.push({ data: JSON.stringify(message) });
      return listeners.size > 0;
    },
    request: async (message, how) => {
      if (message.method === 'initialize') return local(handshakeResult(message, await server.ready(message.params)));
      if (message.method === 'server/discover') return local(discovery(message, await server.ready()));
      if (message.method === 'subscriptions/listen') return subscribe(message, how.signal);
      await server.ready();
      return { status: 200, form: 'auto', events: exchange(message, how) };
    },
    send: async (message) => {
      // The gateway has made the handshake itself.
      if (message['method'] === 'notifications/initialized') return 202;
      if (message['method'] === 'notifications/cancelled') return cancel(message);
      server.running()?.send(message);
      return 202;
    },
    listen: async (_lastEventId, signal) => ({ status: 200, form: 'stream', events: open(signal) }),
    close: async (reason) => {
      if (closing.signal.aborted) return;
      closing.abort(new UpstreamFailed(reason));
      server.leave(channel);
    },
  };
  server.join(channel);
  return channel;

  async function* exchange(message: RequestMessage, { signal, sent }: Sending): AsyncGenerator<SseEvent> {
    const process = server.running();
    if (process === null) throw new UpstreamFailed('the target ended before it answered');
    sent?.();
    const call = process.request(revision === 'stateless' ? withoutEnvelope(message) : message);
    const key = JSON.stringify(message.id);
    calls.set(key, call.wireId);
    const silent = revision === 'stateless' && metaOf(message.params)[`${META}logLevel`] === undefined;
    let answered = false;
    const stop = (): void => call.messages.end(signal.reason instanceof Error ? signal.reason : undefined);
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const received of call.messages) {
        if (received['method'] === undefined) answered = true;
        // 2026-07-28: log lines only for a request that asked for them.
        if (silent && received['method'] === 'notifications/message') continue;
        yield { data: JSON.stringify(revision === 'stateless' ? completed(message.method, received) : received) };
      }
    } finally {
      signal.removeEventListener('abort', stop);
      calls.delete(key);
      call.forget();
      if (!answered) process.send(cancelled(call.wireId));
    }
  }

  function cancel(message: JsonObject): number {
    const params = isJsonObject(message['params']) ? message['params'] : {};
    const wireId = calls.get(JSON.stringify(params['requestId'] ?? null));
    if (wireId !== undefined) server.running()?.send({ ...message, params: { ...params, requestId: wireId } });
    return 202;
  }

  async function* open(signal: AbortSignal): AsyncGenerator<SseEvent> {
    const queue = createEventQueue<SseEvent>();
    const stop = (): void => queue.end();
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    listeners.add(queue);
    try {
      yield* queue;
    } finally {
      listeners.delete(queue);
    }
  }

  /** Revision 2026-07-28, `subscriptions/listen`: what was asked for, of what the process announces by itself. */
  async function subscribe(message: RequestMessage, signal: AbortSignal): Promise<Reply> {
    await server.ready();
    const wanted = isJsonObject(message.params?.['notifications']) ? message.params['notifications'] : {};
    const agreed = Object.fromEntries(
      ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged']
        .filter((name) => wanted[name] === true)
        .map((name) => [name, true] as const),
    );
    const meta = { [`${META}subscriptionId`]: message.id };
    async function* events(): AsyncGenerator<SseEvent> {
      const acknowledged = { notifications: agreed, _meta: meta };
      const method = 'notifications/subscriptions/acknowledged';
      yield { data: JSON.stringify({ jsonrpc: '2.0', method, params: acknowledged }) };
      for await (const event of open(signal)) {
        const received = JSON.parse(event.data) as JsonObject;
        if (!isAgreed(received['method'], agreed)) continue;
        const params = isJsonObject(received['params']) ? received['params'] : {};
        yield { data: JSON.stringify({ ...received, params: { ...params, _meta: { ...metaOf(params), ...meta } } }) };
      }
    }
    return { status: 200, form: 'stream', events: events() };
  }
}

function isAgreed(method: unknown, agreed: Record<string, boolean>): boolean {
  return (
    (method === 'notifications/tools/list_changed' && agreed['toolsListChanged'] === true) ||
    (method === 'notifications/prompts/list_changed' && agreed['promptsListChanged'] === true) ||
    (method === 'notifications/resources/list_changed' && agreed['resourcesListChanged'] === true)
  );
}

function local(message: JsonObject): Reply {
  async function* events(): AsyncGenerator<SseEvent> {
    yield { data: JSON.stringify(message) };
  }
  return { status: 200, form: 'json', events: events() };
}

function cancelled(requestId: number): JsonObject {
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, reason: 'the caller went away' } };
}

function handshakeResult(message: RequestMessage, initialized: JsonObject): JsonObject {
  const asked = message.params?.['protocolVersion'];
  const known = SESSION_VERSIONS.find((version) => version === asked) ?? SESSION_VERSIONS[0]!;
  return rpcResult(message.id, { ...initialized, protocolVersion: known });
}

function discovery(message: RequestMessage, initialized: JsonObject): JsonObject {
  const { capabilities = {}, serverInfo, instructions } = initialized;
  return completed('server/discover', {
    ...rpcResult(message.id, {
      supportedVersions: [STATELESS_VERSION],
      capabilities,
      ...(instructions === undefined ? {} : { instructions }),
      ...(serverInfo === undefined ? {} : { _meta: { [`${META}serverInfo`]: serverInfo } }),
    }),
  });
}

/** Revision 2025-11-25 knows no envelope: its keys are the gateway's to read, not the upstream's. */
function withoutEnvelope(message: RequestMessage): RequestMessage {
  const kept = Object.entries(metaOf(message.params)).filter(([key]) => !key.startsWith(META));
  const { _meta: _dropped, ...params } = message.params ?? {};
  return { ...message, params: kept.length === 0 ? params : { ...params, _meta: Object.fromEntries(kept) } };
}

function completed(method: string, message: JsonObject): JsonObject {
  if (!isJsonObject(message['result'])) return message;
  const cache: JsonObject = CACHEABLE.has(method) ? { ttlMs: 0, cacheScope: 'private' } : {};
  return { ...message, result: { ...cache, ...message['result'], resultType: 'complete' } };
}
