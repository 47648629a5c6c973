import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { InvalidConfig } from '../core/errors.ts';

const ALGORITHM = 'ES256';

/** Remit's own signing key for tokens. Each kind of token has its own `typ`, and is verified for that one only. */
export interface TokenKey {
  /** RFC 7517: the public half, for `/jwks`. */
  publicJwk: JWK;
  sign(typ: string, claims: JWTPayload): Promise<string>;
  /** Checks signature, `typ`, `iss`, `aud` and times. Rejects with jose's errors. */
  verify(
    token: string,
    expected: { typ: string; issuer: string; audience: string; now: number; skewSeconds: number },
  ): Promise<JWTPayload>;
}

/** The key in `file`, made on first use. The file is readable by the user only. */
export async function loadOrCreateTokenKey(file: string): Promise<TokenKey> {
  if (!existsSync(file)) await createKeyFile(file);
  const { publicPart, privateKey, publicKey } = await readKeyFile(file);
  const kid = await calculateJwkThumbprint(publicPart);
  return {
    publicJwk: { ...publicPart, kid, alg: ALGORITHM, use: 'sig' },
    sign: (typ, claims) => new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid, typ }).sign(privateKey),
    verify: async (token, expected) => {
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: [ALGORITHM],
        typ: expected.typ,
        issuer: expected.issuer,
        audience: expected.audience,
        requiredClaims: ['exp', 'iat', 'jti', 'sub'],
        clockTolerance: expected.skewSeconds,
        currentDate: new Date(expected.now),
      });
      return payload;
    },
  };
}

async function readKeyFile(file: string): Promise<{ publicPart: JWK; privateKey: CryptoKey; publicKey: CryptoKey }> {
  try {
    const jwk = JSON.parse(readFileSync(file, 'utf8')) as JWK;
    if (jwk.kty !== 'EC' || jwk.crv !== 'P-256' || jwk.d === undefined) throw new Error('no P-256 private key');
    const { d: _private, ...publicPart } = jwk;
    const privateKey = (await importJWK(jwk, ALGORITHM)) as CryptoKey;
    const publicKey = (await importJWK(publicPart, ALGORITHM)) as CryptoKey;
    return { publicPart, privateKey, publicKey };
  } catch (cause) {
    throw new InvalidConfig(
      `key file \`${file}\` cannot be used; restore it, or move it away to start with a new key`,
      { cause },
    );
  }
}

/** Written aside and linked, so that a crash leaves no half key, and of two at once one key wins. */
async function createKeyFile(file: string): Promise<void> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const text = JSON.stringify(await exportJWK(privateKey));
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Not the process id: in a container that is the same after a crash, and so would be what the crash left behind.
  const aside = `${file}.${randomUUID()}`;
  const descriptor = openSync(aside, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(aside, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(aside);
  }
}
