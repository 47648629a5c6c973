import { decodeJwt } from 'jose';
import { InvalidToken, type InvalidClient, type InvalidGrant } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

export type Workload = { agent: Agent; expiresAt: number };

/**
 * The agent that a token proves: a JWT-SVID or an OIDC token of a workload issuer. Both are bearer by nature: they are
 * taken at the token endpoint, for us as audience, and nowhere else.
 *
 * INVARIANT 1: which of the two it is follows from `sub` alone. A SPIFFE ID there is proven by its trust domain's bundle,
 * whatever `iss` says; any other subject by the configured issuer, which cannot name a SPIFFE ID.
 */
export async function verifyWorkload(
  token: string,
  exchange: Exchange,
  parts: TokenEndpointParts,
  Failure: typeof InvalidClient | typeof InvalidGrant,
): Promise<Workload> {
  const svid = isSvid(token);
  const verified = svid
    ? parts.svids.verifyJwtSvid(token, [parts.issuer])
    : parts.workloadTokens.verify(token, { key: exchange.binding.thumbprint, request: exchange.http.request });
  return verified.catch((cause: unknown) => {
    const what = svid ? 'JWT-SVID' : 'workload token';
    throw cause instanceof InvalidToken ? new Failure(`the ${what} is not valid here`, { cause }) : cause;
  });
}

/** Unverified: it only chooses who verifies. */
export function isSvid(token: string): boolean {
  try {
    return decodeJwt(token).sub?.startsWith('spiffe://') === true;
  } catch {
    return false;
  }
}
