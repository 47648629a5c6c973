import type { JWK } from 'jose';
import { InvalidConfig } from '../core/errors.ts';

/** The keys of one trust domain (SPIFFE Trust Domain and Bundle, section 4). */
export type TrustBundle = {
  keys: (JWK & { use?: string })[];
  spiffe_sequence?: number;
  spiffe_refresh_hint?: number;
};

export interface TrustBundles {
  /** The JWT-SVID key of this trust domain with this id; never a key of another trust domain. */
  jwtKey(trustDomain: string, kid: string): JWK | undefined;
  has(trustDomain: string): boolean;
}

/** Bundles by trust domain, kept apart. A function is asked at each use, so that rotation is seen at once. */
export function createTrustBundles(
  sources: { trustDomain: string; bundle: TrustBundle | (() => TrustBundle) }[],
): TrustBundles {
  const byDomain = new Map(sources.map(({ trustDomain, bundle }) => [trustDomain, bundle]));
  const bundleOf = (trustDomain: string): TrustBundle | undefined => {
    const bundle = byDomain.get(trustDomain);
    return typeof bundle === 'function' ? bundle() : bundle;
  };
  return {
    has: (trustDomain) => byDomain.has(trustDomain),
    jwtKey: (trustDomain, kid) =>
      bundleOf(trustDomain)?.keys.find((key) => key.use === 'jwt-svid' && key.kid === kid && key.kty !== 'oct'),
  };
}

/** @throws InvalidConfig when the text is no SPIFFE bundle. */
export function parseTrustBundle(text: string, where: string): TrustBundle {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new InvalidConfig(`${where}: is not JSON; expected a SPIFFE bundle (a JWK Set)`, { cause });
  }
  const keys: unknown = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined;
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'object' || key === null || 'd' in key)) {
    throw new InvalidConfig(`${where}: expected a SPIFFE bundle: a JWK Set of public keys`);
  }
  return parsed as TrustBundle;
}
