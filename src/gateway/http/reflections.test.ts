/** INVARIANT 7: an API that gives the credential back wherever an answer of HTTP has a place for it. */
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import { openHttpFront, openRawUpstream } from '../../../test/harness/http-front.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const CANARY = 'canary-of-the-target';

async function ask(answer: string | Buffer, more = ''): Promise<{ raw: string; sent: string }> {
  const upstream = await openRawUpstream((_request, socket) => void socket.end(answer));
  closing.push(() => upstream.close());
  const config: TargetConfig = {
    name: 'api',
    kind: 'http',
    upstream: { kind: 'http', url: upstream.url, headers: { 'X-Token': { fromEnv: 'TOKEN' } }, private: true },
    sensitivity: 'internal',
    timeoutMs: 300,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show: { effect: 'read', http: { method: 'GET', path: '/show', query: [], headers: [], body: 'none' } },
      part: {
        effect: 'read',
        http: { method: 'GET', path: '/part', query: [], headers: ['range', 'if-range'], body: 'none' },
      },
    },
  };
  const front = await openHttpFront([config]);
  closing.push(() => front.close());
  const head = 'Host: remit.example.test\r\nConnection: close\r\n';
  const [path, headers] = more.startsWith('/') ? more.split(' ', 2) : ['/show', more];
  const raw = await front.raw(`GET /http/api${path} HTTP/1.1\r\n${head}${headers ?? ''}\r\n`);
  return { raw, sent: upstream.received.join('') };
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const withBody = (body: Buffer, headers: string) =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n`), body]);

test.each<[string, string | Buffer]>([
  ['the reason', `HTTP/1.1 200 ${CANARY}\r\nContent-Length: 0\r\n\r\n`],
  ['the name of a header', `HTTP/1.1 200 OK\r\nX-${CANARY}-Seen: 1\r\nContent-Length: 0\r\n\r\n`],
  [
    'the name of a header, in other letters',
    `HTTP/1.1 200 OK\r\n${CANARY.toUpperCase()}: 1\r\nContent-Length: 0\r\n\r\n`,
  ],
  ['the value of a header', `HTTP/1.1 200 OK\r\nX-Seen: a, ${CANARY}\r\nContent-Length: 0\r\n\r\n`],
  ['a cookie', `HTTP/1.1 200 OK\r\nSet-Cookie: ${CANARY}=1\r\nContent-Length: 0\r\n\r\n`],
  [
    'an early hint',
    `HTTP/1.1 103 Early Hints\r\nLink: <${CANARY}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
  ],
  ['the place of a redirect', `HTTP/1.1 302 Found\r\nLocation: /show/${CANARY}\r\nContent-Length: 0\r\n\r\n`],
  ['the host of a redirect', `HTTP/1.1 302 Found\r\nLocation: https://${CANARY}.example/\r\nContent-Length: 0\r\n\r\n`],
  [
    'a chunk extension and a trailer',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Seen\r\n\r\n2;seen=${CANARY}\r\nok\r\n0\r\nX-Seen: ${CANARY}\r\n\r\n`,
  ],
  [
    'a body over chunks',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${Array.from(CANARY, (c) => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`,
  ],
  ['UTF-16', withBody(utf16(`{"seen":"${CANARY}"}`), 'Content-Type: application/json; charset=utf-16le\r\n')],
  ['UTF-16, the large end first', withBody(utf16(`{"seen":"${CANARY}"}`).swap16(), 'Content-Type: text/plain\r\n')],
  ['an error', `HTTP/1.1 401 ${CANARY}\r\nWWW-Authenticate: ${CANARY}\r\nContent-Length: 20\r\n\r\n${CANARY}`],
  ['what is no HTTP', `HTTP/1.1 200 OK\r\n${CANARY}\r\n\r\n`],
])('%s tells nothing of the credential', async (_where, answer) => {
  const { raw, sent } = await ask(answer);
  expect(sent.toLowerCase()).toContain(CANARY);
  expect(raw).toMatch(/^HTTP\/1\.1 \d{3} /);
  expect(raw.replaceAll('\0', '').toLowerCase()).not.toContain(CANARY);
});

test('a transfer coding that hides what it holds is no answer', async () => {
  const body = gzipSync(CANARY);
  const size = body.length.toString(16);
  const { raw } = await ask(
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${size}\r\n`),
      body,
      Buffer.from('\r\n0\r\n\r\n'),
    ]),
  );
  expect(raw).toMatch(/^HTTP\/1\.1 502 /);
  expect(raw).not.toContain(body.toString('latin1').slice(0, 8));
});

test('a part of an answer is asked for only where the operation says so', async () => {
  const half = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const range = 'Range:bytes=0-9\r\nIf-Range:"1"\r\n';
  expect((await ask(half, range)).sent).not.toMatch(/range/i);
  expect((await ask(half, `/part ${range}`)).sent).toMatch(/^range: bytes=0-9\r$/im);
});
