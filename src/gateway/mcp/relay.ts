import type { TargetConfig } from '../../config/config.ts';
import { TooLarge, UpstreamFailed } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { jsonAnswer, streamAnswer, type McpAnswer } from './answer.ts';
import type { Call } from './call.ts';
import { CutOff } from './failure.ts';
import { inspect, type InspectParts } from './inspect.ts';
import { nextWithin } from './next-within.ts';
import type { InboundCall } from './request.ts';
import { fieldsOf, formatEvent, type SseEvent } from './sse.ts';
import type { Channel, Reply, Waiting } from './upstream/channel.ts';

const DRAIN_MS = 1000;

export type Relaying = {
  inbound: InboundCall;
  channel: Channel;
  call: Call;
  waiting: Map<string, Waiting>;
  /** Key of the request's id in `waiting`. */
  key: string;
  target: TargetConfig;
  redact: InspectParts['redact'];
  screen: InspectParts['screen'];
  /** Ends the call with an error, and returns the last message for the client. */
  fail: (error: unknown) => JsonObject;
};

/** Passes the answer of the upstream on as it comes, each message inspected. */
export async function relay(reply: Reply, relaying: Relaying): Promise<McpAnswer> {
  const events = inspected(reply, relaying);
  if (reply.form === 'stream') return streamAnswer(streamOf(events, relaying, []));
  const first = await events.next();
  if (first.done === true) throw new UpstreamFailed('the target ended its answer without a response');
  if (first.value.last) {
    await events.return(undefined);
    return { ...jsonAnswer(reply.status, {}), body: first.value.event.data };
  }
  return streamAnswer(streamOf(events, relaying, [first.value.event]));
}

type Passed = { event: SseEvent; last: boolean };

/** @throws what ended the call: `CutOff`, `UpstreamFailed`, `UpstreamTimeout`, `TooLarge`. */
async function* inspected(reply: Reply, relaying: Relaying): AsyncGenerator<Passed, void, undefined> {
  const { call, target, channel, inbound } = relaying;
  const iterator = reply.events[Symbol.asyncIterator]();
  const endless = inbound.method.kind === 'protocol' && inbound.method.streams === true;
  let size = 0;
  let resumable = false;
  for (;;) {
    const { done, value } = await nextWithin(() => iterator.next(), call.signal, endless ? null : target.timeoutMs);
    if (done === true) {
      if (endless) return call.finish({ status: 'ok' });
      // 2025-11-25: a server may close a stream that has event ids; the client fetches the rest with Last-Event-ID.
      if (resumable) return call.outlives();
      throw new UpstreamFailed('the target ended its answer without a response');
    }
    resumable ||= channel.revision === 'session' && value.id !== undefined;
    size = endless ? value.data.length : size + value.data.length;
    if (size > target.maxAnswerBytes) {
      throw new TooLarge(`the target answered with more than ${target.maxAnswerBytes} bytes`);
    }
    if (value.data === '') {
      yield { event: { ...fieldsOf(value, relaying.redact), data: '' }, last: false };
      continue;
    }
    const { data, answers } = await inspect(value.data, { ...relaying, allowed: target.clientCapabilities });
    if (data === null) continue;
    const last = answers === relaying.key || answers === '';
    if (answers === '') call.finish({ status: 'failed', detail: 'the target answered with an error' });
    // The rest is read to its end, so that the connection can be used again.
    if (last) void drain(iterator);
    yield { event: { ...fieldsOf(value, relaying.redact), data }, last };
    if (last) return;
  }
}

async function drain(iterator: AsyncIterator<SseEvent>): Promise<void> {
  const patience = setTimeout(() => void iterator.return?.().catch(() => undefined), DRAIN_MS);
  try {
    while ((await iterator.next()).done !== true);
  } catch {
    // the response has been delivered; how its stream ends changes nothing
  } finally {
    clearTimeout(patience);
  }
}

/** The events as bytes. When the call fails midway, the last event says why. */
function streamOf(
  events: AsyncGenerator<Passed, void, undefined>,
  relaying: Relaying,
  before: SseEvent[],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const event of before) controller.enqueue(encoder.encode(formatEvent(event)));
    },
    pull: async (controller) => {
      try {
        const { done, value } = await events.next();
        if (done !== true) return controller.enqueue(encoder.encode(formatEvent(value.event)));
      } catch (error) {
        const last = { event: 'message', data: JSON.stringify(relaying.fail(error)) };
        controller.enqueue(encoder.encode(formatEvent(last)));
      }
      controller.close();
    },
    cancel: () => relaying.call.abort(new CutOff('the caller went away')),
  });
}
