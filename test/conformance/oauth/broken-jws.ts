import { createHmac, webcrypto } from 'node:crypto';
import { decodeProtectedHeader, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { merged } from './changed-claims.ts';

export type Breaking = {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  /** How it is signed or spoiled; left out, it is signed well by whose it is. */
  as?: 'none' | 'hs256' | 'zero' | 'unsigned' | 'detached' | 'foreign' | 'bad-base64' | 'no-json' | 'twice';
  /** The header brings the key that the signature is by, or the private half of a proof's key. */
  embed?: 'jwk' | 'private';
};

type By = { key: CryptoKey; now: number; jwk?: JWK; private?: JWK };

const encode = (text: string) => Buffer.from(text).toString('base64url');

/** The token with another header, other claims and another signature: by hand, since libraries refuse to make such. */
export async function brokenJws(token: string, change: Breaking, by: By): Promise<string> {
  const foreign = await generateKeyPair('ES256', { extractable: true });
  const given: Record<string, unknown> = { ...decodeProtectedHeader(token) };
  if (change.as === 'none') given['alg'] = 'none';
  if (change.as === 'hs256') given['alg'] = 'HS256';
  if (change.embed === 'jwk') given['jwk'] = await exportJWK(foreign.publicKey);
  if (change.embed === 'private') given['jwk'] = by.private;
  const header = merged(given, change.header, by.now);
  const good = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
  const payload = payloadOf(good, change, by.now);
  const input = `${encode(JSON.stringify(header))}.${encode(payload)}`;
  switch (change.as) {
    case 'none':
    case 'unsigned':
      return `${input}.`;
    case 'zero':
      return `${input}.${Buffer.alloc(64).toString('base64url')}`;
    case 'hs256':
      return `${input}.${createHmac('sha256', JSON.stringify(by.jwk ?? {}))
        .update(input)
        .digest('base64url')}`;
    case 'bad-base64':
      return `${input}.***`;
    case 'detached':
      return `${encode(JSON.stringify(header))}..${await sign(by.key, input)}`;
    case 'foreign':
      return `${input}.${await sign(foreign.privateKey, input)}`;
    case 'no-json':
    case 'twice':
    case undefined:
      return `${input}.${await sign(by.key, input)}`;
  }
}

function payloadOf(good: Record<string, unknown>, change: Breaking, now: number): string {
  if (change.as === 'no-json') return '{';
  if (change.as !== 'twice') return JSON.stringify(merged(good, change.claims, now));
  const again = JSON.stringify(change.claims);
  return `${JSON.stringify(good).slice(0, -1)},${again.slice(1)}`;
}

async function sign(key: CryptoKey, input: string): Promise<string> {
  const signature = await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, Buffer.from(input));
  return Buffer.from(signature).toString('base64url');
}
