import { decodeJwt, type JWTPayload } from 'jose';
import type { WorkloadIssuer } from '../config/identity-config.ts';
import { claimHolds, readClaim } from '../core/claim.ts';
import { InvalidToken } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import { fillSpiffeTemplate } from '../core/spiffe-template.ts';
import type { WithGroups } from './agent-groups.ts';
import { fetchJsonOverHttp, type FetchJson } from './fetch-json.ts';
import { FirstHolder } from './first-holder.ts';
import { KeySet } from './key-set.ts';
import { signedPart } from './signed-part.ts';

const MAX_TOKEN = 16 * 1024;

export interface WorkloadTokenVerifier {
  /** Whether a workload issuer of the configuration has exactly this name. */
  knows(issuer: string): boolean;
  /**
   * Validates an OIDC token of a configured workload issuer, for our audience, and maps it to a SPIFFE ID by the rule of
   * its issuer. `expiresAt` in ms since the epoch.
   *
   * @param shown who shows it: the thumbprint of the key or certificate that the request proved, if any, and the request.
   * @throws InvalidToken, which says no more than that.
   */
  verify(token: string, shown: { key: string | null; request: string }): Promise<{ agent: Agent; expiresAt: number }>;
}

export function createWorkloadTokenVerifier(options: {
  issuers: readonly WorkloadIssuer[];
  clock: () => number;
  skewSeconds: number;
  withGroups: WithGroups;
  /** When the process started, in ms: which tokens were used before has been forgotten. */
  bootedAt: number;
  fetchJson?: FetchJson;
}): WorkloadTokenVerifier {
  const { clock, skewSeconds, withGroups } = options;
  const fetchJson = options.fetchJson ?? fetchJsonOverHttp;
  const issuers = new Map(
    options.issuers.map((issuer) => [issuer.issuer, { issuer, keys: new KeySet(issuer.keys, fetchJson) }]),
  );
  const holders = new FirstHolder();
  const bootSecond = Math.floor(options.bootedAt / 1000);

  /** A token that may be used once is held by one request, any other by one key. */
  function checkHolder(token: string, payload: JWTPayload, { reuse }: WorkloadIssuer, shown: Shown, until: number) {
    if (reuse === 'never' && payload.iat! < bootSecond) throw new Error('iat is before the start of the process');
    const id = `${payload.iss} ${payload.jti ?? signedPart(token)}`;
    const holder = reuse === 'never' ? shown.request : (shown.key ?? shown.request);
    if (!holders.claim(id, holder, until, clock())) throw new Error('was used, or the memory is full');
  }

  return {
    knows: (issuer) => issuers.has(issuer),
    verify: async (token, shown) => {
      try {
        if (token.length > MAX_TOKEN) throw new Error('size');
        // INVARIANT 1: the claimed issuer only chooses among the configured ones, each with its own keys.
        const known = issuers.get(decodeJwt(token).iss ?? '');
        if (known === undefined) throw new Error('unknown issuer');
        const { issuer, keys } = known;
        const now = clock();
        const { payload, protectedHeader } = await keys.verify(
          token,
          {
            algorithms: [...issuer.algorithms],
            issuer: issuer.issuer,
            audience: issuer.audience,
            requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
            clockTolerance: skewSeconds,
            maxTokenAge: issuer.maxAgeSeconds,
          },
          now,
        );
        // RFC 8725, section 3.11: a token of another kind is none of these.
        if (protectedHeader.typ !== undefined && protectedHeader.typ.toUpperCase() !== 'JWT') throw new Error('typ');
        // Whoever else it is for could show it to us.
        if (Array.isArray(payload.aud) && payload.aud.length !== 1) throw new Error('aud');
        if (typeof payload.sub !== 'string' || payload.sub === '') throw new Error('sub');
        // INVARIANT 1: such a name is proven by an SVID and by nothing else.
        if (payload.sub.startsWith('spiffe://')) throw new Error('sub is a SPIFFE ID');
        if (payload.jti !== undefined && (typeof payload.jti !== 'string' || payload.jti === ''))
          throw new Error('jti');
        const agent = withGroups(agentOf(payload, issuer));
        const until = Math.min(payload.exp!, payload.iat! + issuer.maxAgeSeconds) * 1000;
        checkHolder(token, payload, issuer, shown, until + (skewSeconds + 1) * 1000);
        return { agent, expiresAt: until };
      } catch (cause) {
        throw new InvalidToken('the workload token is not valid here', { cause });
      }
    },
  };
}

type Shown = { key: string | null; request: string };

function agentOf(payload: JWTPayload, issuer: WorkloadIssuer): Agent {
  for (const [claim, rule] of issuer.claims) {
    if (!claimHolds(rule, readClaim(payload, claim))) throw new Error(`claim \`${claim}\``);
  }
  const mapped = fillSpiffeTemplate(issuer.spiffeId, payload);
  if ('problem' in mapped) throw new Error(`the SPIFFE ID ${mapped.problem}`);
  return { id: mapped.id, trustDomain: mapped.trustDomain, attestation: 'oidc' };
}
