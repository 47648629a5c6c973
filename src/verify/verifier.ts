import { createDpopVerifier } from '../identity/dpop.ts';
import { fetchJsonOverHttp } from '../identity/fetch-json.ts';
import { KeySet } from '../identity/key-set.ts';
import { VerifiedTokens } from '../token/verified-tokens.ts';
import { checkBinding } from './check-binding.ts';
import { checkCredential } from './check-credential.ts';
import { checkRevoked } from './check-revoked.ts';
import { checkStatus } from './check-status.ts';
import { checkToken } from './check-token.ts';
import type { Check, CheckParts, Presented, PresentedRequest } from './presented.ts';
import type { TokenClaims } from './read-claims.ts';
import type { VerifiedToken, VerifyResult } from './result.ts';
import { FOLLOW, settle, type Settings, type VerifierOptions } from './settings.ts';
import { TokenStatuses } from './token-status.ts';

/** Never rejects for what a caller shows: a refusal is a value. */
export type Verifier = (request: PresentedRequest) => Promise<VerifyResult>;

const REMEMBERED_TOKENS = 10_000;

/** In order; the first that objects refuses. Who has proven nothing causes no question to Remit. */
const CHECKS: readonly [name: string, check: Check][] = [
  ['credential', checkCredential],
  ['token', checkToken],
  ['binding', checkBinding],
  ['revoked', checkRevoked],
  ['status', checkStatus],
];

/**
 * Verifies access tokens of Remit at a resource that checks them itself (RFC 9068, section 4): signature, issuer,
 * audience, times, the chain of actors, the task; that the caller holds what the token is bound to (RFC 9449, section 7;
 * RFC 8705, section 3); and, where `introspection` is given, that it was not revoked (RFC 7662).
 *
 * One verifier for a resource in a process: it remembers which proofs were used.
 *
 * @throws TypeError for options that would check nothing, or less than is thought.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const settings = settle(options);
  const { jwks, clock, skewSeconds, maxProofs, introspection } = settings;
  const parts: CheckParts = {
    settings,
    keys:
      typeof jwks === 'string'
        ? new KeySet({ uri: jwks }, fetchJsonOverHttp, FOLLOW)
        : new KeySet({ uri: 'given' }, () => Promise.resolve(jwks)),
    verified: new VerifiedTokens(REMEMBERED_TOKENS),
    dpop: createDpopVerifier({ clock, skewSeconds, bootedAt: clock(), maxRemembered: maxProofs }),
    statuses: introspection === undefined ? null : new TokenStatuses(introspection),
  };
  return async (request) => {
    const presented = { request } as Presented;
    for (const [, check] of CHECKS) {
      const refusal = await check(presented, parts);
      if (refusal !== null) return refusal;
    }
    return { ok: true, token: tokenOf(presented.claims, settings) };
  };
}

function tokenOf(claims: TokenClaims, { issuer, audience }: Settings): VerifiedToken {
  const { acr, authTime } = claims;
  return {
    id: claims.jti,
    issuer,
    audience,
    subject: claims.sub,
    agent: claims.actors[0]!.sub,
    actors: claims.actors,
    task: claims.task,
    transaction: claims.txn,
    authorizationDetails: claims.authorizationDetails,
    issuedAt: claims.iat * 1000,
    expiresAt: claims.exp * 1000,
    binding: claims.binding.kind,
    key: claims.binding.thumbprint,
    ...(acr === undefined ? {} : { acr }),
    ...(authTime === undefined ? {} : { authTime }),
    claims: claims.all,
  };
}
