/** The HTTP gateway behind a listener of its own, with all permitted and one caller: for looking at the wire alone. */
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import type { TargetConfig } from '../../src/config/config.ts';
import { deny } from '../../src/core/decide.ts';
import type { RemitError } from '../../src/core/errors.ts';
import { stripOf } from '../../src/credential/strip.ts';
import { createHttpGateway, type HttpGatewayDeps } from '../../src/gateway/http/gateway.ts';
import { createInject } from '../../src/gateway/http/inject.ts';
import { refuse } from '../../src/gateway/http/problem.ts';
import type { HttpExchange, HttpStep } from '../../src/gateway/http/request.ts';
import { createUpstreams } from '../../src/gateway/http/upstream.ts';
import { createLiveWork, type LiveWork } from '../../src/gateway/live.ts';
import { takeUpgrades } from '../../src/wiring/upgrades.ts';
import type { RequestHandler } from '../../src/server/http2-sessions.ts';
import { createTlsServer, type TlsIdentity } from '../../src/server/tls-server.ts';
import { UNKNOWN_PEER } from '../../src/identity/peer.ts';
import { callerOf, permit } from '../conformance/open-gateway.ts';

export const PUBLIC_URL = 'https://remit.example.test';

export type HttpFront = {
  port: number;
  live: LiveWork;
  /** Exchanges in the order of their outcome. */
  observed: HttpExchange[];
  /** Exchanges that were decided. */
  decided: HttpExchange[];
  refused: RemitError[];
  /** Sends bytes on a connection of their own, and resolves with all that comes back until the other side ends it. */
  raw(bytes: string | Uint8Array): Promise<string>;
  /** Ends all connections of clients, as one that goes away does. */
  hangUp(): void;
  /** The same without a word. */
  drop(): void;
  /** As a server does that is told to stop: no more requests, and those under way go on. */
  drain(): void;
  close(): Promise<void>;
};

export async function openHttpFront(
  targets: readonly TargetConfig[],
  given: Partial<HttpGatewayDeps> = {},
  /** Without one it speaks plain HTTP/1.1, and with one HTTP/2, too. */
  identity?: TlsIdentity,
): Promise<HttpFront> {
  const observed: HttpExchange[] = [];
  const decided: HttpExchange[] = [];
  const refused: RemitError[] = [];
  const live = createLiveWork({ isLive: () => true });
  let ids = 0;
  const gateway = createHttpGateway({
    targets: new Map(targets.map((target) => [target.name, target])),
    publicUrl: PUBLIC_URL,
    authenticate: async () => callerOf('tsk_1'),
    steps: {
      gather: { name: 'gather', run: () => undefined },
      decide: {
        name: 'decide',
        run: (exchange) => {
          decided.push(exchange);
          exchange.decision = decideOpenly(exchange);
          return undefined;
        },
      },
      record: recordOpenly(() => `rec_${++ids}`),
      observe: {
        name: 'observe',
        run: (exchange) => {
          observed.push(exchange);
          return undefined;
        },
      },
    },
    onStream: () => {},
    hooks: {
      reveal: (departing) => departing,
      inject: createInject({
        credential: () => null,
        tellTarget: async () => ({}),
        readSecret: (source) => ('value' in source ? source.value : 'canary-of-the-target'),
      }),
      follow: () => undefined,
      reading: () => 'streamed',
      streamed: () => [],
      conceal: (answer) => answer,
      strip: stripOf,
    },
    live,
    inject: async () => {
      throw new Error('nothing of Remit’s own is called in this test');
    },
    upstreams: createUpstreams(),
    clock: () => 1_000,
    newId: (prefix) => `${prefix}_${++ids}`,
    log: { info: () => undefined, warn: () => undefined, error: (fields, message) => console.error(message, fields) },
    refused: ({ error }) => void refused.push(error),
    maxBodyBytes: 1_000_000,
    ...given,
  });
  const handler: RequestHandler = (request, response) => {
    if (gateway.handle(request, response, UNKNOWN_PEER)) return;
    response.statusCode = 404;
    response.end('not the gateway');
  };
  const server = identity === undefined ? createServer(handler) : createTlsServer(identity, handler).server;
  takeUpgrades(server, gateway);
  const port = await listening(server);
  const clients = new Set<Socket>();
  return {
    port,
    live,
    observed,
    decided,
    refused,
    raw: (bytes) => exchangeRaw(port, bytes, clients),
    drop: () => {
      for (const client of clients) client.destroy();
    },
    hangUp: () => {
      for (const client of clients) client.end();
    },
    drain: () => server.closeIdleConnections(),
    close: async () => {
      server.closeAllConnections();
      await gateway.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function decideOpenly({ action }: HttpExchange) {
  if (action?.definition === 'unknown') {
    return deny({ code: 'unknown_operation', message: 'the operation is not one of the target' }, 'sha256:0');
  }
  return action?.undescribed === undefined ? permit() : deny(action.undescribed, 'sha256:0');
}

function recordOpenly(newId: () => string): HttpStep {
  return {
    name: 'record',
    run: (exchange) => {
      exchange.recordId = newId();
      const { decision } = exchange;
      return decision === undefined || decision.outcome === 'permit' ? undefined : refuse({ ...exchange, decision });
    },
  };
}

/** What came of one connection to a raw upstream: the bytes of the request, and a way to answer. */
export type RawUpstream = {
  url: string;
  /** Everything that was received, a text of bytes for each connection. */
  received: string[];
  close(): Promise<void>;
};

/** Takes whatever comes as bytes, and answers each request with `answer`, once its head and stated body are there. */
export async function openRawUpstream(answer: (request: string, socket: Socket) => void): Promise<RawUpstream> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    const place = received.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (text: string) => {
      received[place] += text;
      if (isWhole(received[place]!)) answer(received[place]!, socket);
    });
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = text.slice(0, end);
  if (/\r\ntransfer-encoding:/i.test(head)) return text.endsWith('0\r\n\r\n');
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return text.length - end - 4 >= length;
}

function exchangeRaw(port: number, bytes: string | Uint8Array, clients: Set<Socket>): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    );
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined);
    clients.add(socket);
    socket.on('close', () => {
      clients.delete(socket);
      resolve(answer);
    });
  });
}

async function listening(server: {
  listen: (port: number, host: string, done: () => void) => unknown;
  address(): AddressInfo | string | null;
}): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
