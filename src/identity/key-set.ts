import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from 'jose';
import type { KeySource } from '../config/identity-config.ts';
import type { FetchJson } from './fetch-json.ts';

export type KeySetBounds = {
  /** Keys are asked for, for an unknown `kid`, at most so often: forged tokens make no flood. */
  refetchAfterMs: number;
  /** From this age on keys are renewed in the background. */
  freshMs: number;
  /** Past this age they are no longer believed. */
  usableMs: number;
};

const BOUNDS: KeySetBounds = { refetchAfterMs: 60_000, freshMs: 15 * 60_000, usableMs: 4 * 3_600_000 };
const RETRY_AFTER_MS = 5_000;
const MAX_KEYS = 100;

/**
 * The published keys of one issuer: remembered, followed as they rotate, and asked for by one request at a time. What a
 * token says only chooses among the keys; it never says where they come from.
 */
export class KeySet {
  readonly #source: KeySource;
  readonly #fetchJson: FetchJson;
  readonly #bounds: KeySetBounds;
  #loads = 0;
  #keys: JWTVerifyGetKey | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<JWTVerifyGetKey> | undefined;

  /**
   * @param bounds how soon an unknown `kid` may cause another request, and from which age on keys are renewed, and not
   * believed any more.
   */
  constructor(source: KeySource, fetchJson: FetchJson, bounds: Partial<KeySetBounds> = {}) {
    this.#source = source;
    this.#fetchJson = fetchJson;
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  /** How often the keys were read. What was verified before the last time may be by a key that is gone. */
  get loads(): number {
    return this.#loads;
  }

  /** Verifies a token by these keys, at `now` (ms). Rejects with jose's errors, or why there are no keys. */
  async verify(token: string, options: JWTVerifyOptions, now: number): Promise<JWTVerifyResult> {
    const checks = { ...options, currentDate: new Date(now) };
    const keys = await this.#current(now);
    try {
      return await jwtVerify(token, keys, checks);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (this.#asking === undefined && elapsed(this.#askedAt, now) < this.#bounds.refetchAfterMs) throw error;
      return jwtVerify(token, await this.#ask(now), checks);
    }
  }

  async #current(now: number): Promise<JWTVerifyGetKey> {
    const age = elapsed(this.#loadedAt, now);
    if (this.#keys === undefined || age > this.#bounds.usableMs) {
      if (elapsed(this.#failedAt, now) < RETRY_AFTER_MS) throw new Error('the keys could just not be read');
      return this.#ask(now);
    }
    if (age > this.#bounds.freshMs && elapsed(this.#askedAt, now) >= this.#bounds.refetchAfterMs) {
      this.#ask(now).catch(() => {});
    }
    return this.#keys;
  }

  /** Callers that come while a request is under way wait for that one. */
  #ask(now: number): Promise<JWTVerifyGetKey> {
    if (this.#asking !== undefined) return this.#asking;
    this.#askedAt = now;
    this.#asking = this.#read()
      .then((document) => {
        this.#keys = createLocalJWKSet(publicKeys(document));
        this.#loadedAt = now;
        this.#loads += 1;
        return this.#keys;
      })
      .catch((error: unknown) => {
        this.#failedAt = now;
        throw error;
      })
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  async #read(): Promise<unknown> {
    const source = this.#source;
    if ('file' in source) return JSON.parse(await readFile(source.file, 'utf8'));
    if ('uri' in source) return this.#fetchJson(source.uri);
    const metadata = await this.#fetchJson(`${source.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: jwksUri } = metadata as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== source.issuer || typeof jwksUri !== 'string') throw new Error('discovery names another issuer');
    // A document must not send us to another host, such as one that only we can reach.
    if (new URL(jwksUri).origin !== new URL(source.issuer).origin) {
      throw new Error('discovery names keys at another origin; configure their URL');
    }
    return this.#fetchJson(jwksUri);
  }
}

/** RFC 7517, section 5, without keys that could not verify anything for a stranger. */
export function publicKeys(document: unknown): JSONWebKeySet {
  const keys: unknown = typeof document === 'object' && document !== null && 'keys' in document ? document.keys : null;
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new Error('expected a JWK Set');
  const isPublic = (key: unknown) =>
    typeof key === 'object' && key !== null && 'kty' in key && key.kty !== 'oct' && !('d' in key);
  return { keys: keys.filter(isPublic) as JSONWebKeySet['keys'] };
}

/** A clock that was set back makes everything old: it is asked for again, rather than believed for longer. */
function elapsed(since: number, now: number): number {
  return now < since ? Number.POSITIVE_INFINITY : now - since;
}
