import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { InvalidRequest } from '../../core/errors.ts';
import { overHttp2 } from '../../gateway/http/over-http2.ts';
import type { ClientResponse } from '../../gateway/http/request.ts';
import { HttpsServer } from '../../server/https-server.ts';
import type { AgentSession } from '../agent-session.ts';
import { asKnownToClient, originOfAuthority, throughTarget, type Interception } from './interceptions.ts';
import type { LocalCertificates } from './local-certificates.ts';
import { createThroughRemit, headerOf, type ClientRequest } from './through-remit.ts';

export type ForwardProxy = {
  /** With the secret in it: for `HTTPS_PROXY`. */
  url: string;
  close(): Promise<void>;
};

/**
 * A forward proxy on this machine for clients that know nothing of Remit: what they send to the configured places goes to
 * Remit as the agent's, and everything else is refused. It holds the agent's key, so it takes nobody without its secret.
 */
export async function openForwardProxy(parts: {
  session: AgentSession;
  remitUrl: string;
  interceptions: readonly Interception[];
  certificates: LocalCertificates;
  /** What clients show as the password of the proxy. */
  secret: string;
  listen?: { host: string; port: number };
}): Promise<ForwardProxy> {
  const { interceptions, certificates, remitUrl, secret } = parts;
  const { host, port } = parts.listen ?? { host: '127.0.0.1', port: 0 };
  const remit = createThroughRemit({
    ...parts,
    location: (value) => asKnownToClient(interceptions, remitUrl, value),
  });
  /** Behind each tunnel, the server that its client means. */
  const insides = new Map<string, HttpsServer>();
  for (const { origin } of interceptions) {
    const certificate = certificates.byHost.get(new URL(origin).hostname);
    if (!origin.startsWith('https:') || certificate === undefined || insides.has(origin)) continue;
    const inside = new HttpsServer({ ...certificate, minVersion: 'TLSv1.2' }, (incoming, given) => {
      const over2 = incoming instanceof Http2ServerRequest ? overHttp2(incoming) : null;
      const response = over2?.response ?? (given as ServerResponse);
      let rawHeaders: readonly string[];
      try {
        rawHeaders = over2?.rawHeaders() ?? incoming.rawHeaders;
      } catch (error) {
        return refuse(response, 400, error instanceof InvalidRequest ? error.message : 'the request is malformed');
      }
      if (originOfHost(rawHeaders) !== origin)
        return refuse(response, 421, 'the `Host` is not the one that the tunnel leads to');
      pass({ method: incoming.method ?? 'GET', rawHeaders, body: incoming }, response, origin, incoming.url ?? '');
    });
    insides.set(origin, inside);
  }

  function pass(request: ClientRequest, response: ClientResponse, origin: string, path: string): void {
    const through = throughTarget(interceptions, origin, path);
    if (through === null) return refuse(response, 403, 'remit stands for no target there; name it with `--intercept`');
    void remit.send(request, response, through);
  }

  const server = createServer((request, response) => {
    if (!isAuthorised(request, secret)) return askForSecret(response);
    // RFC 9112, section 3.2.2: the absolute form, which a client sends to a proxy.
    const [, origin, path] = /^(http:\/\/[^/?#@]+)(\/[^#]*)$/i.exec(request.url ?? '') ?? [];
    if (origin === undefined || path === undefined || !URL.canParse(origin)) {
      return refuse(response, 400, 'this is a proxy; set it as `HTTP_PROXY` and `HTTPS_PROXY`');
    }
    const { method = 'GET', rawHeaders } = request;
    pass({ method, rawHeaders, body: request }, response, new URL(origin).origin, path);
  });
  const tunnels = new Set<Duplex>();
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    tunnels.add(socket);
    socket.on('close', () => tunnels.delete(socket));
    if (!isAuthorised(request, secret))
      return void socket.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${CHALLENGE}\r\n\r\n`);
    const origin = originOfAuthority(request.url ?? '');
    const inside = origin === null ? undefined : insides.get(origin);
    if (inside === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    inside.emit('connection', socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const at = server.address() as AddressInfo;
  return {
    url: `http://remit:${secret}@${host.includes(':') ? `[${host}]` : host}:${at.port}`,
    close: async () => {
      for (const socket of tunnels) socket.destroy();
      await Promise.all([closed(server), remit.close()]);
    },
  };
}

const CHALLENGE = 'proxy-authenticate: Basic realm="remit"\r\ncontent-length: 0';

function askForSecret(response: ServerResponse): void {
  response.writeHead(407, { 'proxy-authenticate': 'Basic realm="remit"' }).end();
}

function isAuthorised({ headers }: IncomingMessage, secret: string): boolean {
  const [, shown = ''] = /^Basic (.+)$/i.exec(headers['proxy-authorization'] ?? '') ?? [];
  const [given, expected] = [Buffer.from(shown), Buffer.from(Buffer.from(`remit:${secret}`).toString('base64'))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function originOfHost(rawHeaders: readonly string[]): string | null {
  const url = `https://${headerOf(rawHeaders, 'host') ?? ''}`;
  return URL.canParse(url) ? new URL(url).origin : null;
}

function refuse(response: ClientResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`remit: ${why}\n`);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
