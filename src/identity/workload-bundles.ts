import type { JWK } from 'jose';
import { splitCertificates } from './certificate-chain.ts';
import { parseTrustBundle, type BundleSource, type TrustBundle } from './trust-bundle.ts';
import type { WorkloadStreams } from './workload-stream.ts';

/** How long the last bundles are believed while the Workload API does not answer. */
const USABLE_MS = 24 * 3_600_000;

type Part = { keys: ReadonlyMap<string, TrustBundle['keys']>; connectedAt: number };

/**
 * The bundles that the Workload API gives, by trust domain and kept apart (Workload API, sections 5.2.2 and 6.2.2). Each
 * message is complete: a bundle that is in it no longer is used no longer.
 */
export function followWorkloadBundles(
  streams: WorkloadStreams,
  options: { ticks?: () => number } = {},
): (trustDomain: string) => BundleSource {
  const ticks = options.ticks ?? (() => performance.now());
  let x509: Part | undefined;
  let jwt: Part | undefined;
  const made = new Map<string, { x509: Part | undefined; jwt: Part | undefined; bundle: TrustBundle }>();
  const first = { x509: Promise.withResolvers<void>(), jwt: Promise.withResolvers<void>() };

  streams.follow<{ bundles: Record<string, Buffer> }>(
    'FetchX509Bundles',
    ({ bundles }) => {
      x509 = { keys: read(bundles, x509Entries), connectedAt: ticks() };
      first.x509.resolve();
    },
    () => (x509 = undefined),
  );
  streams.follow<{ bundles: Record<string, Buffer> }>(
    'FetchJWTBundles',
    ({ bundles }) => {
      jwt = { keys: read(bundles, jwtEntries), connectedAt: ticks() };
      first.jwt.resolve();
    },
    () => (jwt = undefined),
  );

  return (trustDomain) => ({
    bundle: () => {
      const known = made.get(trustDomain);
      const parts = { x509: young(x509), jwt: young(jwt) };
      if (known !== undefined && known.x509 === parts.x509 && known.jwt === parts.jwt) return known.bundle;
      const keys = [...(parts.x509?.keys.get(trustDomain) ?? []), ...(parts.jwt?.keys.get(trustDomain) ?? [])];
      const bundle: TrustBundle = { keys };
      made.set(trustDomain, { ...parts, bundle });
      return bundle;
    },
    ready: Promise.all([first.x509.promise, first.jwt.promise]).then(() => {}),
    stop: () => streams.close(),
  });

  function young(part: Part | undefined): Part | undefined {
    return part !== undefined && ticks() - part.connectedAt <= USABLE_MS ? part : undefined;
  }
}

/** By the name of the trust domain, which the message has as a SPIFFE ID. */
function read(
  bundles: Record<string, Buffer>,
  entries: (bytes: Buffer, id: string) => TrustBundle['keys'],
): Part['keys'] {
  return new Map(
    Object.entries(bundles).map(([id, bytes]) => [id.replace(/^spiffe:\/\//, ''), entries(bytes, id)] as const),
  );
}

function x509Entries(der: Buffer): TrustBundle['keys'] {
  return splitCertificates(der).map((certificate) => ({
    kty: 'X509',
    use: 'x509-svid',
    x5c: [certificate.toString('base64')],
  }));
}

/** Section 6.2.2: a standard JWK Set of JWT-SVID keys only, so `use` may be left out; a key with another use is none. */
function jwtEntries(bytes: Buffer, id: string): TrustBundle['keys'] {
  return parseTrustBundle(bytes.toString('utf8'), id)
    .keys.filter(({ use }) => use === undefined || use === 'jwt-svid' || use === 'sig')
    .map((key: JWK) => ({ ...key, use: 'jwt-svid' }));
}
