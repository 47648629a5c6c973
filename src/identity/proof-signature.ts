import { constants, KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify, type JWK, type JWTPayload } from 'jose';
import { isJsonObject } from '../core/json.ts';
import { ecdsaDer } from './ecdsa-der.ts';

/** `size`: bytes of each of the two numbers of an ECDSA signature. `padding` where it is not the default of the key. */
type Check = {
  digest: string | null;
  size: 32 | 48 | null;
  padding?: Pick<VerifyKeyObjectInput, 'padding' | 'saltLength'>;
};

/** How `node:crypto` checks a signature of each algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1). */
const CHECKS = {
  ES256: { digest: 'sha256', size: 32 },
  ES384: { digest: 'sha384', size: 48 },
  EdDSA: { digest: null, size: null },
  Ed25519: { digest: null, size: null },
  PS256: { digest: 'sha256', size: null, padding: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  RS256: { digest: 'sha256', size: null },
} as const satisfies Record<string, Check>;

/** Signature algorithms accepted in proofs, as advertised in `dpop_signing_alg_values_supported`. */
export const DPOP_ALGORITHMS = Object.keys(CHECKS) as (keyof typeof CHECKS)[];

/** The members that make a public key (RFC 7638, section 3.2; RFC 8037, section 2). */
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;
/** Members of private and symmetric keys (RFC 7518, section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const BASE64URL = /^[\w-]+$/;

const REMEMBERED = 10_000;
/** A header with an RSA key of 4096 bits is shorter; longer ones are good, and checked anew each time. */
const MAX_REMEMBERED_HEADER = 1024;

export type SignedProof = { payload: JWTPayload; jkt: string };

/** A key by itself is used faster than one among options. */
type KnownHeader = Pick<Check, 'digest' | 'size'> & { key: KeyObject | VerifyKeyObjectInput; jkt: string };

/**
 * Checks that proofs are signed by the key that they carry (RFC 9449, section 4.3, 2 to 7). A caller sends the same
 * header with each proof, so a header that was found good is remembered by its bytes: what is left to check is the
 * signature over the rest, and that is done here at once, without a hop to another thread and back.
 */
export class ProofSignatures {
  readonly #known = new Map<string, KnownHeader>();

  /** Rejects when the form, the header or the signature is not good. The claims are not checked, but `exp` and `nbf`. */
  async verify(proof: string, times: { now: number; skewSeconds: number }): Promise<SignedProof> {
    const end = proof.indexOf('.');
    const header = proof.slice(0, end);
    const known = this.#known.get(header);
    if (known !== undefined) return verifyRest(proof, end, known, times);
    const { alg, jwk } = readHeader(proof);
    const publicKey = await importPublic(jwk, alg);
    // Every check of the header is the library's; from then on its bytes stand for them.
    const { payload } = await jwtVerify(proof, publicKey, {
      typ: 'dpop+jwt',
      algorithms: DPOP_ALGORITHMS,
      currentDate: new Date(times.now),
      clockTolerance: times.skewSeconds,
    });
    const jkt = await calculateJwkThumbprint(jwk, 'sha256');
    const { digest, size, padding }: Check = CHECKS[alg];
    if (header.length <= MAX_REMEMBERED_HEADER) {
      const key = KeyObject.from(publicKey);
      this.#remember(header, { digest, size, key: padding === undefined ? key : { key, ...padding }, jkt });
    }
    return { payload, jkt };
  }

  #remember(header: string, known: KnownHeader): void {
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(header, known);
  }
}

function verifyRest(
  proof: string,
  headerEnd: number,
  { digest, size, key, jkt }: KnownHeader,
  times: { now: number; skewSeconds: number },
): SignedProof {
  const end = proof.lastIndexOf('.');
  const payloadText = proof.slice(headerEnd + 1, end);
  const signature = proof.slice(end + 1);
  // Node skips characters that are not of the alphabet; a second dot before the last one is such a character too.
  if (!BASE64URL.test(payloadText) || !BASE64URL.test(signature)) throw new Error('form');
  const signed = Buffer.from(proof.slice(0, end), 'latin1');
  const given = Buffer.from(signature, 'base64url');
  const shown = size === null ? given : ecdsaDer(given, size);
  if (shown === null || !verify(digest, signed, key, shown)) throw new Error('signature');
  const payload: unknown = JSON.parse(Buffer.from(payloadText, 'base64url').toString());
  if (!isJsonObject(payload)) throw new Error('payload');
  const { exp, nbf } = payload;
  const [now, skew] = [Math.floor(times.now / 1000), times.skewSeconds];
  if (exp !== undefined && !(typeof exp === 'number' && exp > now - skew)) throw new Error('exp');
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now + skew)) throw new Error('nbf');
  return { payload, jkt };
}

function readHeader(proof: string): { alg: keyof typeof CHECKS; jwk: JWK } {
  const { jwk, alg } = decodeProtectedHeader(proof);
  if (jwk === undefined || alg === undefined || !Object.hasOwn(CHECKS, alg)) throw new Error('header');
  if (PRIVATE_MEMBERS.some((member) => member in jwk)) throw new Error('jwk');
  return { alg: alg as keyof typeof CHECKS, jwk };
}

async function importPublic(jwk: JWK, alg: string) {
  const members = PUBLIC_MEMBERS.filter((member) => jwk[member] !== undefined);
  const key = await importJWK(Object.fromEntries(members.map((member) => [member, jwk[member]])) as JWK, alg);
  if (key instanceof Uint8Array || key.type !== 'public') throw new Error('jwk');
  return key;
}
