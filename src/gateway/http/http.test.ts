import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Answer = Parameters<typeof openRawUpstream>[0];
const OK: Answer = (_request, socket) =>
  socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nset-cookie: a=b\r\nx-own: 1\r\n\r\nhi');

async function open(
  answer: Answer,
  more: Partial<TargetConfig> = {},
): Promise<{ front: HttpFront; upstream: RawUpstream }> {
  const upstream = await openRawUpstream(answer);
  closing.push(() => upstream.close());
  const front = await openHttpFront([target(upstream.url, more)]);
  closing.push(() => front.close());
  return { front, upstream };
}

function target(url: string, more: Partial<TargetConfig>): TargetConfig {
  return {
    name: 'billing',
    kind: 'http',
    upstream: { kind: 'http', url: `${url}/api`, headers: { 'X-Token': { fromEnv: 'TOKEN' } }, private: true },
    sensitivity: 'internal',
    timeoutMs: 1000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show_user: {
        effect: 'read',
        resources: ['user:{path.user}'],
        http: { method: 'GET', path: '/users/{user}', query: ['fields'], headers: ['x-tenant'], body: 'none' },
      },
      create_key: {
        effect: 'write',
        http: { method: 'POST', path: '/users/{user}/keys', query: [], headers: [], body: 'json' },
      },
    },
    ...more,
  };
}

const HEAD =
  'Host: remit.example.test\r\nConnection: close\r\nAuthorization: DPoP secret-of-agent\r\nDPoP: proof\r\nCookie: c=d\r\n';

test('a request is sent as it was decided, with the credential of the target and nothing of the agent', async () => {
  const { front, upstream } = await open(OK);
  const answer = await front.raw(
    `GET /http/billing/users/an%C3%A4?fields=a%20b HTTP/1.1\r\n${HEAD}X-Tenant: acme\r\nX-Forwarded-For: 10.0.0.1\r\nAccept: text/plain\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toMatch(/\r\n\r\nhi$/);
  expect(answer).toMatch(/\r\nx-own: 1\r\n/);
  expect(answer).not.toMatch(/set-cookie/i);
  expect(upstream.received).toEqual([
    `GET /api/users/an%C3%A4?fields=a%20b HTTP/1.1\r\nhost: ${new URL(upstream.url).host}\r\nconnection: keep-alive\r\naccept: text/plain\r\nx-tenant: acme\r\naccept-encoding: identity\r\nx-token: canary-of-the-target\r\n\r\n`,
  ]);
  expect(front.decided[0]?.action).toMatchObject({
    operation: 'show_user',
    resources: ['user:anä'],
    arguments: { path: { user: 'anä' }, query: { fields: 'a b' }, headers: { 'x-tenant': 'acme' } },
  });
  expect(front.observed[0]?.outcome).toMatchObject({ status: 'ok', result: { status: 200, bytes: 2 } });
});

test('a JSON body is sent byte for byte', async () => {
  const { front, upstream } = await open(OK);
  const body = '{ "name":"k\\u00e9y",  "n": 1.50 }';
  await front.raw(
    `POST /http/billing/users/7/keys HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  expect(upstream.received[0]?.endsWith(`\r\n\r\n${body}`)).toBe(true);
  expect(front.decided[0]?.action?.arguments).toEqual({
    path: { user: '7' },
    query: {},
    headers: {},
    body: { name: 'kéy', n: 1.5 },
  });
});

test('what is no operation is decided, and so denied', async () => {
  const { front, upstream } = await open(OK);
  const answer = await front.raw(`DELETE /http/billing/users/7 HTTP/1.1\r\n${HEAD}\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden/);
  expect(answer).toContain('urn:remit:problem:denied');
  expect(front.decided[0]?.action).toMatchObject({
    operation: 'DELETE /users/7',
    definition: 'unknown',
    effect: 'execute',
  });
  expect(upstream.received).toEqual([]);
});

test('INVARIANT 7: an answer does not give the credential back', async () => {
  const { front } = await open((_request, socket) =>
    socket.end(
      'HTTP/1.1 200 OK\r\nx-echo: canary-of-the-target\r\ntransfer-encoding: chunked\r\n\r\n5\r\ncanar\r\n10\r\ny-of-the-target!\r\n0\r\n\r\n',
    ),
  );
  const answer = await front.raw(`GET /http/billing/users/7 HTTP/1.1\r\n${HEAD}\r\n`);
  expect(answer).not.toContain('canary');
});
