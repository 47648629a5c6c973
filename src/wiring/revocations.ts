import type { Logger } from 'pino';
import type { RevocationFeed } from '../revocation/feed.ts';

const PRUNE_EVERY_MS = 60_000;

/**
 * How long after a task's end the snapshot names it: no access token lives longer (`token.lifetime_seconds` is 300 at most),
 * with what clocks may differ by, at Remit and at whoever checks it.
 */
export const LONGEST_TOKEN_MS = 15 * 60_000;

/** Forgets old entries now and then. Returns the timer. */
export function keepFeedPruned(feed: RevocationFeed, log: Logger): NodeJS.Timeout {
  const prune = () =>
    void feed.prune().catch((error: unknown) => log.error({ err: error }, 'the revocation feed is not pruned'));
  prune();
  return setInterval(prune, PRUNE_EVERY_MS);
}
