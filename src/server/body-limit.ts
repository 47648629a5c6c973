import type { MiddlewareHandler } from 'hono';
import { TooLarge } from '../core/errors.ts';

/**
 * Refuses bodies of more than `maxSize` bytes, stated or counted. Hono's own fails on a body whose length is not stated, since
 * the request that its server hands over is none that `Request` could copy.
 */
export function bodyLimit(maxSize: number): MiddlewareHandler {
  return async (c, next) => {
    const { raw } = c.req;
    if (raw.body === null) return next();
    const { method, url, headers, signal } = raw;
    const stated = headers.get('content-length');
    // The parser holds the body to its length.
    if (stated !== null && !headers.has('transfer-encoding')) {
      if (Number(stated) > maxSize) throw new TooLarge('the request is too large');
      return next();
    }
    const body = await readWithin(raw.body, maxSize);
    c.req.raw = new Request(url, { method, headers: [...headers], body, signal });
    return next();
  };
}

async function readWithin(stream: ReadableStream<Uint8Array>, maxSize: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxSize) throw new TooLarge('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
