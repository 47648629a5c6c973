import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import type { PeopleProvider } from '../config/config.ts';
import { InvalidToken } from '../core/errors.ts';
import type { Delegator } from '../core/party.ts';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
const MAX_TOKEN = 16 * 1024;
/** Keys are fetched, for an unknown `kid` or after a failure, at most so often: forged tokens make no flood of fetches. */
const REFETCH_AFTER_MS = 60_000;
const RETRY_AFTER_MS = 5_000;

export interface IdTokenVerifier {
  /**
   * Validates an ID token (OpenID Connect Core, section 3.1.3.7) of a configured provider. `expiresAt` in ms.
   *
   * @throws InvalidToken, which says no more than that.
   */
  verify(idToken: string): Promise<{ delegator: Delegator; expiresAt: number }>;
}

/** Fetches a JSON document; rejects on any status but 200. */
export type FetchJson = (url: string) => Promise<unknown>;

export function createIdTokenVerifier(options: {
  providers: PeopleProvider[];
  clock: () => number;
  skewSeconds: number;
  fetchJson?: FetchJson;
}): IdTokenVerifier {
  const fetchJson = options.fetchJson ?? fetchJsonOverHttp;
  const providers = new Map(
    options.providers.map((provider) => [
      provider.issuer,
      { provider, keys: new ProviderKeys(provider.issuer, fetchJson) },
    ]),
  );
  return {
    verify: async (idToken) => {
      try {
        if (idToken.length > MAX_TOKEN) throw new Error('size');
        // The claimed issuer only chooses among the configured ones; nothing is fetched from anywhere else.
        const known = providers.get(decodeJwt(idToken).iss ?? '');
        if (known === undefined) throw new Error('unknown issuer');
        const verify = (keys: JSONWebKeySet) =>
          jwtVerify(idToken, createLocalJWKSet(keys), {
            algorithms: ALGORITHMS,
            issuer: known.provider.issuer,
            audience: known.provider.clientId,
            requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
            clockTolerance: options.skewSeconds,
            currentDate: new Date(options.clock()),
          });
        const { payload, protectedHeader } = await known.keys.use(verify, options.clock());
        // RFC 8725, section 3.11: a token of another kind, with our client id as audience, is no ID token.
        if (protectedHeader.typ !== undefined && protectedHeader.typ !== 'JWT') throw new Error('typ');
        checkAuthorizedParty(payload, known.provider.clientId);
        if (payload.iat! * 1000 > options.clock() + options.skewSeconds * 1000) throw new Error('iat is in the future');
        return { delegator: delegatorOf(payload, known.provider), expiresAt: payload.exp! * 1000 };
      } catch (cause) {
        throw new InvalidToken('the ID token is not valid here', { cause });
      }
    },
  };
}

/** Section 3.1.3.7 (4, 5): with several audiences `azp` is required; where present, it names us. */
function checkAuthorizedParty(payload: JWTPayload, clientId: string): void {
  const several = Array.isArray(payload.aud) && payload.aud.length > 1;
  if ((several || payload['azp'] !== undefined) && payload['azp'] !== clientId) throw new Error('azp');
}

function delegatorOf(payload: JWTPayload, provider: PeopleProvider): Delegator {
  const { sub } = payload;
  if (sub === undefined || sub === '') throw new Error('sub');
  const groups = payload[provider.groupsClaim] ?? [];
  if (!Array.isArray(groups) || groups.some((group) => typeof group !== 'string')) throw new Error('groups');
  const text = (claim: string) => (typeof payload[claim] === 'string' ? payload[claim] : undefined);
  const name = text('name');
  const verified = payload['email_verified'] ?? true;
  const email = verified === true ? text('email') : undefined;
  const acr = text('acr');
  const amr = payload['amr'];
  const authTime = payload['auth_time'];
  return {
    issuer: provider.issuer,
    subject: sub,
    groups,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(acr === undefined ? {} : { acr }),
    ...(Array.isArray(amr) ? { amr: amr.filter((method) => typeof method === 'string') } : {}),
    ...(typeof authTime === 'number' ? { authTime } : {}),
  };
}

/** A provider's published keys: discovered once, fetched again when a token names a key that is not among them. */
class ProviderKeys {
  readonly #issuer: string;
  readonly #fetchJson: FetchJson;
  #keys: JSONWebKeySet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<JSONWebKeySet> | undefined;

  constructor(issuer: string, fetchJson: FetchJson) {
    this.#issuer = issuer;
    this.#fetchJson = fetchJson;
  }

  async use<Result>(verify: (keys: JSONWebKeySet) => Promise<Result>, now: number): Promise<Result> {
    if (this.#keys === undefined) {
      if (now - this.#failedAt < RETRY_AFTER_MS) throw new Error('the provider has just not answered');
      this.#keys = await this.#fetch(now);
    }
    try {
      return await verify(this.#keys);
    } catch (error) {
      const unknownKey = error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY';
      if (!unknownKey || now - this.#fetchedAt < REFETCH_AFTER_MS) throw error;
      this.#keys = await this.#fetch(now);
      return verify(this.#keys);
    }
  }

  /** Callers that come while a fetch is under way wait for that one. */
  #fetch(now: number): Promise<JSONWebKeySet> {
    this.#fetchedAt = now;
    this.#fetching ??= this.#fetchKeys()
      .catch((error: unknown) => {
        this.#failedAt = now;
        throw error;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #fetchKeys(): Promise<JSONWebKeySet> {
    const metadata = await this.#fetchJson(`${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: jwksUri } = metadata as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== this.#issuer || typeof jwksUri !== 'string') throw new Error('discovery names another issuer');
    if (new URL(jwksUri).protocol !== new URL(this.#issuer).protocol) throw new Error('keys over another protocol');
    return (await this.#fetchJson(jwksUri)) as JSONWebKeySet;
  }
}

async function fetchJsonOverHttp(url: string): Promise<unknown> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(10_000) });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return response.json();
}
