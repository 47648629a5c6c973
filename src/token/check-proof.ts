import type { DpopVerifier } from '../identity/dpop.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** INVARIANT 1: no token without a key that was just proven (RFC 9449, section 5). */
export async function checkProof(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  exchange.jkt = await provenKey(exchange.http.headers, `${parts.issuer}/token`, parts.dpop);
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
