import type { JWK } from 'jose';
import { splitCertificates } from './certificate-chain.ts';
import { parseTrustBundle, type BundleSource, type TrustBundle } from './trust-bundle.ts';
import type { Loss, WorkloadStreams } from './workload-stream.ts';

/**
 * How long the last bundles are believed once the stream is gone: a day while nobody answers, and a minute when the answer
 * is that nothing is issued to us. SPIRE's agent says so for a moment when it is attested anew.
 */
const USABLE_MS: Record<Loss, number> = { unreachable: 24 * 3_600_000, denied: 60_000 };

type Keys = ReadonlyMap<string, TrustBundle['keys']>;

/**
 * The bundles that the Workload API gives, by trust domain and kept apart (Workload API, sections 5.2.2 and 6.2.2). Each
 * message is complete: a bundle that is in it no longer is used no longer.
 */
export function followWorkloadBundles(
  streams: WorkloadStreams,
  options: { ticks?: () => number } = {},
): (trustDomain: string) => BundleSource {
  const ticks = options.ticks ?? (() => performance.now());
  const x509 = new Received(ticks);
  const jwt = new Received(ticks);
  const made = new Map<string, { x509: Keys | undefined; jwt: Keys | undefined; bundle: TrustBundle }>();
  type Message = { bundles: Record<string, Buffer> };
  streams.follow<Message>(
    'FetchX509Bundles',
    ({ bundles }) => x509.take(readBundles(bundles, x509Entries)),
    (why) => x509.lost(why),
  );
  streams.follow<Message>(
    'FetchJWTBundles',
    ({ bundles }) => jwt.take(readBundles(bundles, jwtEntries)),
    (why) => jwt.lost(why),
  );
  return (trustDomain) => ({
    bundle: () => {
      const known = made.get(trustDomain);
      const parts = { x509: x509.keys(), jwt: jwt.keys() };
      if (known !== undefined && known.x509 === parts.x509 && known.jwt === parts.jwt) return known.bundle;
      const keys = [...(parts.x509?.get(trustDomain) ?? []), ...(parts.jwt?.get(trustDomain) ?? [])];
      const bundle: TrustBundle = { keys };
      made.set(trustDomain, { ...parts, bundle });
      return bundle;
    },
    ready: Promise.all([x509.first, jwt.first]).then(() => {}),
    stop: () => streams.close(),
  });
}

/** The last message of a stream, for as long as it may be believed. */
class Received {
  readonly first: Promise<void>;
  readonly #ticks: () => number;
  readonly #arrived: () => void;
  #keys: Keys | undefined;
  #until = 0;

  constructor(ticks: () => number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.first = promise;
    this.#arrived = resolve;
    this.#ticks = ticks;
  }

  take(keys: Keys): void {
    this.#keys = keys;
    this.#until = Number.POSITIVE_INFINITY;
    this.#arrived();
  }

  /** Told again at each try, which prolongs nothing. */
  lost(why: Loss): void {
    this.#until = Math.min(this.#until, this.#ticks() + USABLE_MS[why]);
  }

  keys(): Keys | undefined {
    return this.#ticks() <= this.#until ? this.#keys : undefined;
  }
}

/** By the name of the trust domain, which the message has as a SPIFFE ID. */
function readBundles(
  bundles: Record<string, Buffer>,
  entries: (bytes: Buffer, id: string) => TrustBundle['keys'],
): Keys {
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
