import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import { MAX_HEADER_LIST } from '../gateway/http/http2-headers.ts';

/** Requests under way on one connection: what one agent has in hand, and far from what 64 KiB of each would need to matter. */
const MAX_STREAMS = 100;
/** A connection without a request under way is given up after this. */
const IDLE_MS = 60_000;
/** What a whole request may take, as with Node over HTTP/1.1. */
const RECEIVED_WITHIN_MS = 300_000;
/**
 * By how many more requests a client may take back on one connection than it lets be answered, before the connection is ended
 * (CVE-2023-44487, "rapid reset"): each one has cost an authentication, and left room for the next.
 */
const MAX_TAKEN_BACK = 200;

/** What serves a request, by either version. */
export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

export type Http2Sessions = {
  /** Serves a connection whose handshake has settled on `h2`. */
  take(socket: Socket): void;
  /** No more requests; those under way go on (GOAWAY). */
  drain(): void;
  /** Ends all connections. */
  end(): void;
};

/** Connections over HTTP/2, each request handed to the handler that has those over HTTP/1.1. */
export function createHttp2Sessions(handler: RequestHandler, { idleMs = IDLE_MS } = {}): Http2Sessions {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_LIST, enableConnectProtocol: false },
    maxSessionInvalidFrames: 100,
  });
  server.on('request', (request, response) => {
    // A stream that was refused is announced all the same.
    if (!request.stream.closed) handler(request, response);
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    guard(session, idleMs);
  });
  return {
    take: (socket) => void server.emit('connection', socket),
    drain: () => {
      for (const session of sessions) session.close();
    },
    end: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function guard(session: ServerHttp2Session, idleMs: number): void {
  let open = 0;
  let takenBack = 0;
  session.setTimeout(idleMs);
  // A callback would be called once, and a request that is under way then would lift the limit for good.
  session.on('timeout', () => {
    if (open === 0) session.close();
  });
  session.prependListener('stream', (stream) => {
    open++;
    // The limit that is announced binds a client from its acknowledgement on; this one always does.
    if (open > MAX_STREAMS) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const late = stream.endAfterHeaders
      ? undefined
      : // With an error: an answer that has begun must not pass for a whole one.
        setTimeout(() => stream.destroy(new Error('the request is late')), RECEIVED_WITHIN_MS).unref();
    stream.once('end', () => clearTimeout(late));
    stream.once('aborted', () => {
      if (stream.headersSent || ++takenBack <= MAX_TAKEN_BACK) return;
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      session.destroy();
    });
    stream.once('close', () => {
      clearTimeout(late);
      open--;
      if (!stream.aborted) takenBack = Math.max(0, takenBack - 1);
    });
  });
}
