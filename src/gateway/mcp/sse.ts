/** One server-sent event (WHATWG HTML, section 9.2). A comment or an event without data has an empty `data`. */
export type SseEvent = { id?: string; event?: string; retry?: string; data: string };

/**
 * Reads events from bytes as they arrive.
 *
 * @throws RangeError when one event is longer than `maxLength` characters.
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>, maxLength: number): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  const boundary = /\r\n\r\n|\n\n|\r\r/g;
  let rest = '';
  for await (const chunk of bytes) {
    // What was searched before is not searched again, but for the start of a boundary at its end.
    boundary.lastIndex = Math.max(0, rest.length - 3);
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = boundary.exec(rest); end !== null; end = boundary.exec(rest)) {
      yield parseEvent(rest.slice(start, end.index));
      start = end.index + end[0].length;
    }
    rest = rest.slice(start);
    if (rest.length > maxLength) throw new RangeError('an event is too long');
  }
}

function parseEvent(block: string): SseEvent {
  const event: SseEvent = { data: '' };
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) event.id = value;
    else if (field === 'event') event.event = value;
    else if (field === 'retry' && /^\d+$/.test(value)) event.retry = value;
  }
  event.data = data.join('\n');
  return event;
}

/** What an event has beside its data, each text changed. */
export function fieldsOf({ id, event, retry }: SseEvent, change: (text: string) => string): Omit<SseEvent, 'data'> {
  return {
    ...(id === undefined ? {} : { id: change(id) }),
    ...(event === undefined ? {} : { event: change(event) }),
    ...(retry === undefined ? {} : { retry }),
  };
}

export function formatEvent(event: SseEvent): string {
  const lines: string[] = [];
  if (event.event !== undefined) lines.push(`event: ${event.event}`);
  if (event.id !== undefined) lines.push(`id: ${event.id}`);
  if (event.retry !== undefined) lines.push(`retry: ${event.retry}`);
  if (event.data === '' && lines.length === 0) return ':\n\n';
  for (const line of event.data.split('\n')) lines.push(`data: ${line}`);
  return `${lines.join('\n')}\n\n`;
}
