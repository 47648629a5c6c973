import { InvalidDpopProof } from '../core/errors.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/**
 * INVARIANT 1: no token without a key that was just proven: by a DPoP proof (RFC 9449, section 5), or where there is none
 * by the TLS connection (RFC 8705, section 3). Whose certificate that is, is checked with the subject.
 */
export async function checkProof(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { headers, certificate } = exchange.http;
  const proof = headers.get('dpop');
  if (proof === null && certificate !== null) {
    if (exchange.grant === 'person')
      throw new InvalidDpopProof('a token of a person is bound to a key by a DPoP proof');
    exchange.binding = { kind: 'mtls', thumbprint: certificate.thumbprint };
    return;
  }
  const { jkt } = await parts.dpop.verify({
    // Several header lines arrive joined by a comma, which no JWS contains.
    proofs: proof === null ? [] : proof.split(','),
    method: 'POST',
    url: `${parts.issuer}/token`,
  });
  exchange.binding = { kind: 'dpop', thumbprint: jkt };
}
