/**
 * A resource that checks Remit's tokens itself, with Hono.
 *
 * REMIT_URL: where Remit is. AUDIENCE: what tokens for this resource are for. PUBLIC_URL: what callers know it by.
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { createVerifier, type VerifiedToken } from 'remit/verify';

const publicUrl = process.env['PUBLIC_URL'] ?? 'http://127.0.0.1:8080';
const verify = createVerifier({
  issuer: process.env['REMIT_URL'] ?? 'http://127.0.0.1:7070',
  audience: process.env['AUDIENCE'] ?? 'http://127.0.0.1:7070/mcp/files',
});

const authenticated = createMiddleware<{ Variables: { token: VerifiedToken } }>(async (c, next) => {
  const result = await verify({ method: c.req.method, url: `${publicUrl}${c.req.path}`, headers: c.req.raw.headers });
  if (!result.ok) {
    console.error(`refused: ${result.reason}`);
    if (result.challenge !== null) c.header('WWW-Authenticate', result.challenge);
    return c.json({ error: result.error }, result.status);
  }
  c.set('token', result.token);
  return next();
});

const app = new Hono();
app.get('/notes', authenticated, (c) => {
  const { agent, subject, task } = c.var.token;
  return c.json({ notes: ['buy milk'], for: subject, by: agent, task });
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(new URL(publicUrl).port) }, () =>
  console.log(`listening on ${publicUrl}`),
);
