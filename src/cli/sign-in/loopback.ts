import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidToken } from '../../core/errors.ts';

/** Where a browser comes back to (RFC 8252, section 7.3): one answer to one sign-in, on a port of the moment. */
export type Loopback = {
  redirectUri: string;
  /** The URL of the first request that carries `state`; whatever else comes is turned away. */
  arrival: (state: string, timeoutMs: number) => Promise<URL>;
  /** Tells the person how it ended, and closes. */
  finish: (message: string) => Promise<void>;
};

const PATH = '/callback';

export async function openLoopback(): Promise<Loopback> {
  let expected: string | undefined;
  let arrived: ((url: URL) => void) | undefined;
  let waiting: ServerResponse | undefined;
  const server = createServer((request, response) => {
    const url = urlOf(request, host);
    const ours = url?.pathname === PATH && url.searchParams.get('state') === expected && expected !== undefined;
    if (url === null || !ours || waiting !== undefined) {
      page(response, 404, 'There is nothing here.');
      return;
    }
    waiting = response;
    arrived?.(url);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    redirectUri: `http://${host}${PATH}`,
    arrival: (state, timeoutMs) =>
      new Promise((resolve, reject) => {
        expected = state;
        const giveUp = () => reject(new InvalidToken('nobody signed in in time; start again'));
        const timer = setTimeout(giveUp, timeoutMs);
        arrived = (url) => {
          clearTimeout(timer);
          resolve(url);
        };
      }),
    finish: async (message) => {
      if (waiting !== undefined) page(waiting, 200, message);
      server.closeIdleConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page of another site may send a browser here by another name of this host (DNS rebinding). */
function urlOf(request: IncomingMessage, host: string): URL | null {
  if (request.method !== 'GET' || request.headers.host !== host) return null;
  const text = `http://${host}${request.url ?? ''}`;
  return URL.canParse(text) ? new URL(text) : null;
}

/** @param text ours, never the provider's: nothing is escaped here. */
function page(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(`<!doctype html><html lang="en"><title>Remit</title><h1>Remit</h1><p>${text}</p></html>\n`);
}
