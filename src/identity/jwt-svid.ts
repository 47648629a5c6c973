import { decodeJwt, importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose';
import { InvalidToken } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import { parseWorkloadId } from '../core/spiffe-id.ts';
import type { WithGroups } from './agent-groups.ts';
import type { TrustBundles } from './trust-bundle.ts';

/** JWT-SVID specification, section 2.1: no `none`, nothing symmetric. */
export const SVID_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];

const MAX_SVID = 8 * 1024;

export interface SvidVerifier {
  /**
   * Validates a JWT-SVID (JWT-SVID specification, sections 2 to 5) for any of our names in `audience`.
   * `expiresAt` is in ms since the epoch.
   *
   * @throws InvalidToken, which says no more than that.
   */
  verifyJwtSvid(token: string, audience: string[]): Promise<{ agent: Agent; expiresAt: number }>;
}

export function createSvidVerifier(options: {
  bundles: TrustBundles;
  clock: () => number;
  skewSeconds: number;
  withGroups: WithGroups;
}): SvidVerifier {
  const { bundles, clock, skewSeconds, withGroups } = options;
  return {
    verifyJwtSvid: async (token, audience) => {
      try {
        if (token.length > MAX_SVID) throw new Error('size');
        const claimed = parseWorkloadId(decodeJwt(token).sub ?? '');
        if ('problem' in claimed) throw new Error(`sub ${claimed.problem}`);
        const { payload } = await jwtVerify(
          token,
          // INVARIANT 1: the key comes from the bundle of the trust domain in `sub`, and from no other.
          (header) => keyFor(bundles, claimed.trustDomain, header.kid, header.alg),
          {
            algorithms: SVID_ALGORITHMS,
            audience,
            requiredClaims: ['sub', 'aud', 'exp'],
            clockTolerance: skewSeconds,
            currentDate: new Date(clock()),
          },
        );
        checkType(token);
        const agent = withGroups({ id: claimed.id, trustDomain: claimed.trustDomain, attestation: 'jwt-svid' });
        return { agent, expiresAt: payload.exp! * 1000 };
      } catch (cause) {
        throw new InvalidToken('the SVID is not valid here', { cause });
      }
    },
  };
}

async function keyFor(bundles: TrustBundles, trustDomain: string, kid: string | undefined, alg: string | undefined) {
  const key: JWK | undefined = kid === undefined ? undefined : bundles.jwtKey(trustDomain, kid);
  if (key === undefined || alg === undefined || (key.alg !== undefined && key.alg !== alg))
    throw new Error('no such key in the bundle');
  return imported(key, alg);
}

/** By key of a bundle, which is another object when the bundle has changed. */
const imports = new WeakMap<JWK, Map<string, Promise<CryptoKey>>>();

/** Once for each algorithm: only one that fits the key can be imported, and they are few. */
function imported(key: JWK, alg: string): Promise<CryptoKey> {
  let byAlgorithm = imports.get(key);
  if (byAlgorithm === undefined) imports.set(key, (byAlgorithm = new Map()));
  let found = byAlgorithm.get(alg);
  if (found === undefined) {
    found = importJWK(key, alg) as Promise<CryptoKey>;
    // What cannot be imported is not remembered: it may be asked for by any name.
    found.catch(() => byAlgorithm.delete(alg));
    byAlgorithm.set(alg, found);
  }
  return found;
}

/** Section 2.3: `typ` is optional, and is `JWT` or `JOSE` where present. */
function checkType(token: string): void {
  const header = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { typ?: unknown };
  if (header.typ !== undefined && header.typ !== 'JWT' && header.typ !== 'JOSE') throw new Error('typ');
}
