import { gzipSync } from 'node:zlib';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { SecretSource, TargetConfig } from '../../config/config.ts';
import { Unavailable } from '../../core/errors.ts';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';
import { publicLookup } from './addresses.ts';
import type { HttpGatewayDeps } from './gateway.ts';
import { createUpstreams } from './upstream.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Answer = Parameters<typeof openRawUpstream>[0];
type Opened = { front: HttpFront; upstream: RawUpstream };

async function open(
  answer: Answer | string | Buffer,
  more: { config?: Partial<TargetConfig>; parts?: Partial<HttpGatewayDeps>; credential?: boolean } = {},
): Promise<Opened> {
  const upstream = await openRawUpstream(
    typeof answer === 'function' ? answer : (_request, socket) => void socket.end(answer),
  );
  closing.push(() => upstream.close());
  const front = await openHttpFront([{ ...target(upstream.url, more.credential ?? true), ...more.config }], more.parts);
  closing.push(() => front.close());
  return { front, upstream };
}

function target(url: string, credential: boolean): TargetConfig {
  const headers: Record<string, SecretSource> = credential ? { 'X-Token': { fromEnv: 'TOKEN' } } : {};
  return {
    name: 'api',
    kind: 'http',
    upstream: { kind: 'http', url, headers, private: true },
    sensitivity: 'internal',
    timeoutMs: 300,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show: { effect: 'read', http: { method: 'GET', path: '/show', query: [], headers: [], body: 'none' } },
      store: { effect: 'write', http: { method: 'PUT', path: '/store', query: [], headers: [], body: 'stream' } },
    },
  };
}

const HEAD = 'Host: remit.example.test\r\nConnection: close\r\n';
const SHOW = `GET /http/api/show HTTP/1.1\r\n${HEAD}\r\n`;

async function outcomeOf({ front }: Opened) {
  await expect.poll(() => front.observed.length).toBe(1);
  return front.observed[0]?.outcome;
}

/** What an upstream does, the status that the agent gets, and the outcome. */
const FAULTS: [string, Answer | string, number, object][] = [
  ['ends without an answer', '', 502, { status: 'failed', detail: 'the target broke its answer off' }],
  [
    'answers with something that is not HTTP',
    'SSH-2.0-OpenSSH_9.6\r\n',
    502,
    { status: 'failed', detail: 'the target answered with something that is not HTTP' },
  ],
  ['says nothing', () => undefined, 504, { status: 'failed', detail: 'the target does not answer' }],
  [
    'begins a head and stalls',
    (_request, socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-'),
    504,
    { status: 'failed' },
  ],
  [
    'has two lengths',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi!',
    502,
    { status: 'failed' },
  ],
  [
    'has a length and chunks',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    502,
    { status: 'failed' },
  ],
  [
    'has headers without end',
    (_request, socket) => void socket.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`),
    502,
    { status: 'failed' },
  ],
  [
    'does not take the credential',
    'HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer realm="upstream"\r\ncontent-length: 2\r\n\r\nno',
    502,
    { status: 'failed', nothingDone: true },
  ],
  [
    'fails',
    'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno',
    503,
    { status: 'failed', detail: 'the target answered with status 503' },
  ],
  ['does not find it', 'HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno', 404, { status: 'tool_error' }],
];
test.each(FAULTS)('an upstream that %s', async (_what, answer, status, outcome) => {
  const opened = await open(answer);
  const response = await opened.front.raw(SHOW);
  expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(response).not.toMatch(/www-authenticate/i);
  const given = await outcomeOf(opened);
  expect(given).toMatchObject(outcome);
  if (!('nothingDone' in outcome)) expect(given).not.toHaveProperty('nothingDone');
});

/** Answers that end in the middle: the agent must not take them for whole. */
const BROKEN: [string, Answer | string, object][] = [
  [
    'is shorter than its length',
    'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhi',
    { status: 'failed', detail: 'the target broke its answer off' },
  ],
  ['stops within its chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n', { status: 'failed' }],
  [
    'stalls',
    (_request, socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhi'),
    { status: 'failed', detail: 'the target was silent for 0.3 seconds' },
  ],
];
test.each(BROKEN)('an answer that %s is broken off for the agent, too', async (_what, answer, outcome) => {
  const opened = await open(answer);
  const response = await opened.front.raw(SHOW);
  expect(response).toMatch(/^HTTP\/1\.1 200 /);
  expect(response).not.toMatch(/\r\n0\r\n\r\n$/);
  expect(await outcomeOf(opened)).toMatchObject(outcome);
});

test('what could not leave has done nothing', async () => {
  const opened = await open('');
  await opened.upstream.close();
  expect(await opened.front.raw(SHOW)).toMatch(/^HTTP\/1\.1 502 /);
  expect(await outcomeOf(opened)).toEqual({
    status: 'failed',
    detail: 'the target cannot be reached',
    nothingDone: true,
  });
});

test('a credential that is not to be had: nothing leaves', async () => {
  const opened = await open('', {
    parts: {
      hooks: {
        reveal: (departing) => departing,
        inject: () => {
          throw new Unavailable('the vault is closed');
        },
        follow: () => undefined,
        reading: () => 'streamed',
        streamed: () => [],
        conceal: (answer) => answer,
        strip: () => {
          throw new Error('not reached');
        },
      },
    },
  });
  expect(await opened.front.raw(SHOW)).toMatch(/^HTTP\/1\.1 503 [^]*the vault is closed/);
  expect(await outcomeOf(opened)).toMatchObject({ status: 'failed', nothingDone: true });
  expect(opened.upstream.received).toEqual([]);
});

test('an answer is no larger than the target file says, stated or not', async () => {
  const stated = await open(`HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n${'x'.repeat(1001)}`, {
    config: { maxAnswerBytes: 1000 },
  });
  expect(await stated.front.raw(SHOW)).toMatch(/^HTTP\/1\.1 413 /);
  const streamed = await open(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(100_000)}`, { config: { maxAnswerBytes: 1000 } });
  const response = await streamed.front.raw(SHOW);
  expect(response.length).toBeLessThan(100_000);
  expect(await outcomeOf(streamed)).toMatchObject({
    status: 'failed',
    detail: 'the target answered with more than 1000 bytes',
  });
});

