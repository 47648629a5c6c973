import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AgentSession } from '../agent-session.ts';
import { asKnownToClient, originOfAuthority, throughTarget, type Interception } from './interceptions.ts';
import type { LocalCertificates } from './local-certificates.ts';
import { createThroughRemit } from './through-remit.ts';

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
  const insides = new Map<string, TlsServer>();
  for (const { origin } of interceptions) {
    const certificate = certificates.byHost.get(new URL(origin).hostname);
    if (!origin.startsWith('https:') || certificate === undefined || insides.has(origin)) continue;
    const inside = createTlsServer({ ...certificate, minVersion: 'TLSv1.2' }, (request, response) => {
      if (originOfHost(request, 'https') === origin) pass(request, response, origin, request.url ?? '');
      else refuse(response, 421, 'the `Host` is not the one that the tunnel leads to');
    });
    insides.set(origin, inside);
  }

  function pass(request: IncomingMessage, response: ServerResponse, origin: string, path: string): void {
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
    pass(request, response, new URL(origin).origin, path);
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

function originOfHost({ headers }: IncomingMessage, scheme: 'https'): string | null {
  const url = `${scheme}://${headers.host ?? ''}`;
  return URL.canParse(url) ? new URL(url).origin : null;
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`remit: ${why}\n`);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
