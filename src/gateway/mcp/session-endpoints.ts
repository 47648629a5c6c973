import type { JsonObject } from '../../core/json.ts';
import { mapTexts } from '../../lease/map-texts.ts';
import { screenLines } from '../../lease/screen-stream.ts';
import { emptyAnswer, jsonAnswer, streamAnswer, type McpAnswer } from './answer.ts';
import type { DescribeParts } from './describe.ts';
import { CutOff } from './failure.ts';
import { inspect } from './inspect.ts';
import { RPC, rpcError } from './message.ts';
import { SESSION_VERSIONS } from './methods.ts';
import { nextWithin } from './next-within.ts';
import type { McpExchange } from './request.ts';
import type { Session } from './sessions.ts';
import { fieldsOf, formatEvent } from './sse.ts';
import type { Channel, Reply } from './upstream/channel.ts';

/** GET: the stream of a session (revisions up to 2025-11-25). Open until client, upstream, task or token ends. */
export async function openStream(exchange: McpExchange, given: DescribeParts): Promise<McpAnswer> {
  const session = sessionOf(exchange, given);
  if ('status' in session) return session;
  const { http, target } = exchange.request;
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, exchange.signal, session.channel.closed]);
  const cut = (reason: string): void => stopping.abort(new CutOff(reason));
  const under = { taskId: session.taskId, tokenId: exchange.caller!.token.id, target: target.name };
  const detach = given.parts.live.attach({ ...under, kind: 'stream', id: exchange.id }, cut);
  try {
    const listening = session.channel.listen(http.headers.get('last-event-id'), signal);
    const reply = await nextWithin(() => listening, signal, target.timeoutMs);
    if (reply !== null)
      return streamAnswer(streamOf(reply, session.channel, signal, exchange, given, detach, stopping));
  } catch (error) {
    detach();
    throw error;
  }
  detach();
  return emptyAnswer(405, { allow: 'POST, DELETE' });
}

function streamOf(
  reply: Reply,
  channel: Channel,
  signal: AbortSignal,
  exchange: McpExchange,
  { parts, upstreams }: DescribeParts,
  detach: () => void,
  stopping: AbortController,
): ReadableStream<Uint8Array> {
  const { target } = exchange.request;
  const iterator = reply.events[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  const from = { target: target.name, task: exchange.caller!.taskId! };
  const withoutCredential = upstreams.redactor(target);
  const screen = screenLines('', () => {});
  const inspecting = {
    channel,
    waiting: channel.waiting,
    allowed: target.clientCapabilities,
    redact: (text: string) => parts.leases.hide(from, withoutCredential(text)),
    // No operation says how secrets are to be looked for in what comes by itself, so they are.
    screen: (said: JsonObject) => mapTexts(said, (text) => screen.text(text)) as JsonObject,
  };
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        for (;;) {
          const { done, value } = await nextWithin(() => iterator.next(), signal, null);
          if (done === true) break;
          const { data } = value.data === '' ? value : await inspect(value.data, inspecting);
          if (data === null) continue;
          const event = { ...fieldsOf(value, inspecting.redact), data };
          return controller.enqueue(encoder.encode(formatEvent(event)));
        }
      } catch (error) {
        const cut = error instanceof CutOff || signal.aborted;
        if (!cut) parts.log.warn({ err: error, target: target.name }, 'the stream of a session broke');
      }
      detach();
      stopping.abort();
      controller.close();
    },
    cancel: () => {
      detach();
      stopping.abort();
    },
  });
}

/** DELETE: ends the session here and at the upstream. */
export async function endSession(exchange: McpExchange, given: DescribeParts): Promise<McpAnswer> {
  const session = sessionOf(exchange, given);
  if ('status' in session) return session;
  await given.sessions.end(session, 'the client ended the session');
  return emptyAnswer(200);
}

function sessionOf(exchange: McpExchange, { sessions }: DescribeParts): Session | McpAnswer {
  const { http, target } = exchange.request;
  const version = http.headers.get('mcp-protocol-version');
  // 2026-07-28 has neither sessions nor a GET stream.
  if (version !== null && !SESSION_VERSIONS.includes(version)) return emptyAnswer(405, { allow: 'POST' });
  const id = http.headers.get('mcp-session-id');
  if (id === null) return emptyAnswer(405, { allow: 'POST' });
  const session = sessions.find(id, exchange.caller!.taskId!, target.name);
  if (session !== undefined) return session;
  return jsonAnswer(404, rpcError(null, RPC.session, 'the session is unknown or has ended; initialize again'));
}
