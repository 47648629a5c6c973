import { constants } from 'node:crypto';
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { RequestHandler } from './http2-sessions.ts';
import { HttpsServer } from './https-server.ts';

/** The server's own certificate chain and key: PEM. */
export type TlsIdentity = { cert: string; key: string };

/** RFC 9325, section 4.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

export type TlsServer = {
  server: Server;
  /** New connections get this identity; open ones go on. Throws when key and certificate do not fit, and changes nothing. */
  present(identity: TlsIdentity): void;
};

/**
 * An HTTPS server that asks for client certificates and takes any: the handshake proves that the client has the key, and
 * whose certificate it is, the checks of a request decide, by the bundle of one trust domain and at that moment.
 */
export function createTlsServer(identity: TlsIdentity, handler: RequestHandler): TlsServer {
  const server = new HttpsServer(
    {
      ...contextOptions(identity),
      requestCert: true,
      // INVARIANT 1: nothing is authorised by the handshake; OpenSSL knows one set of authorities, and we keep many apart.
      rejectUnauthorized: false,
      handshakeTimeout: 10_000,
    },
    handler,
  );
  return { server, present: (next) => server.setSecureContext(contextOptions(next)) };
}

function contextOptions({ cert, key }: TlsIdentity): SecureContextOptions {
  return {
    cert,
    key,
    // No authority at all: otherwise it would be those of the system.
    ca: [],
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A resumed session has the leaf of its certificate chain only, and a renegotiated one could change it.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}
