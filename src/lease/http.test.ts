import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { createGovernedHttpGateway } from '../../test/harness/governed-gateway.ts';
import type { OperationConfig, TargetConfig } from '../config/config.ts';
import type { MintConfig } from '../config/mint.ts';
import type { HttpGateway } from '../gateway/http/gateway.ts';
import { UNKNOWN_PEER } from '../identity/peer.ts';

/** A legacy API: one admin token, keys that it remembers for good, and no idea of tasks. */
const issued: { id: string; secret: string; revoked: boolean }[] = [];
let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
let answerTo: (request: (typeof seen)[number], response: ServerResponse) => boolean = () => false;

const SECRET = () => `ks/${'x'.repeat(12)}+${issued.length}="q"`;

async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers } = incoming;
  const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
  seen.push(one);
  if (answerTo(one, response)) return;
  const json = (status: number, body: unknown, more: Record<string, string> = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body));
  if (headers['x-admin'] !== 'canary-admin-token') return void json(403, { error: 'no' });
  if (method === 'POST' && url === '/api/keys') {
    const key = { id: `k/${issued.length + 1}`, secret: SECRET(), revoked: false };
    issued.push(key);
    return void json(201, { id: key.id, secret: key.secret }, { location: `/api/keys/${encodeURIComponent(key.id)}` });
  }
  if (method === 'DELETE') {
    const id = decodeURIComponent(url.split('/').at(-1)!);
    const found = issued.find((key) => key.id === id && !key.revoked);
    if (found === undefined) return void json(404, { error: 'unknown' });
    found.revoked = true;
    return void response.writeHead(204).end();
  }
  json(200, { said: one.body, with: headers['x-key'] ?? '', at: url });
}

const MINT: MintConfig = {
  kind: 'secret',
  value: '/secret',
  id: '/body/id',
  lifetime: null,
  revoke: { by: 'call', operation: 'delete_key', arguments: { path: { id: '{id}' } }, gone: [] },
  usableAt: ['api'],
  failure: 'doubtful',
  find: null,
};

const http = (method: string, path: string, more: Partial<NonNullable<OperationConfig['http']>> = {}) => ({
  http: {
    method,
    path,
    query: [],
    headers: [],
    body: method === 'POST' ? ('json' as const) : ('none' as const),
    ...more,
  },
});

const OPERATIONS: Record<string, OperationConfig> = {
  create_key: { effect: 'mint', mints: MINT, ...http('POST', '/keys') },
  delete_key: { effect: 'delete', ...http('DELETE', '/keys/{id}') },
  use: { effect: 'write', ...http('POST', '/use/{name}', { query: ['q'], headers: ['x-key'] }) },
  form: { effect: 'write', ...http('POST', '/form', { body: 'form' }) },
};

let api: Server;
let front: Server;
let gateway: HttpGateway;
let plane: ControlPlane;
let alice: Session;
let agent: Session;
let task: string;

