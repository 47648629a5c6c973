import { createHash } from 'node:crypto';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import type { HttpGatewayDeps } from './gateway.ts';
import { callerOf } from '../../../test/conformance/open-gateway.ts';
import { createX509Authority, type Issued, type X509Authority } from '../../../test/fixtures/x509-authority.ts';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';
import { frame, headers, openFrameClient } from '../../../test/harness/http2-frames.ts';

const NAME = 'remit.example.test';
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

let authority: X509Authority;
let identity: Issued;
beforeAll(async () => {
  authority = await createX509Authority('web');
  identity = await authority.server(NAME);
});
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
const agents: Agent[] = [];
afterAll(async () => {
  for (const agent of agents) await agent.close();
});

type Opened = { front: HttpFront; upstream: RawUpstream; session: ClientHttp2Session };

async function open(
  answer: string | Parameters<typeof openRawUpstream>[0],
  parts: Partial<HttpGatewayDeps> = {},
): Promise<Opened> {
  const upstream = await openRawUpstream(
    typeof answer === 'string' ? (_request, socket) => void socket.end(answer) : answer,
  );
  closing.push(() => upstream.close());
  const front = await openHttpFront([target(upstream.url)], parts, identity);
  closing.push(() => front.close());
  const session = connect(`https://${NAME}`, {
    ca: authority.pem,
    servername: NAME,
    host: '127.0.0.1',
    port: front.port,
  });
  session.on('error', () => undefined);
  closing.push(() => session.destroy());
  return { front, upstream, session };
}

const SHOW = { ':path': '/http/api/show' };
const STORE = { ':method': 'PUT', ':path': '/http/api/store', 'content-type': 'application/octet-stream' };

type Answered = {
  status: number;
  headers: OutgoingHttpHeaders;
  raw: readonly string[];
  body: Buffer;
  /** How the stream ended: with an error code, and whether it said that it was whole. */
  code: number;
  whole: boolean;
};

/** Resolves once a stream is over, whole or not. */
function answerOf(stream: ClientHttp2Stream): Promise<Answered> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: { status: number; headers: OutgoingHttpHeaders; raw: readonly string[] } = {
      status: 0,
      headers: {},
      raw: [],
    };
    let failed = false;
    stream.on('response', (fields, _flags, ...rest: unknown[]) => {
      head = { status: Number(fields[':status']), headers: fields, raw: (rest[0] ?? []) as string[] };
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => (failed = true));
    stream.on('close', () =>
      resolve({ ...head, body: Buffer.concat(chunks), code: stream.rstCode ?? 0, whole: !failed && !stream.aborted }),
    );
  });
}

async function outcomeOf({ front }: Opened) {
  await expect.poll(() => front.observed.length).toBe(1);
  return front.observed[0]?.outcome;
}

test('a request over HTTP/2 is decided and answered, each header as often as it came', async () => {
  const opened = await open(
    'HTTP/1.1 200 OK\r\nvary: a\r\nvary: b\r\nconstructor: 1\r\nx-own: caf\xe9\r\nConnection: x-hop\r\nx-hop: 1\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\nhi',
  );
  const answer = await answerOf(opened.session.request(SHOW));
  expect([answer.status, answer.body.toString(), answer.whole, answer.code]).toEqual([
    200,
    'hi',
    true,
    NGHTTP2_NO_ERROR,
  ]);
  const pairs = answer.raw.flatMap((name, place) => (place % 2 === 0 ? [`${name}: ${answer.raw[place + 1]}`] : []));
  expect(pairs).toEqual(
    expect.arrayContaining(['vary: a', 'vary: b', 'constructor: 1', 'x-own: caf\xc3\xa9', 'content-length: 2']),
  );
  for (const name of ['connection', 'x-hop', 'set-cookie', 'transfer-encoding']) expect(answer.raw).not.toContain(name);
  expect(await outcomeOf(opened)).toMatchObject({ status: 'ok', result: { status: 200, bytes: 2 } });
});

