/** The keys that sign tokens: opened, and rotated by the time. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { EventRecord } from '../core/record.ts';
import type { LogStore } from '../store/ports.ts';
import { LONGEST_TOKEN_MS } from '../token/key-ring.ts';
import { loadOrCreateTokenKey, type TokenKey } from '../token/signing-key.ts';

/** Also how soon a rotation that failed is tried again. */
const TEND_EVERY_MS = 60_000;

export function openTokenKey(
  config: Config,
  parts: {
    store: Pick<LogStore, 'append'>;
    event: (name: EventRecord['event'], subject: EventRecord['subject']) => EventRecord;
    clock: () => number;
  },
): Promise<TokenKey> {
  return loadOrCreateTokenKey(join(config.dataDir, 'keys', 'token.jwk'), {
    clock: parts.clock,
    periods: {
      rotateEvery: config.keys.rotateEveryMs,
      publishAhead: config.keys.publishAheadMs,
      // The second of the rounding, and the skew on both sides.
      retire: LONGEST_TOKEN_MS + (2 * config.clockSkewSeconds + 1) * 1000,
    },
    record: async (changes) => {
      await parts.store.append(changes.map(({ kid, state }) => parts.event('key.changed', { key: kid, state })));
    },
  });
}

export function keepKeysRotating(key: TokenKey, log: Logger): NodeJS.Timeout {
  const tend = () => {
    key.tend().catch((error: unknown) => log.error({ err: error }, 'the signing keys are not rotated'));
  };
  tend();
  return setInterval(tend, TEND_EVERY_MS);
}
