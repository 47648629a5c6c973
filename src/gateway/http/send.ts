import type { HttpAnswer } from './answer.ts';
import type { ClientResponse } from './request.ts';

/** Writes an answer of Remit's own. What is left of the request is not read: the connection ends with it. */
export function sendWhole(
  response: ClientResponse,
  { status, headers, body }: Extract<HttpAnswer, { kind: 'whole' }>,
): void {
  if (response.headersSent || response.destroyed) return;
  const unread: Record<string, string> = response.req.complete ? {} : { connection: 'close' };
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    ...headers,
    'content-length': bytes.length,
    'x-content-type-options': 'nosniff',
    ...unread,
  });
  endWith(response, bytes);
}

/** Up to this size a copy of the body costs less than a write of its own. */
const IN_ONE_WRITE = 16 * 1024;

/** Ends an answer whose `content-length` was stated, of a small body together with its head: as text of one byte a character. */
export function endWith(response: ClientResponse, body: Buffer | Uint8Array): void {
  if (body.length > IN_ONE_WRITE) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'), 'latin1');
}
