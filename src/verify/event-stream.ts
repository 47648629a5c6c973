/** A server-sent event (HTML, section 9.2) with its data; what has none is no event. */
export type ServerSentEvent = { event: string; id: string | null; data: string };

/** A line, or an event, that is longer is no stream of Remit's. */
const MAX_EVENT = 256 * 1024;

/** The events of a body, one by one. Throws when one is larger than is taken. Ends, or throws, as the body does. */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop()!;
    for (const block of blocks) yield eventOf(block);
    if (rest.length > MAX_EVENT) throw new Error('an event of the stream is too large');
  }
}

function eventOf(block: string): ServerSentEvent {
  const found: ServerSentEvent = { event: 'message', id: null, data: '' };
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') found.event = value;
    if (field === 'id') found.id = value;
    if (field === 'data') found.data = found.data === '' ? value : `${found.data}\n${value}`;
  }
  return found;
}
