import { request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { readBoundedJson } from './bounded-json.ts';
import { chainOf } from './certificate-chain.ts';
import type { TrustBundles } from './trust-bundle.ts';
import { validateX509Svid } from './x509-svid.ts';

/** From the first byte of the handshake to the last of the document. */
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;

/**
 * SPIFFE Federation, section 5.2.2.4: a document from a server that shows a valid X.509-SVID with exactly this SPIFFE ID.
 * The names of the Web PKI count for nothing. Nothing is sent before the server is known; redirects are not followed.
 *
 * @param bundles of the trust domain of the endpoint's SPIFFE ID.
 */
export async function fetchJsonOverSpiffe(
  endpoint: { url: string; spiffeId: string },
  bundles: Pick<TrustBundles, 'x509Authorities'>,
  at: { now: number; skewMs: number },
  timeoutMs: number = TIMEOUT_MS,
): Promise<unknown> {
  const url = new URL(endpoint.url);
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = await openTls(url, signal);
  try {
    const leaf = socket.getPeerX509Certificate();
    const { id } = validateX509Svid(leaf === undefined ? [] : chainOf(leaf), 'server', bundles, at);
    if (id !== endpoint.spiffeId) throw new Error(`the server is \`${id}\`, not \`${endpoint.spiffeId}\``);
    return await get(url, socket, signal);
  } finally {
    socket.destroy();
  }
}

function openTls(url: URL, signal: AbortSignal): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Whose certificate it is, is checked by the caller, by one bundle and no authority of the system.
      ca: [],
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
    });
    const fail = (error: unknown) => {
      socket.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const abort = () => fail(new Error('the bundle endpoint does not answer'));
    signal.addEventListener('abort', abort, { once: true });
    // Also takes what comes when all is over.
    socket.on('error', fail);
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
  });
}

function get(url: URL, socket: Socket, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        createConnection: () => socket,
        host: url.hostname,
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, accept: 'application/json', connection: 'close' },
        signal,
      },
      (response) => {
        if (response.statusCode === 200) readBoundedJson(response, MAX_BYTES).then(resolve, reject);
        else reject(new Error(`status ${response.statusCode}`));
      },
    );
    sending.once('error', reject);
    sending.end();
  });
}
