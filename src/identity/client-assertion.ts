import { decodeJwt } from 'jose';
import type { OAuthClient } from '../config/identity-config.ts';
import { InvalidToken } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import type { WithGroups } from './agent-groups.ts';
import { fetchJsonOverHttp, type FetchJson } from './fetch-json.ts';
import { KeySet } from './key-set.ts';
import { SeenOnce } from './seen-once.ts';

const MAX_ASSERTION = 8 * 1024;
const MAX_JTI = 256;
/** Longest time from now that an assertion may be good for. */
const MAX_LIFETIME_SECONDS = 300;
const MAX_REMEMBERED = 200_000;
/** draft-ietf-oauth-rfc7523bis, section 4. */
const CLIENT_AUTHENTICATION = 'client-authentication+jwt';

export interface ClientAssertionVerifier {
  /** Whether a client of the configuration has exactly this SPIFFE ID. */
  knows(id: string): boolean;
  /**
   * Validates a client's own assertion (`private_key_jwt`; RFC 7523, section 3): by the keys that the configuration names,
   * for us, once, and for minutes.
   *
   * @throws InvalidToken, which says no more than that.
   */
  verify(assertion: string): Promise<{ agent: Agent; expiresAt: number }>;
}

export function createClientAssertionVerifier(options: {
  clients: readonly OAuthClient[];
  /** Our names: the issuer, and the token endpoint, which RFC 7523 allowed too. */
  issuer: string;
  clock: () => number;
  skewSeconds: number;
  withGroups: WithGroups;
  /** When the process started, in ms: which assertions were used before has been forgotten. */
  bootedAt: number;
  fetchJson?: FetchJson;
}): ClientAssertionVerifier {
  const { issuer, clock, skewSeconds, withGroups } = options;
  const fetchJson = options.fetchJson ?? fetchJsonOverHttp;
  const clients = new Map<string, { client: OAuthClient; keys: KeySet }>(
    options.clients.map((client) => [client.id, { client, keys: new KeySet(client.keys, fetchJson) }]),
  );
  const seen = new SeenOnce(MAX_REMEMBERED, (MAX_LIFETIME_SECONDS + 2 * skewSeconds + 1) * 1000);
  const bootSecond = Math.floor(options.bootedAt / 1000);
  return {
    knows: (id) => clients.has(id),
    verify: async (assertion) => {
      try {
        if (assertion.length > MAX_ASSERTION) throw new Error('size');
        // INVARIANT 1: the claimed name only chooses among the configured clients, each with its own keys.
        const known = clients.get(decodeJwt(assertion).sub ?? '');
        if (known === undefined) throw new Error('unknown client');
        const { client, keys } = known;
        const now = clock();
        const { payload, protectedHeader } = await keys.verify(
          assertion,
          {
            algorithms: [...client.algorithms],
            issuer: client.id,
            subject: client.id,
            audience: [issuer, `${issuer}/token`],
            requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
            clockTolerance: skewSeconds,
          },
          now,
        );
        const { aud, jti } = payload;
        const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
        // Whoever else it is for could show it to us.
        if (typeof audience !== 'string') throw new Error('aud');
        checkType(protectedHeader.typ, audience === issuer);
        if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) throw new Error('jti');
        const [iat, exp] = [payload.iat!, payload.exp!];
        if (exp > now / 1000 + MAX_LIFETIME_SECONDS + skewSeconds) throw new Error('exp is too far ahead');
        if (iat > now / 1000 + skewSeconds) throw new Error('iat is in the future');
        if (iat < bootSecond) throw new Error('iat is before the start of the process');
        if (!seen.add(`${client.id} ${jti}`, (exp + skewSeconds + 1) * 1000, now)) {
          throw new Error('jti was used, or the memory is full');
        }
        const agent = withGroups({ id: client.id, trustDomain: client.trustDomain, attestation: 'private_key_jwt' });
        // An assertion is one statement of the holder of a key, and not how long the key is good: nothing ends with it.
        return { agent, expiresAt: Number.POSITIVE_INFINITY };
      } catch (cause) {
        throw new InvalidToken('the client assertion is not valid here', { cause });
      }
    },
  };
}

/** The new type is for our issuer identifier alone; before there was none, and a token endpoint would do. */
function checkType(typ: string | undefined, forIssuer: boolean): void {
  const type = typ?.toLowerCase().replace(/^application\//, '');
  if (type === CLIENT_AUTHENTICATION ? !forIssuer : type !== undefined && type !== 'jwt') throw new Error('typ');
}
