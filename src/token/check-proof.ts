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
    if (exchange.form.dpop_jkt !== undefined) throw new InvalidDpopProof('`dpop_jkt` is a key; prove it');
    exchange.binding = { kind: 'mtls', thumbprint: certificate.thumbprint };
    return;
  }
  const thumbprint = await provenKey(headers, `${parts.issuer}/token`, parts.dpop);
  // RFC 9449, section 10: who names the key beforehand has a token for that key or none.
  const { dpop_jkt: named } = exchange.form;
  if (named !== undefined && named !== thumbprint) throw new InvalidDpopProof('`dpop_jkt` is another key');
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
