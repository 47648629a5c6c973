/** The bundles of all trust domains: from configuration to sources that are followed, each on its own. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { TrustDomain } from '../config/identity-config.ts';
import { InvalidConfig } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { followBundleEndpoint } from '../identity/bundle-endpoint.ts';
import { openBundleFile } from '../identity/bundle-file.ts';
import type { DevAuthority } from '../identity/dev/authority.ts';
import { fetchJsonOverHttp } from '../identity/fetch-json.ts';
import { fetchJsonOverSpiffe } from '../identity/fetch-https-spiffe.ts';
import {
  createTrustBundles,
  x509AuthoritiesOf,
  type BundleSource,
  type TrustBundle,
  type TrustBundles,
} from '../identity/trust-bundle.ts';
import { followWorkloadBundles } from '../identity/workload-bundles.ts';
import { openWorkloadStreams } from '../identity/workload-stream.ts';

/** How long a start waits for bundles; a source that comes later is used as soon as it is there. */
const WAIT_MS = 5_000;

export type OpenTrustBundles = TrustBundles & { ready: Promise<void>; stop(): void };

type Parts = {
  authority: DevAuthority | undefined;
  clock: () => number;
  report: (trustDomain: string, problem: string) => void;
  /** Told when a bundle with other keys than before is used for the first time. */
  used: (subject: JsonObject) => void;
};

/** @throws InvalidConfig for a file without a good bundle, and for the development authority without `--dev`. */
export function openTrustBundles(config: Config, parts: Parts): OpenTrustBundles {
  const workloadApis = new Map<string, (trustDomain: string) => BundleSource>();
  const sources = new Map<string, BundleSource>();
  const seen: Seen = new Map();
  const bundles = createTrustBundles(
    config.identity.trustDomains.map(({ name }) => ({
      trustDomain: name,
      bundle: () => {
        const bundle = sources.get(name)?.bundle() ?? { keys: [] };
        tellOfUse(name, bundle, seen, parts);
        return bundle;
      },
    })),
  );
  for (const domain of config.identity.trustDomains) {
    sources.set(domain.name, openSource(domain, config, { ...parts, bundles, workloadApis }));
  }
  const all = Promise.all([...sources.values()].map(({ ready }) => ready)).then(() => {});
  return {
    ...bundles,
    ready: Promise.race([all, new Promise<void>((resolve) => void setTimeout(resolve, WAIT_MS).unref())]),
    stop: () => {
      for (const source of sources.values()) source.stop();
    },
  };
}

type Opening = Parts & { bundles: TrustBundles; workloadApis: Map<string, (trustDomain: string) => BundleSource> };

function openSource({ name, bundle }: TrustDomain, config: Config, parts: Opening): BundleSource {
  const report = (problem: string) => parts.report(name, problem);
  if ('dev' in bundle) {
    const { authority } = parts;
    // INVARIANT 1: the configuration refuses this without --dev; so does the wiring.
    if (authority === undefined) throw new InvalidConfig('the development authority needs --dev');
    return local(() => authority.bundle());
  }
  if ('file' in bundle) return local(openBundleFile(bundle.file, report));
  if ('workloadApi' in bundle) {
    const { workloadApi } = bundle;
    const known = parts.workloadApis.get(workloadApi);
    const open = known ?? followWorkloadBundles(openWorkloadStreams(workloadApi, report));
    parts.workloadApis.set(workloadApi, open);
    return open(name);
  }
  const { clock } = parts;
  const keptIn = join(config.dataDir, 'bundles', `${name}.json`);
  if ('httpsWeb' in bundle) {
    const url = bundle.httpsWeb;
    const fetch = () => fetchJsonOverHttp(url);
    return followBundleEndpoint({ source: `https_web ${url}`, fetch, keptIn, clock, report });
  }
  const { url, spiffeId, bootstrap } = bundle.httpsSpiffe;
  return followBundleEndpoint({
    source: `https_spiffe ${url} ${spiffeId}`,
    fetch: (latest) => {
      // SPIFFE Federation, section 5.2.2.4: a bundle that an endpoint serves of its own trust domain authenticates it, too.
      const of = bootstrap === null ? parts.bundles : { x509Authorities: () => x509AuthoritiesOf(latest) };
      return fetchJsonOverSpiffe({ url, spiffeId }, of, { now: clock(), skewMs: config.clockSkewSeconds * 1000 });
    },
    keptIn,
    ...(bootstrap === null
      ? {}
      : { bootstrap: { bundle: openBundleFile(bootstrap, report)(), since: statSync(bootstrap).mtimeMs } }),
    clock,
    report,
  });
}

function local(bundle: BundleSource['bundle']): BundleSource {
  return { bundle, ready: Promise.resolve(), stop: () => {} };
}

type Seen = Map<string, { bundle: TrustBundle; keys: string }>;

/** A source may give the same keys in another object each time that it is asked. */
function tellOfUse(trustDomain: string, bundle: TrustBundle, seen: Seen, { used }: Pick<Parts, 'used'>): void {
  const last = seen.get(trustDomain);
  if (last?.bundle === bundle) return;
  const subject = bundleSubject(trustDomain, bundle);
  const keys = JSON.stringify(subject);
  seen.set(trustDomain, { bundle, keys });
  if (last?.keys !== keys) used(subject);
}

/** Which keys vouch for a trust domain from here on. */
function bundleSubject(trustDomain: string, bundle: TrustBundle): JsonObject {
  return {
    trust_domain: trustDomain,
    ...(bundle.spiffe_sequence === undefined ? {} : { sequence: bundle.spiffe_sequence }),
    jwt_keys: bundle.keys.flatMap(({ use, kid }) => (use === 'jwt-svid' && kid !== undefined ? [kid] : [])),
    x509_authorities: x509AuthoritiesOf(bundle).map(({ node }) =>
      createHash('sha256').update(node.raw).digest('base64url'),
    ),
  };
}
