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
  response.end(bytes);
}
