/** SHA-256 and Ed25519 (RFC 8032) of `node:crypto`, in the form in which core takes them. */
import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { keyId, type NoteCrypto, type NoteSigner, type VerifierKey } from '../core/note.ts';

export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer');
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  return verify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature);
}

export const noteCrypto: NoteCrypto = { sha256, verifyEd25519 };

/** The signer of a private key under a name; the name is the log's origin. */
export function ed25519Signer(name: string, privateKey: KeyObject): NoteSigner {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const publicKey = new Uint8Array(Buffer.from(x ?? '', 'base64url'));
  const key: VerifierKey = { name, id: keyId(name, publicKey, sha256), publicKey };
  return { key, sign: (message) => sign(null, message, privateKey) };
}
