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
import { createKeyFile, readKeyFile, replaceKeyFile, unusable } from './key-file.ts';
import { advance, wantsNext, type KeyPeriods, type KeyRing, type KeyState, type RingKey } from './key-ring.ts';

const ALGORITHM = 'ES256';

/** A key of the ring came into a state, or left the ring. */
export type KeyChange = { kid: string; state: KeyState | 'removed' };

/** Remit's own signing keys for tokens. Each kind of token has its own `typ`, and is verified for that one only. */
export interface TokenKey {
  /** RFC 7517: the public halves of all keys of the ring, for `/jwks`. */
  publicJwks(): JWK[];
  /** With the current key. */
  sign(typ: string, claims: JWTPayload): Promise<string>;
  /** Checks signature (by the `kid` of a published key), `typ`, `iss`, `aud` and times. Rejects with jose's errors. */
  verify(
    token: string,
    expected: { typ: string; issuer: string; audience: string; now: number; skewSeconds: number },
  ): Promise<JWTPayload>;
  /** Does what the time asks for: publishes a key, lets it sign, forgets one. Rejects when that cannot be kept or recorded. */
  tend(): Promise<void>;
}

export type TokenKeyOptions = {
  clock: () => number;
  periods: KeyPeriods;
  /** Called before a change takes effect; when it rejects, the change does not happen. */
  record: (changes: KeyChange[]) => Promise<void>;
};

type LoadedKey = { kid: string; key: RingKey; publicJwk: JWK; privateKey: CryptoKey; publicKey: CryptoKey };

/**
 * The keys in `file`, made on first use. The file is readable by the user only; one process works on it.
 *
 * @throws InvalidConfig when the file is no key ring.
 */
export async function loadOrCreateTokenKey(file: string, options: TokenKeyOptions): Promise<TokenKey> {
  createKeyFile(file, await newKey());
  let loaded = await load(file, readKeyFile(file));
  let tending: Promise<void> | undefined;

  async function tend(): Promise<void> {
    const now = options.clock();
    const before = loaded.map(({ key }) => key);
    const advanced = advance(before, now, options.periods);
    const ring: KeyRing = wantsNext(advanced, now, options.periods)
      ? [...advanced, { jwk: await newKey(), state: 'next', since: now }]
      : advanced;
    if (ring === before) return;
    const after = await load(file, ring);
    const changes = changesBetween(loaded, after);
    if (changes.length > 0) await options.record(changes);
    // Kept before it is published, so that a key which a verifier has seen is not lost with a crash.
    replaceKeyFile(file, ring);
    loaded = after;
  }

  return {
    publicJwks: () => loaded.map(({ publicJwk }) => publicJwk),
    sign: (typ, claims) => {
      const { kid, privateKey } = loaded.find(({ key }) => key.state === 'current')!;
      return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid, typ }).sign(privateKey);
    },
    verify: async (token, expected) => {
      const { payload } = await jwtVerify(token, (header) => keyOf(loaded, header.kid), {
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
    // Two at once are one: each would publish a key of its own.
    tend: () => (tending ??= tend().finally(() => (tending = undefined))),
  };
}

function keyOf(loaded: LoadedKey[], kid: string | undefined): CryptoKey {
  const found = loaded.find((key) => key.kid === kid);
  if (found === undefined) throw new Error('kid');
  return found.publicKey;
}

function changesBetween(before: LoadedKey[], after: LoadedKey[]): KeyChange[] {
  const stateBefore = new Map(before.map(({ kid, key }) => [kid, key.state]));
  const left = new Set(after.map(({ kid }) => kid));
  return [
    ...after
      .filter(({ kid, key }) => stateBefore.get(kid) !== key.state)
      .map(({ kid, key }) => ({ kid, state: key.state })),
    ...before.filter(({ kid }) => !left.has(kid)).map(({ kid }) => ({ kid, state: 'removed' as const })),
  ];
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return exportJWK(privateKey);
}

function load(file: string, ring: KeyRing): Promise<LoadedKey[]> {
  return Promise.all(ring.map((key) => loadKey(key))).catch(() => {
    throw unusable(file);
  });
}

async function loadKey(key: RingKey): Promise<LoadedKey> {
  const { d: _private, ...publicPart } = key.jwk;
  const kid = await calculateJwkThumbprint(publicPart);
  return {
    kid,
    key,
    publicJwk: { ...publicPart, kid, alg: ALGORITHM, use: 'sig' },
    privateKey: (await importJWK(key.jwk, ALGORITHM)) as CryptoKey,
    publicKey: (await importJWK(publicPart, ALGORITHM)) as CryptoKey,
  };
}
