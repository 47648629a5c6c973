/** The bundles of all trust domains: from configuration to sources that are followed, each on its own. */
import { join } from 'node:path';
import { statSync } from 'node:fs';
import type { Config, TrustDomain } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';
import { followBundleEndpoint } from '../identity/bundle-endpoint.ts';
import { openBundleFile } from '../identity/bundle-file.ts';
import type { DevAuthority } from '../identity/dev/authority.ts';
import { fetchJsonOverHttp } from '../identity/fetch-json.ts';
import { fetchJsonOverSpiffe } from '../identity/fetch-https-spiffe.ts';
import {
  createTrustBundles,
  x509AuthoritiesOf,
  type BundleSource,
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
};

/** @throws InvalidConfig for a file without a good bundle, and for the development authority without `--dev`. */
export function openTrustBundles(config: Config, parts: Parts): OpenTrustBundles {
  const workloadApis = new Map<string, (trustDomain: string) => BundleSource>();
  const sources = new Map<string, BundleSource>();
  const bundles = createTrustBundles(
    config.identity.trustDomains.map(({ name }) => ({
      trustDomain: name,
      bundle: () => sources.get(name)?.bundle() ?? { keys: [] },
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
