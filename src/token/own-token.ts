import { decodeJwt, type JWTPayload } from 'jose';
import { readAccessToken, type AccessTokenClaims, type AccessTokenParts } from './access-token.ts';

const MAX_TOKEN = 16 * 1024;

/** `members` are the claims as they are in the token. */
export type OwnToken = { audience: string; claims: AccessTokenClaims; members: JWTPayload };

/**
 * An access token of ours that has not expired, whichever audience it is for; `undefined` for everything else. It says
 * nothing about who shows it, nor whether it was revoked.
 */
export async function readOwnToken(
  token: string,
  parts: Omit<AccessTokenParts, 'newId'>,
): Promise<OwnToken | undefined> {
  if (token.length > MAX_TOKEN) return undefined;
  try {
    // Unverified until the line below has verified the same text for this audience.
    const members = decodeJwt(token);
    if (typeof members.aud !== 'string') return undefined;
    return { audience: members.aud, claims: await readAccessToken(token, members.aud, parts), members };
  } catch {
    return undefined;
  }
}
