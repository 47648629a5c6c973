import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** INVARIANT 1: no token without a key that was just proven (RFC 9449, section 5). */
export async function checkProof(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const proof = exchange.http.headers.get('dpop');
  const { jkt } = await parts.dpop.verify({
    // Several header lines arrive joined by a comma, which no JWS contains.
    proofs: proof === null ? [] : proof.split(','),
    method: 'POST',
    url: `${parts.issuer}/token`,
  });
  exchange.jkt = jkt;
}