const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const compressed = (body: Buffer) =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`),
    body,
  ]);

test('a compressed answer in which nothing is looked for goes on as it is', async () => {
  const { front } = await open(compressed(bomb), { credential: false });
  const response = await front.raw(SHOW);
  expect(response).toMatch(/content-encoding: gzip/);
  expect(response.length).toBeLessThan(bomb.length + 1000);
});

test('a compressed answer in which a secret is looked for is opened, and no bomb', async () => {
  const small = await open(compressed(gzipSync('so you are canary-of-the-target')));
  const response = await small.front.raw(SHOW);
  expect(response).toMatch(/^HTTP\/1\.1 200 /);
  expect(response).toMatch(/\r\n\r\nso you are \[redacted\]\*+$/);
  expect(response).not.toMatch(/content-encoding/);
  const large = await open(compressed(bomb));
  expect(await large.front.raw(SHOW)).toMatch(/^HTTP\/1\.1 413 /);
});

test('INVARIANT 6: a stream is passed on as it comes, and cut when the task ends', async () => {
  const opened = await open((_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n');
  });
  const response = opened.front.raw(SHOW);
  await expect.poll(() => opened.front.live.of('tsk_1', 'stream')).toHaveLength(1);
  // Longer than the target may be silent: an event is worth waiting for.
  await delay(400);
  expect(opened.front.observed).toEqual([]);
  opened.front.live.endTask('tsk_1', 'the task has ended');
  expect(await response).toMatch(/data: 1\n\n/);
  expect(await outcomeOf(opened)).toMatchObject({ status: 'cut', detail: 'the task has ended' });
});

test('INVARIANT 6: a call is cut before its answer', async () => {
  const opened = await open(() => undefined, { config: { timeoutMs: 10_000 } });
  const response = opened.front.raw(SHOW);
  await expect.poll(() => opened.upstream.received).toHaveLength(1);
  opened.front.live.endTask('tsk_1', 'the task has ended');
  expect(await response).toMatch(/^HTTP\/1\.1 403 [^]*cut: the task has ended/);
  expect(await outcomeOf(opened)).toEqual({ status: 'cut', detail: 'the task has ended' });
  expect(opened.front.live.of('tsk_1', 'call')).toEqual([]);
});

test('a caller that goes away ends the call at the target', async () => {
  const opened = await open(() => undefined, { config: { timeoutMs: 10_000 } });
  const response = opened.front.raw(SHOW);
  await expect.poll(() => opened.upstream.received).toHaveLength(1);
  opened.front.drop();
  await response;
  expect(await outcomeOf(opened)).toEqual({ status: 'cut', detail: 'the caller went away' });
});

test('a body is passed on as it comes, without being kept', async () => {
  const opened = await open('HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n', { config: { timeoutMs: 10_000 } });
  const size = 3_000_000;
  const start = `PUT /http/api/store HTTP/1.1\r\n${HEAD}Content-Type: application/octet-stream\r\nContent-Length: ${size}\r\n\r\n`;
  expect(await opened.front.raw(start + 'x'.repeat(size))).toMatch(/^HTTP\/1\.1 201 /);
  const [head, sent] = opened.upstream.received[0]!.split('\r\n\r\n');
  expect([head?.includes('\r\ncontent-length: 3000000'), sent?.length]).toEqual([true, size]);
  expect(opened.front.decided[0]?.action?.arguments['body']).toEqual({
    type: 'application/octet-stream',
    bytes: size,
    unread: true,
  });
});

test('a name that leads to a private address is not connected to, nor one that leads there the second time', async () => {
  const answers = [
    ['93.184.216.34', '10.0.0.7'],
    ['169.254.169.254'],
    ['::ffff:127.0.0.1'],
    ['fd00::1'],
    ['64:ff9b::7f00:1'],
  ];
  const asked: string[] = [];
  const lookup = publicLookup((hostname, _options, done) => {
    asked.push(hostname);
    const addresses = answers[asked.length - 1] ?? [];
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  });
  const upstream = { kind: 'http' as const, url: 'http://rebinding.example', headers: {} };
  const opened = await open('', { config: { upstream }, parts: { upstreams: createUpstreams(lookup) } });
  for (const _each of answers)
    expect(await opened.front.raw(SHOW)).toMatch(/^HTTP\/1\.1 502 [^]*the target cannot be reached/);
  expect(asked).toEqual(answers.map(() => 'rebinding.example'));
  expect(opened.front.observed.map(({ outcome }) => outcome?.nothingDone)).toEqual(answers.map(() => true));
});
