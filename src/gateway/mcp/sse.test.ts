import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatEvent, readEvents, type SseEvent } from './sse.ts';

async function read(text: string, chunk: number, maxLength = 1000): Promise<SseEvent[]> {
  const bytes = new TextEncoder().encode(text);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.slice(at, at + chunk);
  }
  const events: SseEvent[] = [];
  for await (const event of readEvents(pieces(), maxLength)) events.push(event);
  return events;
}

test('fields, comments, continued data, and every line ending', async () => {
  const text =
    ': hello\n\nid: 1\nretry: 20\ndata: \n\nevent: message\r\ndata: a\r\ndata:b\r\n\r\nretry: soon\rdata: c\r\r';
  expect(await read(text, 1000)).toEqual([
    { data: '' },
    { id: '1', retry: '20', data: '' },
    { event: 'message', data: 'a\nb' },
    { data: 'c' },
  ]);
});

test('what was written is read again, however it is cut into pieces', async () => {
  const field = fc.string().map((text) => text.replace(/[\r\n\0]/g, '').trim());
  const event = fc.record({ id: field, event: field, data: field }).map((made) => made satisfies SseEvent);
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), fc.integer({ min: 1, max: 9 }), async (events, chunk) => {
      expect(await read(events.map(formatEvent).join(''), chunk, 10_000)).toEqual(events);
    }),
    { numRuns: 50 },
  );
});

test('an event without an end is not collected for ever', async () => {
  await expect(read(`data: ${'x'.repeat(2000)}`, 100)).rejects.toThrow(RangeError);
});
