import { Server } from 'node:https';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { createHttp2Sessions, type Http2Sessions, type RequestHandler } from './http2-sessions.ts';

/**
 * An HTTPS server that speaks HTTP/2 with who offers it (ALPN, RFC 9113, section 3.2), and HTTP/1.1 as ever with who does not.
 * Its connections of both kinds end by the verbs of the one.
 */
export class HttpsServer extends Server {
  readonly #http2: Http2Sessions;

  constructor(options: TlsOptions, handler: RequestHandler) {
    super({ ...options, ALPNProtocols: ['h2', 'http/1.1'] }, handler);
    this.#http2 = createHttp2Sessions(handler);
    const http1 = this.listeners('secureConnection');
    this.removeAllListeners('secureConnection');
    this.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') return this.#http2.take(socket);
      for (const serve of http1) serve.call(this, socket);
    });
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections();
    this.#http2.drain();
  }

  override closeAllConnections(): void {
    super.closeAllConnections();
    this.#http2.end();
  }
}
