import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Context } from 'hono';
import { chainOf } from '../identity/certificate-chain.ts';
import { UNKNOWN_PEER, type ClientCertificate, type Peer } from '../identity/peer.ts';

/** What `@hono/node-server` hands over beside a request. Absent where a request did not come over the network. */
type Bindings = { incoming?: IncomingMessage | Http2ServerRequest } | undefined;

/** Read once for each connection: the handshake is over, and renegotiation is off. */
const certificates = new WeakMap<TLSSocket, ClientCertificate | null>();

/** The peer of a request. What a proxy says about who is behind it is not believed. */
export function peerOf(c: Context): Peer {
  const incoming = (c.env as Bindings)?.incoming;
  return incoming === undefined ? UNKNOWN_PEER : peerOfRequest(incoming);
}

/** The socket of a request over HTTP/2 is that of its session, the same for each of its streams. */
export function peerOfRequest(request: IncomingMessage | Http2ServerRequest): Peer {
  const socket = 'stream' in request ? request.stream.session?.socket : request.socket;
  return socket === undefined ? UNKNOWN_PEER : peerOfSocket(socket);
}

export function peerOfSocket(socket: Socket): Peer {
  return { address: socket.remoteAddress ?? 'unknown', certificate: certificateOf(socket) };
}

function certificateOf(socket: Socket): ClientCertificate | null {
  if (!(socket instanceof TLSSocket)) return null;
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  const leaf = socket.getPeerX509Certificate();
  const certificate =
    leaf === undefined
      ? null
      : { thumbprint: createHash('sha256').update(leaf.raw).digest('base64url'), chain: chainOf(leaf) };
  certificates.set(socket, certificate);
  return certificate;
}
