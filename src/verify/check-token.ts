import { errors } from 'jose';
import type { Check, CheckParts } from './presented.ts';
import { ClaimProblem, readClaims, type TokenClaims } from './read-claims.ts';
import { refused } from './result.ts';

/** RFC 9068, section 4: by the keys of the issuer, for this resource, now, and of a shape that says who acts for whom. */
export const checkToken: Check = async (presented, parts) => {
  const { audience, clock, resourceMetadata } = parts.settings;
  try {
    const now = clock();
    const verify = (token: string) => verifyToken(token, parts, now);
    presented.claims = await parts.verified.read(presented.token, { audience, now, keys: parts.keys.loads }, verify);
    return null;
  } catch (error) {
    const reason = reasonOf(error);
    // No keys, so nothing can be said about the token.
    if (reason === null) return refused('temporarily_unavailable', 'the keys of the issuer cannot be read');
    return refused('invalid_token', reason, resourceMetadata);
  }
};

async function verifyToken(token: string, { settings, keys }: CheckParts, now: number): Promise<TokenClaims> {
  const { issuer, audience, algorithms, skewSeconds } = settings;
  const { payload } = await keys.verify(
    token,
    {
      typ: 'at+jwt',
      issuer,
      audience,
      algorithms: [...algorithms],
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
      clockTolerance: skewSeconds,
    },
    now,
  );
  return readClaims(payload, { ...settings, now });
}

/** In words that hold nothing of the token; `null` for what is no fault of it. */
function reasonOf(error: unknown): string | null {
  if (error instanceof ClaimProblem) return error.message;
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `\`${error.claim}\` is not accepted`;
  return error instanceof errors.JOSEError ? 'the token is not signed by a key of the issuer' : null;
}
