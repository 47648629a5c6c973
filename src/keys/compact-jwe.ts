/**
 * JWE (RFC 7516) in its compact form, `dir` and A256GCM (RFC 7518, sections 4.5 and 5.3), without a pause: what is sealed goes
 * into the store's queue in the same turn, so that no key is changed between the two. Elsewhere `jose` does this.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';

const CIPHER = 'aes-256-gcm';
const FIXED = { alg: 'dir', enc: 'A256GCM' } as const;
const NONCE = 12;
const TAG = 16;

/** @param header what is authenticated with the text, and can be read in the result. */
export function encryptCompact(text: string, key: Uint8Array, header: Readonly<Record<string, string>>): string {
  const head = base64url(Buffer.from(JSON.stringify({ ...FIXED, ...header })));
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG });
  cipher.setAAD(Buffer.from(head, 'ascii'));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return [head, '', base64url(nonce), base64url(body), base64url(cipher.getAuthTag())].join('.');
}

/** @throws Error when it was changed, or encrypted in another way or with another key. */
export function decryptCompact(sealed: string, key: Uint8Array): { text: string; header: JsonObject } {
  const header = headerOf(sealed);
  const [head = '', none, nonce = '', body = '', tag = '', ...more] = sealed.split('.');
  if (header === undefined || none !== '' || more.length > 0) throw new Error('no compact JWE');
  const { alg, enc, crit, zip } = header;
  if (alg !== FIXED.alg || enc !== FIXED.enc || crit !== undefined || zip !== undefined) throw new Error('not so');
  return { text: decrypt(key, { nonce: bytes(nonce), tag: bytes(tag), body: bytes(body), with: head }), header };
}

/** What can be read without the key; `undefined` for what is no JWE. */
export function headerOf(sealed: string): JsonObject | undefined {
  const end = sealed.indexOf('.');
  if (end < 0) return undefined;
  try {
    const header = JSON.parse(bytes(sealed.slice(0, end)).toString('utf8')) as JsonValue;
    return isJsonObject(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

/** AES-256-GCM (NIST SP 800-38D). @throws Error when it does not open. */
export function decrypt(key: Uint8Array, from: { nonce: Buffer; tag: Buffer; body: Buffer; with: string }): string {
  if (from.nonce.length !== NONCE || from.tag.length !== TAG) throw new Error('cut short');
  const decipher = createDecipheriv(CIPHER, key, from.nonce, { authTagLength: TAG });
  decipher.setAAD(Buffer.from(from.with, 'utf8'));
  decipher.setAuthTag(from.tag);
  const plain = Buffer.concat([decipher.update(from.body), decipher.final()]);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
}

function base64url(value: Buffer): string {
  return value.toString('base64url');
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}
