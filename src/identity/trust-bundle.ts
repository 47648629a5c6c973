import type { JWK } from 'jose';
import { InvalidConfig } from '../core/errors.ts';
import { readCertificate, type Certificate } from './x509-certificate.ts';

/** The keys of one trust domain (SPIFFE Trust Domain and Bundle, section 4). */
export type TrustBundle = {
  keys: (JWK & { use?: string })[];
  spiffe_sequence?: number;
  spiffe_refresh_hint?: number;
};

export interface TrustBundles {
  /** The JWT-SVID key of this trust domain with this id; never a key of another trust domain. */
  jwtKey(trustDomain: string, kid: string): JWK | undefined;
  /** The X.509 authorities of this trust domain; never those of another trust domain. */
  x509Authorities(trustDomain: string): readonly Certificate[];
  has(trustDomain: string): boolean;
}

/** Where the bundle of one trust domain comes from, followed until it is stopped. */
export interface BundleSource {
  /** What is in force now; a bundle without keys when there is none that may be believed. */
  bundle(): TrustBundle;
  /** Resolves when the source has been asked once, whatever came of it. */
  ready: Promise<void>;
  stop(): void;
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
    x509Authorities: (trustDomain) => {
      const bundle = bundleOf(trustDomain);
      return bundle === undefined ? [] : x509AuthoritiesOf(bundle);
    },
  };
}

/** Read once for each bundle: a rotated one is another object. */
const readAuthorities = new WeakMap<TrustBundle, readonly Certificate[]>();

/** X.509-SVID, section 6.2: the first certificate of each entry, and of an entry without one nothing. */
export function x509AuthoritiesOf(bundle: TrustBundle): readonly Certificate[] {
  const known = readAuthorities.get(bundle);
  if (known !== undefined) return known;
  const authorities = bundle.keys.flatMap(({ use, x5c }) =>
    use === 'x509-svid' && Array.isArray(x5c) && typeof x5c[0] === 'string' ? readAuthority(x5c[0]) : [],
  );
  readAuthorities.set(bundle, authorities);
  return authorities;
}

/** An authority that cannot be read is none; the others of its bundle stay. */
function readAuthority(base64: string): Certificate[] {
  try {
    return [readCertificate(Buffer.from(base64, 'base64'))];
  } catch {
    return [];
  }
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
  const { spiffe_sequence: sequence } = parsed as { spiffe_sequence?: unknown };
  // A larger one would be rounded, and two that differ be the same.
  if (sequence !== undefined && !Number.isSafeInteger(sequence)) {
    throw new InvalidConfig(`${where}: \`spiffe_sequence\`: expected an integer of at most 53 bits`);
  }
  return parsed as TrustBundle;
}

/** SPIFFE Trust Domain and Bundle, section 4.1.1: the sequence grows with each change of the bundle. */
export function checkSequence(last: TrustBundle, next: TrustBundle, where: string, remedy: string): void {
  const [before, after] = [last.spiffe_sequence, next.spiffe_sequence];
  if (before === undefined || after === undefined || after >= before) return;
  throw new Error(`${where}: \`spiffe_sequence\` goes back from ${before} to ${after}; ${remedy}`);
}
