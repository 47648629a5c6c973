import { createPrivateKey, type JsonWebKey, type KeyObject, type webcrypto } from 'node:crypto';
import { importJWK } from 'jose';
import {
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  type ClientAuth,
} from 'oauth4webapi';
import type { TokenClient } from '../../config/credential.ts';
import { nameOfPlace, type SecretPlace } from '../../config/secret-place.ts';
import { CredentialUnavailable } from '../../core/errors.ts';
import { NOT_TO_BE_HAD, type Secrets } from '../secrets.ts';

/** How Remit proves itself to an authorisation server (RFC 6749, section 2.3; RFC 7523, section 2.2). */
export async function clientAuth({ proof }: TokenClient, secrets: Secrets): Promise<ClientAuth> {
  // The secret is read for itself: what others wait for does not stop when one of them goes away.
  const { signal } = new AbortController();
  switch (proof.method) {
    case 'none':
      return None();
    case 'client_secret_basic':
      return ClientSecretBasic((await secrets.read(proof.secret, signal)).value);
    case 'client_secret_post':
      return ClientSecretPost((await secrets.read(proof.secret, signal)).value);
    case 'private_key_jwt': {
      const { value } = await secrets.read(proof.key, signal);
      const { key, kid } = await signingKey(value, proof.key);
      const named = proof.keyId ?? kid;
      return PrivateKeyJwt(named === undefined ? key : { key, kid: named }, {
        [modifyAssertion]: (_header, payload) => {
          payload['aud'] = proof.audience;
        },
      });
    }
  }
}

/** The secret part of a client's proof, for what names it. */
export function placeOf({ proof }: TokenClient): SecretPlace | null {
  if (proof.method === 'none') return null;
  return proof.method === 'private_key_jwt' ? proof.key : proof.secret;
}

const CURVES: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };

/** A JWK, or a PEM text. @throws CredentialUnavailable without what is in the text. */
async function signingKey(
  text: string,
  place: SecretPlace,
): Promise<{ key: webcrypto.CryptoKey; kid: string | undefined }> {
  try {
    const given = text.trimStart().startsWith('{') ? (JSON.parse(text) as JsonWebKey) : null;
    const key: KeyObject = given === null ? createPrivateKey(text) : createPrivateKey({ key: given, format: 'jwk' });
    const jwk = key.export({ format: 'jwk' });
    const stated = given?.['alg'];
    const algorithm = typeof stated === 'string' ? stated : algorithmOf(jwk);
    const imported = await importJWK(jwk as Parameters<typeof importJWK>[0], algorithm);
    if (imported instanceof Uint8Array) throw new Error('symmetric');
    const kid = given?.['kid'];
    return { key: imported, kid: typeof kid === 'string' ? kid : undefined };
  } catch {
    // INVARIANT 14: the error may quote the key.
    throw new CredentialUnavailable(NOT_TO_BE_HAD, {
      detail: `secret \`${nameOfPlace(place)}\`: it is no private key as a JWK or in PEM that signatures are made with`,
    });
  }
}

function algorithmOf({ kty, crv }: JsonWebKey): string {
  if (kty === 'RSA') return 'RS256';
  if (kty === 'EC') return CURVES[crv ?? ''] ?? '';
  return 'Ed25519';
}
