import { keepBundle, readKeptBundle } from './kept-bundle.ts';
import { checkSequence, parseTrustBundle, type BundleSource, type TrustBundle } from './trust-bundle.ts';

/** SPIFFE Federation, section 4.1: five minutes where the bundle does not say; never more often, or more seldom, than this. */
const REFRESH_SECONDS = { unsaid: 300, least: 5, most: 3600 };
/** How old the last good bundle may get while its endpoint does not answer. */
const USABLE_MS = 24 * 3_600_000;
/** Of a trust domain without any bundle. */
const NOTHING: TrustBundle = { keys: [] };

/**
 * The bundle of one trust domain at an endpoint (SPIFFE Federation, section 4), followed for as long as it is not stopped.
 * What is no bundle, or older than what is known (`spiffe_sequence` goes back), changes nothing. Without a bundle that is
 * good and young enough there are no keys, and whatever would need them is refused.
 */
export function followBundleEndpoint(options: {
  /** Names the endpoint: what another one gave is not used. */
  source: string;
  /** The document; `latest` is the bundle in use, to authenticate an endpoint of the same trust domain with. */
  fetch: (latest: TrustBundle) => Promise<unknown>;
  /** Where the last good bundle is kept over a restart. */
  keptIn: string;
  /** What to begin with when nothing newer is kept, and since when it was so (ms since the epoch). */
  bootstrap?: { bundle: TrustBundle; since: number };
  clock: () => number;
  report: (problem: string) => void;
  /** Milliseconds that never go back. */
  ticks?: () => number;
}): BundleSource {
  const { source, keptIn, clock, report } = options;
  const ticks = options.ticks ?? (() => performance.now());
  const begin = beginWith(options);
  let bundle = begin?.bundle;
  let loadedAt = ticks() - (begin?.age ?? 0);
  let troubled = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const current = () => (bundle !== undefined && ticks() - loadedAt <= USABLE_MS ? bundle : NOTHING);

  async function refresh(): Promise<void> {
    try {
      const next = parseTrustBundle(JSON.stringify(await options.fetch(current())), source);
      if (bundle !== undefined)
        checkSequence(bundle, next, source, `to accept it, stop, remove ${keptIn} and start again`);
      bundle = next;
      loadedAt = ticks();
      keepBundle(keptIn, { bundle, source, fetchedAt: clock() });
      troubled = false;
    } catch (cause) {
      // Once, and not at each try until it works again.
      if (!troubled) report(problemOf(cause, current() === NOTHING));
      troubled = true;
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => void refresh().then(schedule), refreshSeconds(bundle) * 1000);
    timer.unref();
  }

  return {
    bundle: current,
    ready: refresh().then(schedule),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** What was fetched last, unless the operator has put down a newer bootstrap bundle since. */
function beginWith({
  source,
  keptIn,
  bootstrap,
  clock,
}: Pick<Parameters<typeof followBundleEndpoint>[0], 'source' | 'keptIn' | 'bootstrap' | 'clock'>):
  | { bundle: TrustBundle; age: number }
  | undefined {
  const kept = readKeptBundle(keptIn);
  const now = clock();
  // A time in the future is of a clock that was wrong, then or now: how old the bundle is cannot be known.
  const usable = kept !== undefined && kept.source === source && kept.fetchedAt <= now;
  if (usable && (bootstrap === undefined || kept.fetchedAt >= bootstrap.since)) {
    return { bundle: kept.bundle, age: now - kept.fetchedAt };
  }
  return bootstrap === undefined ? undefined : { bundle: bootstrap.bundle, age: 0 };
}

function refreshSeconds(bundle: TrustBundle | undefined): number {
  const hint = bundle?.spiffe_refresh_hint;
  const seconds = typeof hint === 'number' && hint > 0 ? hint : REFRESH_SECONDS.unsaid;
  // Before there is a bundle, nothing can be refused for asking sooner.
  const most = bundle === undefined ? 10 : REFRESH_SECONDS.most;
  return Math.min(most, Math.max(REFRESH_SECONDS.least, seconds));
}

function problemOf(cause: unknown, without: boolean): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  const under = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : '';
  return `${without ? 'there is no trust bundle' : 'the last good trust bundle stays in use'}: ${why}${under}`;
}
