import { createServer, type Server } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { createX509Authority, type Issued, type X509Authority } from '../../test/fixtures/x509-authority.ts';
import { fetchJsonOverSpiffe } from './fetch-https-spiffe.ts';
import { createTrustBundles } from './trust-bundle.ts';

const ENDPOINT = 'spiffe://partner.test/bundle-server';
let authority: X509Authority;
let server: Server | undefined;
let requests: number;

beforeAll(async () => {
  authority = await createX509Authority('partner', 'partner.test');
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const BUNDLE = { keys: [], spiffe_sequence: 3 };
const good: RequestListener = (_request, response) => response.end(JSON.stringify(BUNDLE));

async function fetchFrom(shown: Issued, answer: RequestListener = good, timeoutMs?: number): Promise<unknown> {
  requests = 0;
  server = createServer({ cert: shown.cert, key: shown.key }, (request, response) => {
    requests++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return fetchAt((server.address() as AddressInfo).port, timeoutMs);
}

function fetchAt(port: number, timeoutMs?: number): Promise<unknown> {
  const bundles = createTrustBundles([
    {
      trustDomain: 'partner.test',
      bundle: { keys: [{ kty: 'EC', use: 'x509-svid', x5c: [authority.der.toString('base64')] }] },
    },
  ]);
  const endpoint = { url: `https://localhost:${port}/bundle.json?format=spiffe`, spiffeId: ENDPOINT };
  return fetchJsonOverSpiffe(endpoint, bundles, { now: Date.now(), skewMs: 30_000 }, timeoutMs);
}

test('a server with the SVID of the endpoint is asked, whatever its host is called', async () => {
  const seen: unknown[] = [];
  const answer: RequestListener = (request, response) => {
    seen.push([request.method, request.url, request.headers.host]);
    good(request, response);
  };
  expect(await fetchFrom(await authority.svid(ENDPOINT), answer)).toEqual(BUNDLE);
  const { port } = server!.address() as AddressInfo;
  expect(seen).toEqual([['GET', '/bundle.json?format=spiffe', `localhost:${port}`]]);
});

test('a server shows its intermediates', async () => {
  const below = await authority.intermediate('below');
  expect(await fetchFrom(await below.svid(ENDPOINT))).toEqual(BUNDLE);
});

const strangers: [string, () => Promise<Issued>, string][] = [
  [
    'another workload',
    () => authority.svid('spiffe://partner.test/other'),
    'the server is `spiffe://partner.test/other`',
  ],
  ['a path below its own', () => authority.svid(`${ENDPOINT}/x`), 'the server is'],
  ['a host of the Web PKI', () => authority.server('localhost'), 'not exactly one URI'],
  [
    'a stranger under its name',
    async () => (await createX509Authority('partner')).svid(ENDPOINT),
    'no path to the bundle',
  ],
  ['one that has expired', () => authority.svid(ENDPOINT, { to: -60 }), 'not valid now'],
  ['one of another trust domain', () => authority.svid('spiffe://other.test/x'), 'no path to the bundle'],
];
test.each(strangers)('%s is not asked for anything', async (_name, shown, why) => {
  await expect(fetchFrom(await shown())).rejects.toThrow(why);
  expect(requests).toBe(0);
});

const answers: [string, RequestListener, string | RegExp][] = [
  ['a redirect', (_, r) => r.writeHead(302, { location: 'https://127.0.0.1/' }).end(), 'status 302'],
  ['an error', (_, r) => r.writeHead(500).end('{}'), 'status 500'],
  ['no JSON', (_, r) => r.end('<html>'), /JSON/],
  ['no UTF-8', (_, r) => r.end(Buffer.from([0x22, 0xff, 0x22])), /encoded data/],
  ['an end in the middle', (_, r) => (r.write('{"keys":'), r.destroy()), /aborted|hang up/],
  [
    'no end',
    (_, r) => {
      const more = () => {
        while (!r.destroyed && r.write('x'.repeat(65_536)));
      };
      r.on('drain', more);
      more();
    },
    'too large',
  ],
];
test.each(answers)('%s is refused', async (_name, answer, why) => {
  await expect(fetchFrom(await authority.svid(ENDPOINT), answer)).rejects.toThrow(why);
});

test('who speaks no TLS is refused', async () => {
  const plain = createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{}'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  await expect(fetchAt((plain.address() as AddressInfo).port)).rejects.toThrow();
  plain.close();
  await expect(fetchAt(1)).rejects.toThrow('ECONNREFUSED');
});

const SOON = 100;

test('who takes the connection and never speaks is given up', async () => {
  const silent = createTcpServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  await expect(fetchAt((silent.address() as AddressInfo).port, SOON)).rejects.toThrow('does not answer');
  silent.close();
});

const silences: [string, RequestListener][] = [
  ['before it answers', () => {}],
  ['in the middle of its document', (_, r) => void r.write('{"keys":')],
];
test.each(silences)('who falls silent %s is given up', async (_name, answer) => {
  await expect(fetchFrom(await authority.svid(ENDPOINT), answer, SOON)).rejects.toThrow(/abort|timeout/i);
  expect(requests).toBe(1);
});
