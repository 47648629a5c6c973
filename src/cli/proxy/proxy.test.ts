import { createServer, type Server } from 'node:http';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ProxyAgent, request } from 'undici';
import type { AgentSession } from '../agent-session.ts';
import { asKnownToClient, originOfAuthority, readInterception, throughTarget } from './interceptions.ts';
import { makeLocalCertificates, type LocalCertificates } from './local-certificates.ts';
import { openForwardProxy, type ForwardProxy } from './proxy.ts';

type Seen = { method: string; path: string; headers: Record<string, unknown>; body: string };

let remit: Server;
let remitUrl: string;
const seen: Seen[] = [];
let answer: { status: number; headers: Record<string, string>; body: string };
let certificates: LocalCertificates;
let proxy: ForwardProxy;
let nonces: string[];

const INTERCEPTED = [
  'billing=https://billing.example.com/api',
  'plain=http://plain.example',
  'local=https://127.0.0.1:8443',
];
const interceptions = INTERCEPTED.map(readInterception);

beforeAll(async () => {
  remit = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
    incoming.on('end', () => {
      seen.push({ method: incoming.method!, path: incoming.url!, headers: incoming.headers, body });
      const { status, headers } = answer;
      const stale = incoming.headers['dpop'] === 'proof without nonce' && nonces.length > 0;
      if (stale) response.writeHead(401, { 'dpop-nonce': 'n1' }).end();
      else response.writeHead(status, headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => remit.listen(0, '127.0.0.1', resolve));
  remitUrl = `http://127.0.0.1:${(remit.address() as AddressInfo).port}`;
  certificates = await makeLocalCertificates(['billing.example.com', '127.0.0.1'], Date.now());
  let nonce: string | undefined;
  const session: AgentSession = {
    fetch: () => Promise.reject(new Error('not used')),
    token: () => Promise.reject(new Error('not used')),
    prove: async (method, url) => ({
      authorization: `DPoP token for ${method} ${url.slice(remitUrl.length)}`,
      dpop: nonce === undefined ? 'proof without nonce' : `proof with ${nonce}`,
    }),
    heard: (given) => void (nonce = given),
  };
  proxy = await openForwardProxy({ session, remitUrl, interceptions, certificates, secret: 'a-secret' });
});
afterAll(async () => {
  await proxy.close();
  remit.closeAllConnections();
  remit.close();
});
beforeEach(() => {
  seen.length = 0;
  nonces = [];
  answer = { status: 200, headers: { 'x-own': '1' }, body: 'hi' };
});

/** A client that knows of the proxy and its certificate, and of nothing else. */
async function client(
  url: string,
  init: { method?: 'POST' | 'PUT'; body?: string; headers?: Record<string, string> } = {},
) {
  const agent = new ProxyAgent({
    uri: proxy.url,
    requestTls: { ca: certificates.authority },
    proxyTunnel: url.startsWith('https'),
  });
  try {
    const response = await request(url, { ...init, dispatcher: agent });
    return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
  } finally {
    await agent.close();
  }
}

const credentials = Buffer.from('remit:a-secret').toString('base64');

/** What comes back for bytes on a connection of their own. */
function raw(text: string): Promise<string> {
  const { port } = new URL(proxy.url);
  return new Promise((resolve) => {
    let got = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1').on('data', (more: string) => (got += more));
    socket.on('error', () => undefined).on('close', () => resolve(got));
  });
}

test('a request over TLS goes to its target, as the agent and with nothing that the client believes to be its credential', async () => {
  const response = await client('https://billing.example.com/api/users/7?fields=a%2Fb', {
    method: 'POST',
    body: '{"a":1}',
    headers: { authorization: 'Bearer none', cookie: 'a=b', 'content-type': 'application/json', 'x-tenant': 'acme' },
  });
  expect([response.status, response.headers['x-own'], response.body]).toEqual([200, '1', 'hi']);
  expect(seen).toHaveLength(1);
  const [received] = seen;
  expect(received).toMatchObject({ method: 'POST', path: '/http/billing/users/7?fields=a%2Fb', body: '{"a":1}' });
  expect(received?.headers).toMatchObject({
    authorization: 'DPoP token for POST /http/billing/users/7',
    'content-type': 'application/json',
    'x-tenant': 'acme',
  });
  expect(received?.headers).not.toHaveProperty('cookie');
  expect(received?.headers).not.toHaveProperty('proxy-authorization');
});

test('so does one without TLS, its path byte for byte', async () => {
  const lines = [
    'GET http://plain.example/a/..%2Fb?x=+1 HTTP/1.1',
    'Host: plain.example',
    `Proxy-Authorization: Basic ${credentials}`,
  ];
  expect(await raw(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(seen.map(({ path }) => path)).toEqual(['/http/plain/a/..%2Fb?x=+1']);
});

test('a redirect of Remit leads the client where it knows its way', async () => {
  answer = { status: 302, headers: { location: `${remitUrl}/http/billing/users/8` }, body: '' };
  const response = await client('https://billing.example.com/api/users/7');
  expect(response.headers['location']).toBe('https://billing.example.com/api/users/8');
});

test('a proof that needs a nonce is made again', async () => {
  nonces = ['n1'];
  expect((await client('https://127.0.0.1:8443/a', { method: 'PUT', body: 'x' })).status).toBe(200);
  expect(seen.map(({ headers, body }) => [headers['dpop'], body])).toEqual([
    ['proof without nonce', 'x'],
    ['proof with n1', 'x'],
  ]);
});

test.each([
  ['another host', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example', 403],
  ['another port', 'CONNECT billing.example.com:8443 HTTP/1.1\r\nHost: billing.example.com', 403],
  ['a host that is reached without TLS', 'CONNECT plain.example:80 HTTP/1.1\r\nHost: plain.example', 403],
  ['an address of the cloud', 'GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: 169.254.169.254', 403],
  ['no proxy request', 'GET /http/billing/users/7 HTTP/1.1\r\nHost: billing.example.com', 400],
  ['a user in the URL', 'GET http://a@plain.example/a HTTP/1.1\r\nHost: plain.example', 400],
])('%s: refused', async (_what, head, status) => {
  const response = await raw(`${head}\r\nProxy-Authorization: Basic ${credentials}\r\nConnection: close\r\n\r\n`);
  expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(seen).toEqual([]);
});

test.each(['', `Proxy-Authorization: Basic ${Buffer.from('remit:another-').toString('base64')}\r\n`])(
  'without the secret: 407, for a tunnel and for a request',
  async (header) => {
    for (const line of ['CONNECT billing.example.com:443 HTTP/1.1', 'GET http://plain.example/ HTTP/1.1']) {
      expect(await raw(`${line}\r\nHost: x\r\n${header}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 407 /);
    }
    expect(seen).toEqual([]);
  },
);

/** What a client gets that speaks HTTP/2 within its tunnel. */
async function overHttp2(
  fields: OutgoingHttpHeaders,
  body?: string,
): Promise<{ status: number; own: unknown; body: string }> {
  const socket = await new Promise<Socket>((resolve) => {
    const tunnel = connect(Number(new URL(proxy.url).port), '127.0.0.1', () =>
      tunnel.write(
        `CONNECT billing.example.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`,
      ),
    );
    tunnel.once('data', () => resolve(tunnel));
  });
  const session = connectHttp2('https://billing.example.com', {
    createConnection: () =>
      connectTls({ socket, servername: 'billing.example.com', ca: certificates.authority, ALPNProtocols: ['h2'] }),
  });
  try {
    return await new Promise((resolve, reject) => {
      const stream = session.request(fields, { endStream: body === undefined });
      let [status, own, text]: [number, unknown, string] = [0, undefined, ''];
      stream.once('response', (head) => ([status, own] = [Number(head[':status']), head['x-own']]));
      stream.setEncoding('utf8').on('data', (more: string) => (text += more));
      stream.once('end', () => resolve({ status, own, body: text })).once('error', reject);
      if (body !== undefined) stream.end(body);
    });
  } finally {
    session.destroy();
  }
}

test('within a tunnel HTTP/2 is taken like HTTP/1.1', async () => {
  const given = { ':method': 'POST', ':path': '/api/users/7?fields=a%2Fb', 'content-type': 'text/plain' };
  const response = await overHttp2({ ...given, authorization: 'Bearer none', cookie: 'a=b' }, 'hello');
  expect(response).toEqual({ status: 200, own: '1', body: 'hi' });
  expect(seen).toMatchObject([{ method: 'POST', path: '/http/billing/users/7?fields=a%2Fb', body: 'hello' }]);
  expect(seen[0]?.headers).toMatchObject({ authorization: 'DPoP token for POST /http/billing/users/7' });
  expect(seen[0]?.headers).not.toHaveProperty('cookie');
  seen.length = 0;
  expect((await overHttp2({ ':path': '/admin' })).status).toBe(403);
  expect((await overHttp2({ ':path': '/api/x', ':authority': 'evil.example' })).status).toBe(421);
  expect(
    (await overHttp2({ ':path': '/api/x', ':authority': 'billing.example.com', host: 'evil.example' })).status,
  ).toBe(400);
  expect(seen).toEqual([]);
});

test('within a tunnel: no other part of the host, and no other host', async () => {
  expect((await client('https://billing.example.com/admin')).status).toBe(403);
  expect((await client('https://billing.example.com/api2/users')).status).toBe(403);
  expect((await client('https://billing.example.com/api/x', { headers: { host: 'evil.example' } })).status).toBe(421);
  expect(seen).toEqual([]);
});

test('what is no interception, no authority, and no path of one', () => {
  for (const text of [
    'billing',
    'https://a.example',
    'Billing=https://a.example',
    'b=ftp://a.example',
    'b=https://u@a.example',
    'b=https://a.example/?x',
    'b=https://a.example/a/../b',
  ]) {
    expect(() => readInterception(text)).toThrow(/expected a target and the URL/);
  }
  expect(['a.example:443', '[::1]:443', 'a.example', 'a@b:443', 'a.example:x'].map(originOfAuthority)).toEqual([
    'https://a.example',
    'https://[::1]',
    null,
    null,
    null,
  ]);
  expect(throughTarget(interceptions, 'https://billing.example.com', '/api')).toBe('/http/billing');
  expect(throughTarget(interceptions, 'https://billing.example.com', '/api?x')).toBe('/http/billing?x');
  const decisions = [readInterception('authzen/records=https://pdp.example.com')];
  expect(throughTarget(decisions, 'https://pdp.example.com', '/access/v1/evaluation')).toBe(
    '/authzen/records/access/v1/evaluation',
  );
  expect(asKnownToClient(interceptions, 'https://r', 'https://r/http/billing2/x')).toBe('https://r/http/billing2/x');
});
