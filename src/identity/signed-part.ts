import { createHash } from 'node:crypto';

/** Digest that names what a JWS says, whatever its signature: of some algorithms there are several good ones. */
export function signedPart(token: string): string {
  return createHash('sha256')
    .update(token.slice(0, token.lastIndexOf('.')))
    .digest('base64url');
}
