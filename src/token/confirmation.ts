/** What a token is bound to (RFC 7800): the key of a DPoP proof, or the certificate of the caller's TLS connection. */
export type TokenBinding = {
  kind: 'dpop' | 'mtls';
  /** RFC 7638 of the key, or SHA-256 of the certificate (RFC 8705, section 3.1); base64url. */
  thumbprint: string;
};

/** Member of `cnf` by kind: RFC 9449, section 6.1, and RFC 8705, section 3.1. */
const MEMBERS = { dpop: 'jkt', mtls: 'x5t#S256' } as const;

export function confirmationClaim({ kind, thumbprint }: TokenBinding): Record<string, string> {
  return { [MEMBERS[kind]]: thumbprint };
}

/** Throws unless the claim binds to exactly one thing. */
export function readConfirmation(claim: unknown): TokenBinding {
  const members: Record<string, unknown> = typeof claim === 'object' && claim !== null ? { ...claim } : {};
  const found = (['dpop', 'mtls'] as const).filter((kind) => members[MEMBERS[kind]] !== undefined);
  const kind = found[0];
  const thumbprint = kind === undefined ? undefined : members[MEMBERS[kind]];
  if (kind === undefined || found.length > 1 || typeof thumbprint !== 'string') throw new Error('cnf');
  return { kind, thumbprint };
}
