import { expect, test } from 'vitest';
import { readBodyWithin } from './read-within.ts';

/** A body in pieces, of which it is known how many were taken. */
function inPieces(...pieces: string[]): { body: ReadableStream<Uint8Array>; taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const piece = pieces[taken++];
        if (piece === undefined) controller.close();
        else controller.enqueue(Buffer.from(piece));
      },
    },
    { highWaterMark: 0 },
  );
  return { body, taken: () => taken };
}

const post = (body: ReadableStream<Uint8Array> | string | null, headers: Record<string, string> = {}) =>
  new Request('https://remit.example', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);

test.each<[what: string, request: () => Request, read: string | null]>([
  ['no body', () => post(null), ''],
  ['as much as fits', () => post(inPieces('abc', 'de').body), 'abcde'],
  ['more, counted', () => post(inPieces('abc', 'def').body), null],
  ['more, stated', () => post('abcdef', { 'content-length': '6' }), null],
  [
    'a length beside a transfer coding',
    () => post('abcdef', { 'content-length': '1', 'transfer-encoding': 'chunked' }),
    null,
  ],
  ['a length that is none', () => post('abcdef', { 'content-length': '-1' }), null],
])('%s', async (_what, request, read) => {
  const bytes = await readBodyWithin(request(), 5);
  expect(bytes === null ? null : Buffer.from(bytes).toString()).toBe(read);
});

test('no more is taken than it takes to know that there is too much', async () => {
  const { body, taken } = inPieces('abc', 'def', 'ghi', 'jkl');
  expect(await readBodyWithin(post(body), 5)).toBeNull();
  expect(taken()).toBe(2);
});
