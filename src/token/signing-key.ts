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
import { Conflict } from '../core/errors.ts';
import type { LogRecord } from '../core/record.ts';
import type { KeySeal } from '../keys/key-seal.ts';
import { openKeyFile, stageKeyFile, unusable } from './key-file.ts';
import {
  advance,
  endsAt,
  MAX_KEYS,
  rememberSeconds,
  startAnew,
  succeedNow,
  wantsNext,
  withNext,
  type KeyPeriods,
  type KeyRing,
  type KeyState,
  type RingKey,
} from './key-ring.ts';

const ALGORITHM = 'ES256';

/** A key of the ring came into a state, was encrypted (anew) where it is kept, or left the ring. */
export type KeyChange = { kid: string; state: KeyState | 'encrypted' | 'removed' };

/** `since`, `until`: when the key came into its state, and leaves it if nobody rotates by hand; ms since the epoch. */
export type KeyStatus = { kid: string; state: KeyState; since: number; until: number };

/** Remit's own signing keys for tokens. Each kind of token has its own `typ`, and is verified for that one only. */
export interface TokenKey {
  /** RFC 7517: the public halves of all keys of the ring, for `/jwks`. */
  publicJwks(): JWK[];
  /** How long a verifier may remember them. */
  readonly rememberSeconds: number;
  /** Whether the file of the keys is encrypted. */
  readonly encrypted: boolean;
  status(): KeyStatus[];
  /** How often keys have left the ring: what was verified before may be by one of them. */
  readonly removals: number;
  /** With the current key. */
  sign(typ: string, claims: JWTPayload): Promise<string>;
  /** Checks signature (by the `kid` of a published key), `typ`, `iss`, `aud` and times. Rejects with jose's errors. */
  verify(
    token: string,
    expected: { typ: string; issuer: string; audience: string; now: number; skewSeconds: number },
  ): Promise<JWTPayload>;
  /** Does what the time asks for: publishes a key, lets it sign, forgets one. Rejects when that cannot be kept or recorded. */
  tend(): Promise<void>;
  /**
   * Publishes a successor of the current key, which signs when the verifiers have had time to see it; with `now` it
   * signs at once, and so does a successor that was published before. With `leaked` a new key signs at once and all others
   * are forgotten, and with them every token that they have signed. `permit` is recorded with what follows from it.
   *
   * @throws Conflict when a successor is published already, the ring is full, or another rotation is under way;
   *   Unavailable when the new ring cannot be kept or recorded. The keys are then as they were.
   */
  rotate(request: Rotation): Promise<void>;
}

export type Rotation = { now: boolean; leaked: boolean; permit: LogRecord };

export type TokenKeyOptions = {
  clock: () => number;
  periods: KeyPeriods;
  seal: KeySeal;
  /** Called before a change takes effect; when it rejects, the change does not happen. */
  record: (changes: KeyChange[], permit?: LogRecord) => Promise<void>;
};

type LoadedKey = { kid: string; key: RingKey; publicJwk: JWK; privateKey: CryptoKey; publicKey: CryptoKey };

/**
 * The keys in `file`, made on first use. The file is readable by the user only; one process works on it. What is not
 * encrypted as `seal` would is written again.
 *
 * @throws InvalidConfig when the file is no key ring, cannot be decrypted, or is open to others; Unavailable when it
 *   cannot be read or written.
 */
export async function loadOrCreateTokenKey(file: string, options: TokenKeyOptions): Promise<TokenKey> {
  const { clock, periods, seal } = options;
  const opened = await openKeyFile(file, seal, newKey);
  let loaded = await load(file, opened.ring);
  let busy: Promise<unknown> = Promise.resolve();
  let tending: Promise<void> | undefined;
  let rotating = false;
  let removals = 0;

  async function replace(ring: KeyRing, changed: (after: LoadedKey[]) => KeyChange[], permit?: LogRecord) {
    const after = await load(file, ring);
    // The order: what can fail for want of space, then the record, then the file, and published last, so that a key
    // which a verifier has seen is not lost with a crash. One between record and file leaves the keys as they were.
    const staged = await stageKeyFile(file, ring, seal);
    try {
      const changes = changed(after);
      if (changes.length > 0 || permit !== undefined) await options.record(changes, permit);
    } catch (error) {
      staged.discard();
      throw error;
    }
    try {
      staged.commit();
    } catch (error) {
      // The log is to say what is: these steps were not taken after all.
      const undone = changesBetween(after, loaded);
      if (undone.length > 0) await options.record(undone).catch(() => {});
      throw error;
    }
    if (loaded.some(({ kid }) => !after.some((key) => key.kid === kid))) removals += 1;
    loaded = after;
  }
  if (!opened.current) {
    await replace(opened.ring, (after) => after.map(({ kid }) => ({ kid, state: 'encrypted' as const })));
  }

  async function tend(): Promise<void> {
    const now = clock();
    const before = ringOf(loaded);
    const advanced = advance(before, now, periods);
    const ring = wantsNext(advanced, now, periods) ? withNext(advanced, await newKey(), now) : advanced;
    if (ring !== before) await replace(ring, (after) => changesBetween(loaded, after));
  }

  async function rotate(request: Rotation): Promise<void> {
    const now = clock();
    if (request.leaked) {
      return replace(startAnew(await newKey(), now), (after) => changesBetween(loaded, after), request.permit);
    }
    const ring = advance(ringOf(loaded), now, periods);
    const next = ring.find(({ state }) => state === 'next');
    if (next !== undefined && !request.now) {
      const from = new Date(endsAt(next, ring, periods)).toISOString();
      throw new Conflict(`a new key is published already and signs from ${from}; say \`now\` to let it sign at once`);
    }
    if (next === undefined && ring.length >= MAX_KEYS) {
      throw new Conflict(`there are ${MAX_KEYS} keys; wait until one has retired`);
    }
    const published = next === undefined ? withNext(ring, await newKey(), now) : ring;
    const rotated = request.now ? succeedNow(published, now) : published;
    await replace(rotated, (after) => changesBetween(loaded, after), request.permit);
  }

  /** One change of the ring at a time: each would otherwise undo the other's. */
  function inTurn(change: () => Promise<void>): Promise<void> {
    const done = busy.then(change);
    busy = done.catch(() => {});
    return done;
  }

  return {
    rememberSeconds: rememberSeconds(periods),
    encrypted: seal.encrypts,
    get removals() {
      return removals;
    },
    publicJwks: () => loaded.map(({ publicJwk }) => publicJwk),
    status: () =>
      loaded.map(({ kid, key }) => {
        const { state, since } = key;
        return { kid, state, since, until: endsAt(key, ringOf(loaded), periods) };
      }),
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
    tend: () => (tending ??= inTurn(tend).finally(() => (tending = undefined))),
    rotate: async (request) => {
      if (rotating) throw new Conflict('another rotation is under way; look at the keys, then try again');
      rotating = true;
      await inTurn(() => rotate(request)).finally(() => (rotating = false));
    },
  };
}

function ringOf(loaded: readonly LoadedKey[]): KeyRing {
  return loaded.map(({ key }) => key);
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
