import { InvalidToken } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { WithGroups } from './agent-groups.ts';
import type { TrustBundles } from './trust-bundle.ts';
import {
  checkAuthority,
  checkLeaf,
  isValidAt,
  readCertificate,
  type Certificate,
  type Role,
} from './x509-certificate.ts';

/** Certificates that a peer may show, and their bytes together: what path building may cost. */
const MAX_CERTIFICATES = 5;
const MAX_BYTES = 32 * 1024;

export interface X509SvidVerifier {
  /**
   * Validates an X.509-SVID (X.509-SVID specification, section 5) given as DER, leaf first. That the peer has the key is
   * proven by the TLS handshake. `expiresAt` in ms since the epoch: when the first certificate of the path ends.
   *
   * @throws InvalidToken, which says no more than that.
   */
  verifyX509Svid(chain: readonly Buffer[]): { agent: Agent; expiresAt: number };
}

export function createX509SvidVerifier(options: {
  bundles: Pick<TrustBundles, 'x509Authorities'>;
  clock: () => number;
  skewSeconds: number;
  withGroups: WithGroups;
}): X509SvidVerifier {
  const { bundles, clock, skewSeconds, withGroups } = options;
  return {
    verifyX509Svid: (chain) => {
      try {
        const at = { now: clock(), skewMs: skewSeconds * 1000 };
        const { id, trustDomain, expiresAt } = validateX509Svid(chain, 'client', bundles, at);
        return { agent: withGroups({ id, trustDomain, attestation: 'x509-svid' }), expiresAt };
      } catch (cause) {
        throw new InvalidToken('the SVID is not valid here', { cause });
      }
    },
  };
}

/** Reading takes longer than verifying, and a connection shows the same bytes each time. What they prove is found anew. */
const read = new WeakMap<Buffer, Certificate>();

function readOnce(der: Buffer): Certificate {
  const known = read.get(der) ?? readCertificate(der);
  read.set(der, known);
  return known;
}

type Instant = { now: number; skewMs: number };

/** X.509-SVID, section 5, of a peer in its role. Throws an `Error` that says what is wrong. */
export function validateX509Svid(
  chain: readonly Buffer[],
  role: Role,
  bundles: Pick<TrustBundles, 'x509Authorities'>,
  at: Instant,
): { id: SpiffeId; trustDomain: string; expiresAt: number } {
  if (chain.length === 0 || chain.length > MAX_CERTIFICATES) throw new Error('number of certificates');
  if (chain.reduce((sum, der) => sum + der.length, 0) > MAX_BYTES) throw new Error('size');
  const [leaf, ...others] = chain.map(readOnce);
  const { id, trustDomain } = checkLeaf(leaf!);
  if (!isValidAt(leaf!, at)) throw new Error('the leaf is not valid now');
  // INVARIANT 1: the path ends in the bundle of the trust domain of the leaf's name, and in no other.
  const path = findPath([leaf!], others, { anchors: bundles.x509Authorities(trustDomain), role, at });
  if (path === undefined) throw new Error('no path to the bundle');
  return { id, trustDomain, expiresAt: Math.min(...path.map((certificate) => certificate.notAfter)) };
}

/** RFC 5280, section 6.1, from the leaf up: each order of the certificates that were shown, until an anchor issued one. */
function findPath(
  path: Certificate[],
  others: Certificate[],
  search: { anchors: readonly Certificate[]; role: Role; at: Instant },
): Certificate[] | undefined {
  const { anchors, role, at } = search;
  const last = path.at(-1)!;
  // Section 6.1.4 (l): a certificate that issued itself does not count.
  const below = path.slice(1).filter((certificate) => !certificate.selfIssued).length;
  const issues = (authority: Certificate): boolean =>
    isValidAt(authority, at) && checkAuthority(authority, below, role) && authority.issued(last);
  const anchor = anchors.find(issues);
  if (anchor !== undefined) return [...path, anchor];
  for (const authority of others) {
    if (!issues(authority)) continue;
    const rest = others.filter((other) => other !== authority);
    const found = findPath([...path, authority], rest, search);
    if (found !== undefined) return found;
  }
  return undefined;
}
