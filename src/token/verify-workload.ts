import { decodeJwt } from 'jose';
import { InvalidToken, type InvalidClient, type InvalidGrant } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import type { ClientRequest, TokenEndpointParts } from './exchange.ts';

export type Workload = { agent: Agent; expiresAt: number };

/**
 * The agent that a token proves: a JWT-SVID, an OIDC token of a workload issuer, or a configured client's own assertion. The
 * first two are bearer by nature: they are taken at the token endpoints, for us as audience, and nowhere else.
 *
 * INVARIANT 1: who verifies follows from `sub` alone, whatever `iss` says. A client of the configuration is proven by its
 * own keys; any other SPIFFE ID by its trust domain's bundle; anything else by a workload issuer, which cannot name one.
 */
export async function verifyWorkload(
  token: string,
  shown: ClientRequest,
  parts: TokenEndpointParts,
  Failure: typeof InvalidClient | typeof InvalidGrant,
): Promise<Workload> {
  const by = provenBy(token, parts);
  const verified = VERIFIERS[by].verify(token, shown, parts);
  return verified.catch((cause: unknown) => {
    const { what } = VERIFIERS[by];
    throw cause instanceof InvalidToken ? new Failure(`the ${what} is not valid here`, { cause }) : cause;
  });
}

type ProvenBy = 'client' | 'svid' | 'issuer';
type Verify = (token: string, shown: ClientRequest, parts: TokenEndpointParts) => Promise<Workload>;

const VERIFIERS: Record<ProvenBy, { what: string; verify: Verify }> = {
  client: { what: 'client assertion', verify: (token, _shown, parts) => parts.clientAssertions.verify(token) },
  svid: { what: 'JWT-SVID', verify: (token, _shown, parts) => verifySvid(token, parts) },
  issuer: {
    what: 'workload token',
    verify: (token, { binding, http }, parts) =>
      parts.workloadTokens.verify(token, { key: binding?.thumbprint ?? null, request: http.request }),
  },
};

/** For us alone (draft-ietf-oauth-spiffe-client-auth-02, section 3.1): who else it is for could show it here. */
async function verifySvid(token: string, { svids, issuer }: TokenEndpointParts): Promise<Workload> {
  const workload = await svids.verifyJwtSvid(token, [issuer]);
  const { aud } = decodeJwt(token);
  if (Array.isArray(aud) && aud.length !== 1) throw new InvalidToken('the JWT-SVID is for others, too');
  return workload;
}

/** Unverified: it only chooses who verifies. */
export function provenBy(token: string, parts: Pick<TokenEndpointParts, 'clientAssertions'>): ProvenBy {
  try {
    const { sub } = decodeJwt(token);
    if (typeof sub !== 'string') return 'issuer';
    if (parts.clientAssertions.knows(sub)) return 'client';
    return sub.startsWith('spiffe://') ? 'svid' : 'issuer';
  } catch {
    return 'issuer';
  }
}