beforeEach(async () => {
  issued.length = 0;
  seen = [];
  answerTo = () => false;
  api = createServer((incoming, response) => void serve(incoming, response));
  const target: TargetConfig = {
    name: 'api',
    kind: 'http',
    upstream: {
      kind: 'http',
      url: `http://127.0.0.1:${await listening(api)}/api`,
      headers: { 'X-Admin': { fromEnv: 'ADMIN' } },
      private: true,
    },
    sensitivity: 'internal',
    timeoutMs: 2_000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: OPERATIONS,
  };
  plane = await openControlPlane({
    targets: [target],
    policies: { 'all.cedar': 'permit (principal, action, resource);' },
  });
  gateway = createGovernedHttpGateway(plane, { readSecret: () => 'canary-admin-token' });
  front = createServer((incoming, response) => void gateway.handle(incoming, response, UNKNOWN_PEER));
  alice = await personSession(plane, 'alice');
  agent = await agentSession(plane);
  task = (await requestTask(alice, { grant: [{ target: 'api', effects: ['read', 'write', 'mint'] }] })).id;
});
afterEach(async () => {
  await gateway.close();
  await plane.close();
  for (const server of [api, front]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  expect(plane.faults).toEqual([]);
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

let port = 0;
/** A request of the agent under the task, through the gateway. */
async function call(method: 'GET' | 'POST', path: string, body?: string, headers: Record<string, string> = {}) {
  if (!front.listening) port = await listening(front);
  const response = await agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, task),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: `${ISSUER}/http/api`,
  });
  const { access_token: accessToken } = (await response.json()) as { access_token: string };
  const url = `${ISSUER}/http/api${path.split('?')[0]}`;
  const answer = await request(`http://127.0.0.1:${port}/http/api${path}`, {
    method,
    headers: {
      host: 'remit.example.test',
      authorization: `DPoP ${accessToken}`,
      dpop: await agent.proof({ method, url, accessToken }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body ?? null,
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

const leases = () => plane.store.leases({ task, limit: 100 });
const handleIn = (text: string) => /remit-lease-[0-9a-z]{24}/.exec(text)![0];

test('a key that an API mints reaches the agent as a handle, is used in every place as that place demands, and ends with the task', async () => {
  const minted = await call('POST', '/keys', '{}');
  const [key] = issued as [(typeof issued)[number]];
  expect(minted.status).toBe(201);
  const handle = handleIn(minted.text);
  expect(JSON.parse(minted.text)).toEqual({ id: 'k/1', secret: handle });
  expect(leases()).toMatchObject([{ state: 'held', identifier: 'k/1' }]);

  const used = await call('POST', `/use/${handle}?q=a%20${handle}`, `{"n": 1.0, "key": "${handle}"}`, {
    'x-key': `Key ${handle}`,
  });
  const inUrl = encodeURIComponent(key.secret);
  const sent = seen.at(-1)!;
  expect(sent.url).toBe(`/api/use/${inUrl}?q=a%20${inUrl}`);
  expect(sent.headers['x-key']).toBe(`Key ${key.secret}`);
  expect(sent.body).toBe(`{"n": 1.0, "key": ${JSON.stringify(key.secret)}}`);
  // The target has repeated all of it.
  expect(used.text).not.toContain(key.secret);
  expect(used.text).not.toContain(JSON.stringify(key.secret).slice(1, -1));
  expect(JSON.parse(used.text)).toEqual({
    said: `{"n": 1.0, "key": "${handle}"}`,
    with: `Key ${handle}`,
    at: `/api/use/${handle}?q=a%20${handle}`,
  });
  await call('POST', '/form', `key=${handle}&b=c`, { 'content-type': 'application/x-www-form-urlencoded' });
  expect(new URLSearchParams(seen.at(-1)!.body).get('key')).toBe(key.secret);

  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(issued).toMatchObject([{ revoked: true }]);
  expect(seen.at(-1)).toMatchObject({
    method: 'DELETE',
    url: '/api/keys/k%2F1',
    headers: { 'x-admin': 'canary-admin-token' },
  });
  expect(leases()).toMatchObject([{ state: 'revoked' }]);
});

test('a handle within Base64, percent-encoded or escaped is a use of its lease like any other, and is swapped where it stands', async () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const handle = handleIn((await call('POST', '/keys', '{}')).text);
  const { secret } = issued[0]!;
  const escaped = handle.replace('r', '\\u0072').replace('-', '\\u002D');
  const encoded = base64(`ana:${handle}`);
  const body = `{"auth": "Basic ${encoded}", "n":1.0, "data":"${base64(handle)}","key":"\\/${escaped}"}`;
  const answer = await call('POST', `/use/x?q=${encodeURIComponent(handle).replaceAll('e', '%65')}`, body, {
    'x-key': `Basic ${encoded}`,
  });
  const sent = seen.at(-1)!;
  expect(sent.url).toBe(`/api/use/x?q=${encodeURIComponent(secret)}`);
  expect(sent.headers['x-key']).toBe(`Basic ${base64(`ana:${secret}`)}`);
  expect(sent.body).toBe(
    `{"auth": "Basic ${base64(`ana:${secret}`)}", "n":1.0, "data":"${base64(secret)}","key":${JSON.stringify(`/${secret}`)}}`,
  );
  expect(plane.records()).toContainEqual(
    expect.objectContaining({
      facts: expect.objectContaining({
        action: expect.objectContaining({ leases: [expect.objectContaining({ id: leases()[0]!.id })] }),
      }),
    }),
  );
  // The target has repeated it, and the agent sees what it has sent.
  expect(JSON.parse(answer.text)).toMatchObject({ with: `Basic ${encoded}` });
  expect(answer.text).not.toContain(base64(`ana:${secret}`));
  expect(answer.text).not.toContain(base64(secret).replace(/=+$/, ''));

  // By itself, a piece of a query or a form is one text.
  for (const [path, type, text] of [
    [`/use/${base64(`a:${handle}`)}?q=${encodeURIComponent(base64(`ab:${handle}`))}`, 'application/json', '{}'],
    ['/form', 'application/x-www-form-urlencoded', `a=b&key=${encodeURIComponent(base64(`ab:${handle}`))}`],
  ] as const) {
    expect((await call('POST', path, text, { 'content-type': type })).status).toBe(200);
    const there = seen.at(-1)!;
    const last = new URLSearchParams(there.body.startsWith('a=') ? there.body : there.url.split('?')[1]);
    expect(Buffer.from(last.get('key') ?? last.get('q')!, 'base64').toString()).toBe(`ab:${secret}`);
    if (path !== '/form') {
      const segment = decodeURIComponent(there.url.split('?')[0]!.split('/').at(-1)!);
      expect(Buffer.from(segment, 'base64').toString()).toBe(`a:${secret}`);
    }
  }
});

test('INVARIANT 13: within Base64, too, the handle of another task or of an ended lease is refused, and nothing is sent', async () => {
  const mine = handleIn((await call('POST', '/keys', '{}')).text);
  task = (await requestTask(alice, { grant: [{ target: 'api', effects: ['read', 'write', 'mint'] }] })).id;
  const before = seen.length;
  const encoded = Buffer.from(`ana:${mine}`).toString('base64');
  const escaped = mine.replace('r', '\\u0072');
  for (const [path, body, headers] of [
    ['/use/x', '{}', { 'x-key': `Basic ${encoded}` }],
    ['/use/x', `{"a":["${encoded}"]}`, {}],
    ['/use/x', `{"a":"${escaped}"}`, {}],
    [`/use/${encoded.replace(/=+$/, '')}`, '{}', {}],
    [`/use/x?q=${mine.replace('m', '%6d')}`, '{}', {}],
  ] as const) {
    const answer = await call('POST', path, body, headers);
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('is no lease of this task')]);
  }
  expect(seen).toHaveLength(before);
});

test('a refusal makes nothing, a failure leaves a doubt, an odd answer is kept back, and what is gone is gone', async () => {
  const answers: [status: number, body: string, state: string, shown: number][] = [
    [422, '{"error":"no such user"}', 'none', 422],
    [500, '{"error":"oops"}', 'doubtful', 500],
    [201, '{"token":"canary-odd-secret"}', 'doubtful', 502],
    [201, 'canary-odd-secret', 'doubtful', 502],
    [204, '', 'doubtful', 502],
    [201, '{"id":90071992547409931,"secret":"canary-odd-secret"}', 'doubtful', 502],
  ];
  for (const [status, body, state, shown] of answers) {
    answerTo = (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      return true;
    };
    const answer = await call('POST', '/keys', '{}');
    expect([answer.status, leases()[0]?.state]).toEqual([shown, state]);
    expect(answer.text).not.toContain('canary-odd-secret');
  }
  answerTo = (_, response) => {
    response.destroy();
    return true;
  };
  expect((await call('POST', '/keys', '{}')).status).toBe(502);
  answerTo = () => false;
  await call('POST', '/keys', '{}');
  issued[0]!.revoked = true;
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(leases().map(({ state }) => state)).toEqual(['revoked', ...Array(6).fill('doubtful'), 'none']);
});

test('what looks like a secret in an answer is hidden, whether it is small or goes on as it comes', async () => {
  const secret = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';
  answerTo = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ api_token: secret, n: 1 }));
    return true;
  };
  const answer = await call('POST', '/use/x', '{}');
  expect(JSON.parse(answer.text)).toEqual({ api_token: expect.stringMatching(/^remit-lease-/), n: 1 });
  expect(leases()).toMatchObject([{ kind: 'found', state: 'waiting' }]);
  answerTo = () => false;
  await call('POST', '/keys', '{}');
  const [key] = issued as [(typeof issued)[number]];
  answerTo = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end(`${'a'.repeat(2 * 1024 * 1024)} ${key.secret} ${'b'.repeat(100)}\n${secret}\n`);
    return true;
  };
  const large = await call('POST', '/use/x', '{}');
  expect(large.text).toHaveLength(2 * 1024 * 1024 + key.secret.length + secret.length + 104);
  expect(large.text).not.toContain(key.secret);
  expect(large.text).not.toContain(secret);
  // Of a stream, what is found is told of beside it.
  await expect
    .poll(() => plane.records())
    .toContainEqual(
      expect.objectContaining({ event: 'lease.found', subject: expect.objectContaining({ kept: false }) }),
    );
  // Events go on as they are complete.
  answerTo = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${secret.slice(0, 9)}`);
    response.write(`${secret.slice(9)}\n\n`);
    response.end('data: done\n\n');
    return true;
  };
  const events = await call('POST', '/use/x', '{}');
  expect(events.text).toBe(`data: [redacted]${'*'.repeat(secret.length - 10)}\n\ndata: done\n\n`);
});

test.each([
  ['small', 'application/json', '{}'],
  ['streamed', 'text/event-stream', 'data: {}\n\n'],
  ['no text', 'application/octet-stream', '\u0000'],
])('what a header repeats is hidden as it is in a body, also where it stands twice: %s', async (_how, type, body) => {
  const handle = handleIn((await call('POST', '/keys', '{}')).text);
  const { secret } = issued[0]!;
  const found = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';
  const all = ['x-key', `Key ${secret}`, 'x-key', 'another', 'x-found', found, 'x-found', 'no secret'];
  answerTo = (_, response) => {
    response.writeHead(200, ['content-type', type, ...all]).end(body);
    return true;
  };
  const answer = await call('POST', '/use/me', '{}', { 'x-key': handle });
  const shown = JSON.stringify(answer.headers);
  expect(answer.status).toBe(200);
  expect(shown).toContain('another');
  expect(shown).not.toContain(JSON.stringify(secret).slice(1, -1));
  if (type !== 'application/octet-stream') expect(shown).not.toContain(found);
});

test('an encoded stream loses what a stream in clear loses', async () => {
  const handle = handleIn((await call('POST', '/keys', '{}')).text);
  const { secret } = issued[0]!;
  answerTo = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    response.end(gzipSync(`data: Key ${secret} and no more\n\n`));
    return true;
  };
  const answer = await call('POST', '/use/me', '{}', { 'x-key': handle });
  expect(answer.text).toContain('and no more');
  expect(answer.text).not.toContain(secret);
});
