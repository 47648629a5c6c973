import { decodeJwt, type JWTPayload } from 'jose';
import type { PeopleProvider } from '../config/identity-config.ts';
import { InvalidToken } from '../core/errors.ts';
import type { Delegator } from '../core/party.ts';
import type { IdentityAssertion } from '../core/task.ts';
import { fetchJsonOverHttp, type FetchJson } from './fetch-json.ts';
import { ALGORITHMS } from './id-token.ts';
import { KeySet } from './key-set.ts';
import { checkStrength, delegatorOf } from './person-claims.ts';
import { signedPart } from './signed-part.ts';

const TYP = 'oauth-id-jag+jwt';
const MAX_TOKEN = 16 * 1024;
const MAX_JTI = 256;
const MAX_RESOURCES = 20;
/** Longest time from now that an assertion may be good for (RFC 7523, section 3: "unreasonably far in the future"). */
const MAX_LIFETIME_SECONDS = 3600;
/**
 * Claims that change whom or what the rest is about, and that Remit has no meaning for: a delegation chain that would be
 * dropped, and tenants, without which `iss` and `sub` do not name a person.
 */
const REFUSED = ['act', 'may_act', 'tenant', 'aud_tenant'] as const;

/** What an Identity Assertion JWT Authorization Grant says. */
export type IdJag = {
  assertion: IdentityAssertion;
  /** The person on whose behalf the client will act. Asserted, and not signed in here. */
  delegator: Delegator;
  clientId: string;
  resources: readonly string[];
  scope: string | undefined;
  /** `authorization_details`, unread. */
  details: unknown;
  /** What the one who shows it has to prove (RFC 7800), unread. */
  confirmation: unknown;
};

export interface IdJagVerifier {
  /**
   * Validates an Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant-04, section
   * 4.4.1; RFC 7523, section 3) of a provider whose assertions are taken. Whether it was shown before, and by whom it is
   * shown, is for the caller to check.
   *
   * @throws InvalidToken, which says no more than that.
   */
  verify(assertion: string): Promise<IdJag>;
}

export function createIdJagVerifier(options: {
  /** Those that do not take assertions are ignored. */
  providers: readonly PeopleProvider[];
  /** Our issuer identifier: the only audience. */
  issuer: string;
  clock: () => number;
  skewSeconds: number;
  fetchJson?: FetchJson;
}): IdJagVerifier {
  const { issuer, clock, skewSeconds } = options;
  const fetchJson = options.fetchJson ?? fetchJsonOverHttp;
  const providers = new Map(
    options.providers
      .filter(({ identityAssertions }) => identityAssertions)
      .map((provider) => [provider.issuer, { provider, keys: new KeySet(provider.keys, fetchJson) }]),
  );
  return {
    verify: async (token) => {
      try {
        if (token.length > MAX_TOKEN) throw new Error('size');
        // The claimed issuer only chooses among the configured ones; nothing is fetched from anywhere else.
        const known = providers.get(decodeJwt(token).iss ?? '');
        if (known === undefined) throw new Error('unknown issuer');
        const now = clock();
        const { payload } = await known.keys.verify(
          token,
          {
            algorithms: ALGORITHMS,
            // RFC 8725, section 3.11: an ID token, or whatever else the provider signs, is no grant.
            typ: TYP,
            issuer: known.provider.issuer,
            audience: issuer,
            requiredClaims: ['iss', 'sub', 'aud', 'client_id', 'jti', 'exp', 'iat'],
            clockTolerance: skewSeconds,
          },
          now,
        );
        // Whoever else it is for could show it to us.
        if (Array.isArray(payload.aud) && payload.aud.length !== 1) throw new Error('aud');
        if (payload.exp! > now / 1000 + MAX_LIFETIME_SECONDS + skewSeconds) throw new Error('exp is too far ahead');
        if (payload.iat! > now / 1000 + skewSeconds) throw new Error('iat is in the future');
        const refused = REFUSED.find((claim) => payload[claim] !== undefined);
        if (refused !== undefined) throw new Error(refused);
        checkStrength(payload, known.provider, now / 1000, skewSeconds);
        return {
          assertion: { issuer: known.provider.issuer, id: jtiOf(payload), digest: signedPart(token) },
          delegator: delegatorOf(payload, known.provider),
          clientId: textOf(payload, 'client_id')!,
          resources: resourcesOf(payload),
          scope: textOf(payload, 'scope'),
          details: payload['authorization_details'],
          confirmation: payload['cnf'],
        };
      } catch (cause) {
        throw new InvalidToken('the identity assertion is not valid here', { cause });
      }
    },
  };
}

function jtiOf({ jti }: JWTPayload): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI || !jti.isWellFormed()) throw new Error('jti');
  return jti;
}

/** One URI, or several. */
function resourcesOf({ resource = [] }: JWTPayload): string[] {
  const resources: unknown[] = Array.isArray(resource) ? resource : [resource];
  if (resources.length > MAX_RESOURCES) throw new Error('resource');
  return resources.map((each) => {
    if (typeof each !== 'string') throw new Error('resource');
    return each;
  });
}

function textOf(payload: JWTPayload, claim: string): string | undefined {
  const value = payload[claim];
  if (value !== undefined && (typeof value !== 'string' || value === '')) throw new Error(claim);
  return value;
}
