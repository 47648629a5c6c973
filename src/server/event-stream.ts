import type { Revocation } from '../core/revocation.ts';
import type { FeedMessage } from '../revocation/stream.ts';

/** How long a client waits before it comes again, ms. */
const RETRY_MS = 1_000;

/**
 * Messages of the feed as server-sent events (HTML, section 9.2): an entry is an event whose id is its number, and an entry
 * without a form is an id alone, so that no reader comes back to it. Heartbeats have no id.
 */
export function eventStream(
  messages: ReadableStream<FeedMessage>,
  { event, form }: { event: string; form: (entry: Revocation) => string | null | Promise<string | null> },
): Response {
  const encoder = new TextEncoder();
  const texts = new TransformStream<FeedMessage, Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`)),
    transform: async (message, controller) => {
      if ('position' in message) {
        const at = new Date(message.at).toISOString();
        const data = JSON.stringify({ position: message.position, at });
        controller.enqueue(encoder.encode(`event: heartbeat\ndata: ${data}\n\n`));
        return;
      }
      let text = '';
      for (const entry of message.revocations) {
        const data = await form(entry);
        text +=
          data === null ? `id: ${entry.sequence}\n\n` : `id: ${entry.sequence}\nevent: ${event}\ndata: ${data}\n\n`;
      }
      controller.enqueue(encoder.encode(text));
    },
  });
  return new Response(messages.pipeThrough(texts), {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform' },
  });
}
