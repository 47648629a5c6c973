import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { fetchJsonOverHttp } from './fetch-json.ts';

const SOON = 100;

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function fetchFrom(answer: RequestListener, timeoutMs?: number): Promise<unknown> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return fetchJsonOverHttp(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`, timeoutMs);
}

test('a document is read', async () => {
  expect(await fetchFrom((_, response) => response.end('{"keys":[]}'))).toEqual({ keys: [] });
});

const bad: [string, RequestListener, RegExp][] = [
  ['a redirect', (_, r) => r.writeHead(302, { location: 'http://127.0.0.1/' }).end(), /fetch failed|redirect/],
  ['an error', (_, r) => r.writeHead(500).end('{}'), /status 500/],
  ['no JSON', (_, r) => r.end('<html>'), /JSON/],
  ['too large a document', (_, r) => r.end(`"${'x'.repeat(300_000)}"`), /too large/],
  ['an end in the middle', (_, r) => (r.write('{"keys":'), r.destroy()), /terminated|closed|fetch failed/],
];
test.each(bad)('%s is refused', async (_name, answer, why) => {
  await expect(fetchFrom(answer)).rejects.toThrow(why);
});

const silences: [string, RequestListener][] = [
  ['never answers', () => {}],
  ['falls silent in the middle', (_, r) => void r.write('{"keys":')],
];
test.each(silences)('a server that %s is given up', async (_name, answer) => {
  await expect(fetchFrom(answer, SOON)).rejects.toThrow(/timeout|aborted/i);
});