test.each([
  ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n', 200],
  ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
  ['GET', 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', 304],
])('an answer to %s without a body is whole', async (method, bytes, status) => {
  const opened = await open(bytes);
  const answer = await answerOf(opened.session.request({ ...SHOW, ':method': method }));
  expect([answer.status, answer.body.length, answer.whole]).toEqual([status, 0, true]);
  expect(await outcomeOf(opened)).toMatchObject({ status: 'ok' });
});

test('a refusal of Remit’s own is an answer, to HEAD without a body, and so for a request whose body nobody reads', async () => {
  const { session, upstream } = await open('');
  const denied = await answerOf(session.request({ ':path': '/http/api/nothing' }));
  expect([denied.status, denied.headers['content-type'], denied.whole]).toEqual([
    403,
    'application/problem+json',
    true,
  ]);
  expect((await answerOf(session.request({ ':method': 'HEAD', ':path': '/http/api/nothing' }))).status).toBe(403);
  const unread = session.request({ ...STORE, ':path': '/http/api/nothing' });
  unread.write(Buffer.alloc(200_000));
  const refused = await answerOf(unread);
  expect([refused.status, refused.code]).toEqual([403, NGHTTP2_NO_ERROR]);
  expect(JSON.parse(refused.body.toString())).toMatchObject({ status: 403 });
  expect(upstream.received).toEqual([]);
});

test('a client that chooses by ALPN speaks either version at the same address', async () => {
  const { front } = await open('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi');
  for (const allowH2 of [true, false]) {
    const agent = new Agent({ allowH2, connect: { ca: authority.pem, servername: NAME } });
    agents.push(agent);
    const { statusCode, body } = await agent.request({
      origin: `https://127.0.0.1:${front.port}`,
      path: '/http/api/show',
      method: 'GET',
      headers: { host: NAME },
    });
    expect([statusCode, await body.text()]).toEqual([200, 'hi']);
  }
  expect(front.decided).toHaveLength(2);
});

test.each([{ ALPNProtocols: ['http/1.1'] }, {}])(
  'a WebSocket opens over HTTP/1.1 at the same address (%o)',
  async (offered) => {
    const accept = createHash('sha1')
      .update('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
      .digest('base64');
    const { front } = await open((_request, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
    });
    const socket = connectTls({ host: '127.0.0.1', port: front.port, servername: NAME, ca: authority.pem, ...offered });
    closing.push(() => socket.destroy());
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.write(
      `GET /http/api/join HTTP/1.1\r\nHost: ${NAME}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await expect.poll(() => received).toMatch(/^HTTP\/1\.1 101 /);
  },
);

test.each([
  ['is shorter than its length', 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhi'],
  ['stops within its chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n'],
  [
    'has a header twice that may be there once',
    'HTTP/1.1 200 OK\r\netag: "a"\r\netag: "b"\r\ncontent-length: 2\r\n\r\nhi',
  ],
])('an answer that %s does not pass for a whole one', async (_what, bytes) => {
  const opened = await open(bytes);
  const answer = await answerOf(opened.session.request(SHOW));
  if (answer.status === 200) expect([answer.whole, answer.code]).toEqual([false, NGHTTP2_INTERNAL_ERROR]);
  else expect(answer.status).toBe(502);
  expect(await outcomeOf(opened)).toMatchObject({ status: 'failed' });
});

test('INVARIANT 6: a stream is cut when the task ends, by an error, and the connection stays for other tasks', async () => {
  const opened = await open((_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n');
  });
  const client = await openFrameClient(opened.front.port, authority.pem, NAME);
  closing.push(() => client.close());
  client.send(headers(USUAL));
  await expect.poll(() => client.received.some(({ kind }) => kind === 'data')).toBe(true);
  opened.front.live.endTask('tsk_1', 'the task has ended');
  // The very next frame of the stream is the reset: none that says that all has been said.
  expect(await client.ended(1)).toMatchObject({ kind: 'rst_stream', code: NGHTTP2_INTERNAL_ERROR });
  expect(await outcomeOf(opened)).toMatchObject({ status: 'cut', detail: 'the task has ended' });
  client.send(
    headers(
      USUAL.map(([name, value]) => [name, name === ':path' ? '/http/api/nothing' : value]),
      1,
      3,
    ),
  );
  expect(await client.ended(3)).not.toMatchObject({ kind: 'rst_stream' });
});

test('INVARIANT 6: a call is cut before its answer', async () => {
  const opened = await open(() => undefined);
  const answer = answerOf(opened.session.request(SHOW));
  await expect.poll(() => opened.upstream.received).toHaveLength(1);
  opened.front.live.endTask('tsk_1', 'the task has ended');
  expect(await answer).toMatchObject({ status: 403, whole: true });
  expect(await outcomeOf(opened)).toEqual({ status: 'cut', detail: 'the task has ended' });
});

test.each([
  ['resets its stream', (stream: ClientHttp2Stream) => stream.close(NGHTTP2_CANCEL)],
  ['ends its connection', (stream: ClientHttp2Stream) => stream.session?.destroy()],
])('a client that %s ends the call at the target', async (_what, leave) => {
  const opened = await open(() => undefined);
  const stream = opened.session.request(SHOW);
  stream.on('error', () => undefined);
  await expect.poll(() => opened.upstream.received).toHaveLength(1);
  leave(stream);
  expect(await outcomeOf(opened)).toEqual({ status: 'cut', detail: 'the caller went away' });
});

test('a client that goes away while its request is decided has sent nothing', async () => {
  const deciding = Promise.withResolvers<void>();
  const opened = await open(() => undefined, { authenticate: () => deciding.promise.then(() => callerOf('tsk_1')) });
  const stream = opened.session.request(SHOW);
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.once('ready', resolve));
  await new Promise<void>((resolve) => opened.session.ping(() => resolve()));
  stream.close(NGHTTP2_CANCEL);
  await new Promise<void>((resolve) => opened.session.ping(() => resolve()));
  deciding.resolve();
  const outcome = { status: 'cut', detail: 'the caller went away', nothingDone: true };
  expect(await outcomeOf(opened)).toEqual(outcome);
  expect([opened.upstream.received, opened.front.live.of('tsk_1', 'call')]).toEqual([[], []]);
});

test.each([NGHTTP2_NO_ERROR, NGHTTP2_CANCEL])(
  'a body that is broken off with code %i is not taken for whole',
  async (code) => {
    for (const path of ['/http/api/keep', '/http/api/store']) {
      const { front, upstream } = await open(() => undefined);
      const client = await openFrameClient(front.port, authority.pem, NAME);
      closing.push(() => client.close());
      const rst = Buffer.alloc(4);
      rst.writeUInt32BE(code);
      client.send(
        headers(
          [
            [':method', 'PUT'],
            [':scheme', 'https'],
            [':authority', NAME],
            [':path', path],
            ['content-type', 'text/plain'],
          ],
          0,
        ),
        frame('data', 0, 1, Buffer.from('half')),
      );
      await expect.poll(() => (path === '/http/api/store' ? upstream.received.join('') : 'half')).toContain('half');
      client.send(frame('rst_stream', 0, 1, rst));
      if (path === '/http/api/keep') {
        await expect.poll(() => front.refused.map(({ message }) => message)).toEqual(['the body was broken off']);
        expect([front.decided, upstream.received]).toEqual([[], []]);
      } else {
        await expect.poll(() => front.observed[0]?.outcome).toEqual({ status: 'cut', detail: 'the caller went away' });
        expect(upstream.received[0]).not.toContain('\r\n0\r\n\r\n');
      }
    }
  },
);

test('large bodies go both ways as they come, the target read no faster than the client reads', async () => {
  const SIZE = 8_000_000;
  const opened = await open((request, socket) => {
    const [head = '', body = ''] = request.split('\r\n\r\n');
    const size = head.startsWith('PUT') ? body.length : SIZE;
    socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  });
  const sent = opened.session.request({ ...STORE, 'content-length': '3000000' });
  sent.end(Buffer.alloc(3_000_000, 'x'));
  expect((await answerOf(sent)).body.length).toBe(3_000_000);
  const slow = opened.session.request(SHOW);
  await new Promise((resolve) => slow.once('response', resolve));
  // Nobody reads: what is on its way is bounded by the windows of the stream, its buffers, and no more.
  await expect.poll(() => opened.front.observed.length).toBe(1);
  expect(opened.front.live.of('tsk_1', 'call')).toHaveLength(1);
  expect((await answerOf(slow)).body.length).toBe(SIZE);
  await expect.poll(() => opened.front.observed.length).toBe(2);
});

/** A request by its frames. */
const USUAL = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', NAME],
  [':path', '/http/api/show'],
] as const;

test('a client has 100 requests under way on a connection at most, though it never acknowledged the limit', async () => {
  const { front } = await open(() => undefined);
  const client = await openFrameClient(front.port, authority.pem, NAME);
  closing.push(() => client.close());
  client.send(...Array.from({ length: 110 }, (_, place) => headers(USUAL, 1, 1 + 2 * place)));
  const refused = () => client.received.filter(({ code }) => code === NGHTTP2_REFUSED_STREAM).length;
  await expect.poll(refused).toBe(10);
  await expect.poll(() => front.decided.length).toBe(100);
});

test('a client that takes its requests back again and again loses its connection (CVE-2023-44487)', async () => {
  const { front } = await open(() => undefined);
  const client = await openFrameClient(front.port, authority.pem, NAME);
  closing.push(() => client.close());
  const rst = Buffer.from([0, 0, 0, NGHTTP2_CANCEL]);
  for (let place = 0; place < 400; place++) {
    client.send(headers(USUAL, 1, 1 + 2 * place), frame('rst_stream', 0, 1 + 2 * place, rst));
  }
  await expect.poll(() => client.closed).toBe(true);
  expect(front.live.of('tsk_1', 'call')).toEqual([]);
});

test('headers are no larger than over HTTP/1.1', async () => {
  const { session, front } = await open('');
  const large = Object.fromEntries(Array.from({ length: 50 }, (_, place) => [`x-${place}`, 'a'.repeat(400)]));
  const answer = await answerOf(session.request({ ...SHOW, ...large }));
  expect(answer.status === 400 || !answer.whole).toBe(true);
  expect(front.decided).toEqual([]);
});

test('a server that closes lets requests finish, takes no more, and ends what is left', async () => {
  const opened = await open((_request, socket) => {
    setTimeout(() => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'), 50);
  });
  const answer = answerOf(opened.session.request(SHOW));
  await expect.poll(() => opened.upstream.received).toHaveLength(1);
  const gone = new Promise((resolve) => opened.session.once('goaway', resolve));
  opened.front.drain();
  await gone;
  expect((await answer).body.toString()).toBe('hi');
  await expect.poll(() => opened.session.closed).toBe(true);
});

function target(url: string): TargetConfig {
  const http = { query: [], headers: [], body: 'none' as const };
  return {
    name: 'api',
    kind: 'http',
    upstream: { kind: 'http', url, headers: {}, private: true },
    sensitivity: 'internal',
    timeoutMs: 10_000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show: { effect: 'read', http: { ...http, method: 'GET', path: '/show' } },
      join: { effect: 'write', http: { ...http, method: 'GET', path: '/join', body: 'websocket' } },
      look: { effect: 'read', http: { ...http, method: 'HEAD', path: '/show' } },
      keep: { effect: 'write', http: { ...http, method: 'PUT', path: '/keep', body: 'raw' } },
      store: { effect: 'write', http: { ...http, method: 'PUT', path: '/store', body: 'stream' } },
    },
  };
}
