/**
 * A resource that checks Remit's tokens itself, with Express.
 *
 * REMIT_URL: where Remit is. AUDIENCE: what tokens for this resource are for. PUBLIC_URL: what callers know it by.
 */
import express, { type RequestHandler } from 'express';
import { createVerifier, type VerifiedToken } from 'remit/verify';

const publicUrl = process.env['PUBLIC_URL'] ?? 'http://127.0.0.1:8080';
const verify = createVerifier({
  issuer: process.env['REMIT_URL'] ?? 'http://127.0.0.1:7070',
  audience: process.env['AUDIENCE'] ?? 'http://127.0.0.1:7070/mcp/files',
});

// Express 5 takes a promise, and hands what it rejects with to its error handler: a fault is no permission.
const authenticated: RequestHandler = async (request, response, next) => {
  const { method, path, headersDistinct: headers } = request;
  const result = await verify({ method, url: `${publicUrl}${path}`, headers });
  if (!result.ok) {
    console.error(`refused: ${result.reason}`);
    if (result.challenge !== null) response.set('WWW-Authenticate', result.challenge);
    response.status(result.status).json({ error: result.error });
    return;
  }
  response.locals['token'] = result.token;
  next();
};

const app = express();
app.get('/notes', authenticated, (_request, response) => {
  const { agent, subject, task } = response.locals['token'] as VerifiedToken;
  response.json({ notes: ['buy milk'], for: subject, by: agent, task });
});

app.listen(Number(new URL(publicUrl).port), '127.0.0.1', () => console.log(`listening on ${publicUrl}`));
