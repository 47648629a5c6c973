import { hash } from 'node:crypto';
import { InvalidDpopProof } from '../core/errors.ts';
import { headerOf, type Check, type CheckParts, type Presented } from './presented.ts';
import { refused, type Refused } from './result.ts';

/** INVARIANT 1: the caller has just proven to hold what the token is bound to. */
export const checkBinding: Check = async (presented, parts) => {
  const { scheme, claims } = presented;
  const invalid = (reason: string) => refused('invalid_token', reason, parts.settings.resourceMetadata);
  const { kind, thumbprint } = claims.binding;
  // RFC 9449, section 7.2: a bound token must not be accepted as a bearer token.
  if (kind !== (scheme === 'dpop' ? 'dpop' : 'mtls')) return invalid('the token is bound otherwise than it is shown');
  if (kind === 'dpop') {
    const proven = await provenKey(presented, parts);
    if (typeof proven !== 'string') return proven;
    return proven === thumbprint ? null : invalid('the token is bound to another key');
  }
  // RFC 8705, section 3.
  const { certificate } = presented.request;
  if (certificate === undefined) return invalid('the connection has no client certificate');
  return hash('sha256', certificate, 'base64url') === thumbprint
    ? null
    : invalid('the token is bound to another certificate');
};

/** RFC 9449, section 4.3. */
async function provenKey({ request, token }: Presented, { dpop, settings }: CheckParts): Promise<string | Refused> {
  const proof = headerOf(request, 'dpop');
  try {
    const { jkt } = await dpop.verify({
      // Several header lines arrive joined by a comma, which no JWS contains.
      proofs: proof === undefined ? [] : proof.split(','),
      method: request.method,
      url: request.url,
      accessToken: token,
    });
    return jkt;
  } catch (error) {
    if (!(error instanceof InvalidDpopProof)) throw error;
    const reason = `the DPoP proof is not valid for this request: ${error.detail ?? 'no detail'}`;
    return refused('invalid_dpop_proof', reason, settings.resourceMetadata);
  }
}
