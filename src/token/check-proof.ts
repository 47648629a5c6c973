import { InvalidDpopProof } from '../core/errors.ts';
import type { DpopVerifier } from '../identity/dpop.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/**
 * INVARIANT 1: no token without a key that was just proven: by a DPoP proof (RFC 9449, section 5), or where there is none
 * by the TLS connection (RFC 8705, section 3). Whose certificate that is, is checked with the subject.
 */
export async function checkProof(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { headers, certificate } = exchange.http;
  if (!headers.has('dpop') && certificate !== null) {
    if (exchange.grant === 'person')
      throw new InvalidDpopProof('a token of a person is bound to a key by a DPoP proof');
    exchange.binding = { kind: 'mtls', thumbprint: certificate.thumbprint };
    return;
  }
  const thumbprint = await provenKey(headers, `${parts.issuer}/token`, parts.dpop);
  exchange.binding = { kind: 'dpop', thumbprint };
}

/**
 * Thumbprint of the key that a POST to `url` proves.
 *
 * @throws InvalidDpopProof
 */
export async function provenKey(headers: Headers, url: string, dpop: DpopVerifier): Promise<string> {
  const proof = headers.get('dpop');
  // Several header lines arrive joined by a comma, which no JWS contains.
  const proofs = proof === null ? [] : proof.split(',');
  const { jkt } = await dpop.verify({ proofs, method: 'POST', url });
  return jkt;
}
