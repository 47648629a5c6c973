import { decodeJwt, type JWTPayload } from 'jose';
import type { PeopleProvider } from '../config/identity-config.ts';
import { InvalidToken } from '../core/errors.ts';
import type { Delegator } from '../core/party.ts';
import { fetchJsonOverHttp, type FetchJson } from './fetch-json.ts';
import { KeySet } from './key-set.ts';
import { checkStrength, delegatorOf } from './person-claims.ts';

/** Of what a provider of people signs. */
export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
const MAX_TOKEN = 16 * 1024;

export interface IdTokenVerifier {
  /**
   * Validates an ID token (OpenID Connect Core, section 3.1.3.7) of a configured provider. `expiresAt` in ms.
   *
   * @throws InvalidToken, which says no more than that.
   */
  verify(idToken: string): Promise<{ delegator: Delegator; expiresAt: number }>;
}

export function createIdTokenVerifier(options: {
  providers: PeopleProvider[];
  clock: () => number;
  skewSeconds: number;
  fetchJson?: FetchJson;
}): IdTokenVerifier {
  const fetchJson = options.fetchJson ?? fetchJsonOverHttp;
  const providers = new Map(
    options.providers.map((provider) => [provider.issuer, { provider, keys: new KeySet(provider.keys, fetchJson) }]),
  );
  return {
    verify: async (idToken) => {
      try {
        if (idToken.length > MAX_TOKEN) throw new Error('size');
        // The claimed issuer only chooses among the configured ones; nothing is fetched from anywhere else.
        const known = providers.get(decodeJwt(idToken).iss ?? '');
        if (known === undefined) throw new Error('unknown issuer');
        const now = options.clock();
        const { payload, protectedHeader } = await known.keys.verify(
          idToken,
          {
            algorithms: ALGORITHMS,
            issuer: known.provider.issuer,
            audience: known.provider.clientId,
            requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
            clockTolerance: options.skewSeconds,
          },
          now,
        );
        // RFC 8725, section 3.11: a token of another kind, with our client id as audience, is no ID token.
        if (protectedHeader.typ !== undefined && protectedHeader.typ !== 'JWT') throw new Error('typ');
        checkAuthorizedParty(payload, known.provider.clientId);
        if (payload.iat! * 1000 > now + options.skewSeconds * 1000) throw new Error('iat is in the future');
        checkStrength(payload, known.provider, now / 1000, options.skewSeconds);
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
