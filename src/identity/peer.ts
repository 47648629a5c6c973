/** Who is at the other end of a connection, as the connection shows it. What a header says about it is not believed. */
export type Peer = {
  /** Network address. */
  address: string;
  /** Present where the peer proved, in the TLS handshake, that it has the key of this certificate. Nobody vouches for it yet. */
  certificate: ClientCertificate | null;
};

export type ClientCertificate = {
  /** `x5t#S256` (RFC 8705, section 3.1): SHA-256 of the certificate, base64url. */
  thumbprint: string;
  /** DER, leaf first. */
  chain: readonly Buffer[];
};

export const UNKNOWN_PEER: Peer = { address: 'unknown', certificate: null };
