import type { MiddlewareHandler } from 'hono';
import { TooLarge } from '../core/errors.ts';
import { readWithin, statedLength } from './read-within.ts';

/**
 * Refuses bodies of more than `maxSize` bytes, stated or counted. Hono's own fails on a body whose length is not stated, since
 * the request that its server hands over is none that `Request` could copy.
 */
export function bodyLimit(maxSize: number): MiddlewareHandler {
  return async (c, next) => {
    const { raw } = c.req;
    if (raw.body === null) return next();
    const { method, url, headers, signal } = raw;
    const stated = statedLength(headers);
    if (stated !== null && stated > maxSize) throw tooLarge();
    if (stated !== null) return next();
    const body = await readWithin(raw.body, maxSize);
    if (body === null) throw tooLarge();
    c.req.raw = new Request(url, { method, headers: [...headers], body, signal });
    return next();
  };
}

function tooLarge(): TooLarge {
  return new TooLarge('the request is too large');
}
