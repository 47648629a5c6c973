import { InvalidToken, type InvalidClient, type InvalidGrant } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import type { TokenEndpointParts } from './exchange.ts';

/** A JWT-SVID is bearer by nature: it is taken at the token endpoint, for our issuer as audience, and nowhere else. */
export async function verifySvid(
  token: string,
  parts: Pick<TokenEndpointParts, 'svids' | 'issuer'>,
  Failure: typeof InvalidClient | typeof InvalidGrant,
): Promise<{ agent: Agent; expiresAt: number }> {
  return parts.svids.verifyJwtSvid(token, [parts.issuer]).catch((cause: unknown) => {
    throw cause instanceof InvalidToken ? new Failure('the JWT-SVID is not valid here', { cause }) : cause;
  });
}
