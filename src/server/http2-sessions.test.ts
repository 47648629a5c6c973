import { connect, type ClientHttp2Session } from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createHttp2Sessions, type RequestHandler } from './http2-sessions.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const IDLE_MS = 20;

async function open(handler: RequestHandler): Promise<ClientHttp2Session> {
  const sessions = createHttp2Sessions(handler, { idleMs: IDLE_MS });
  const server = createServer((socket) => sessions.take(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => undefined);
  closing.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => sessions.end(),
    () => client.destroy(),
  );
  return client;
}

test('a connection without a request is given up', async () => {
  const client = await open(() => undefined);
  await expect.poll(() => client.closed).toBe(true);
});

test('a connection is given up after a request, too, that was under way for longer than it may be idle', async () => {
  const client = await open((_request, response) => {
    setTimeout(() => response.end(), 4 * IDLE_MS);
  });
  const stream = client.request({ ':path': '/' });
  const status = await new Promise((resolve) => stream.once('response', (head) => resolve(head[':status'])));
  expect(status).toBe(200);
  await expect.poll(() => client.closed).toBe(true);
});
