import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const opened: Parameters<typeof openRawUpstream>[0] = (_request, socket) => {
  socket.removeAllListeners('data');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${ACCEPT}\r\n\r\n`,
  );
  socket.on('data', (text: string) => socket.write(`echo ${text} canary-of-the-target!`));
};

async function open(answer = opened): Promise<{ front: HttpFront; upstream: RawUpstream }> {
  const upstream = await openRawUpstream(answer);
  closing.push(() => upstream.close());
  const http = { query: [], headers: [], body: 'none' as const };
  const config: TargetConfig = {
    name: 'chat',
    kind: 'http',
    upstream: { kind: 'http', url: upstream.url, headers: { 'X-Token': { fromEnv: 'TOKEN' } }, private: true },
    sensitivity: 'internal',
    timeoutMs: 1000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      join: { effect: 'write', http: { ...http, method: 'GET', path: '/rooms/{room}', body: 'websocket' } },
      show: { effect: 'read', http: { ...http, method: 'GET', path: '/show' } },
    },
  };
  const front = await openHttpFront([config]);
  closing.push(() => front.close());
  return { front, upstream };
}

type Client = { socket: Socket; received: () => string; ended: Promise<void> };

function send(front: HttpFront, lines: readonly string[]): Client {
  let received = '';
  const socket = connect(front.port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
  closing.push(() => void socket.destroy());
  socket
    .setEncoding('latin1')
    .on('data', (text: string) => (received += text))
    .on('error', () => undefined);
  return { socket, received: () => received, ended: new Promise((resolve) => socket.on('close', () => resolve())) };
}

const HANDSHAKE = [
  'Host: remit.example.test',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Extensions: permessage-deflate',
  'Authorization: DPoP t',
];
const join = (front: HttpFront) => send(front, ['GET /http/chat/rooms/7 HTTP/1.1', ...HANDSHAKE]);

test('a WebSocket is decided at its handshake, and passes both ways without the credential', async () => {
  const { front, upstream } = await open();
  const client = join(front);
  await expect.poll(client.received).toContain(`sec-websocket-accept: ${ACCEPT}\r\n\r\n`);
  expect(client.received()).toMatch(/^HTTP\/1\.1 101 /);
  expect(front.decided[0]?.action).toMatchObject({ operation: 'join', arguments: { path: { room: '7' } } });
  expect(upstream.received[0]).toMatch(/^GET \/rooms\/7 HTTP\/1\.1\r\n/);
  expect(upstream.received[0]).toMatch(/\r\nx-token: canary-of-the-target\r\n/);
  expect(upstream.received[0]).not.toMatch(/extensions|authorization/i);
  client.socket.write('hello');
  await expect.poll(client.received).toMatch(/echo hello \[redacted\]\*+!$/);
  client.socket.end();
  await expect.poll(() => front.observed.map(({ outcome }) => outcome?.status)).toEqual(['ok']);
  expect(front.live.of('tsk_1', 'stream')).toEqual([]);
});

test('INVARIANT 6: the end of the task cuts it', async () => {
  const { front } = await open();
  const client = join(front);
  await expect.poll(client.received).toMatch(/^HTTP\/1\.1 101 /);
  front.live.endTask('tsk_1', 'the task has ended');
  await client.ended;
  expect(front.observed[0]?.outcome).toEqual({ status: 'cut', detail: 'the task has ended' });
});

test('a target that opens none: the agent is told, and the connection ends', async () => {
  const { front } = await open((_request, socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'));
  const client = join(front);
  await client.ended;
  expect(client.received()).toMatch(/^HTTP\/1\.1 502 [^]*the target opened no WebSocket/);
  expect(front.observed[0]?.outcome).toEqual({ status: 'failed', detail: 'the target opened no WebSocket' });
});

const without = (name: string, ...more: string[]) => [
  ...HANDSHAKE.filter((line) => !line.startsWith(`${name}:`)),
  ...more,
];
test.each<[string, string, readonly string[]]>([
  ['another operation', '/show', HANDSHAKE],
  ['no key', '/rooms/7', without('Sec-WebSocket-Key')],
  ['another version', '/rooms/7', without('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8')],
  ['a body', '/rooms/7', [...HANDSHAKE, 'Content-Length: 5']],
  ['a header that is to be taken out', '/rooms/7', without('Connection', 'Connection: Upgrade, X-Token')],
  ['no upgrade', '/rooms/7', ['Host: remit.example.test', 'Connection: close']],
  ['another upgrade', '/rooms/7', without('Upgrade', 'Upgrade: h2c')],
])('%s: refused', async (_what, path, lines) => {
  const { front, upstream } = await open();
  const client = send(front, [`GET /http/chat${path} HTTP/1.1`, ...lines]);
  await expect.poll(client.received).toMatch(/^HTTP\/1\.1 400 /);
  expect([upstream.received, front.decided]).toEqual([[], []]);
});

test('the protocol that the target chooses is not its credential', async () => {
  const { front } = await open((_request, socket) => {
    socket.removeAllListeners('data');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${ACCEPT}\r\nsec-websocket-protocol: v1.canary-of-the-target\r\n\r\n`,
    );
  });
  const client = join(front);
  await expect.poll(client.received).toContain('101 Switching Protocols');
  expect(client.received()).not.toContain('canary');
});
