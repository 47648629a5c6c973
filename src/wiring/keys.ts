/** The keys that sign tokens and checkpoints: opened, and those of tokens rotated by the time. */
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { loadOrCreateSigningKey } from '../audit/signing-key.ts';
import type { Config } from '../config/config.ts';
import type { NoteSigner } from '../core/note.ts';
import type { EventRecord } from '../core/record.ts';
import { readEncryptionKey } from '../keys/encryption-key.ts';
import { createKeySeal, type KeySeal } from '../keys/key-seal.ts';
import type { LogStore } from '../store/ports.ts';
import { LONGEST_TOKEN_MS } from '../token/key-ring.ts';
import { loadOrCreateTokenKey, type TokenKey } from '../token/signing-key.ts';

/** Also how soon a rotation that failed is tried again. */
const TEND_EVERY_MS = 60_000;

type KeyParts = {
  seal: KeySeal;
  store: Pick<LogStore, 'append'>;
  event: (name: EventRecord['event'], subject: EventRecord['subject']) => EventRecord;
};

/** @throws InvalidConfig when there is to be a key-encryption key and there is none. */
export async function openKeySeal(config: Config, env: Record<string, string | undefined>): Promise<KeySeal> {
  const { encryption } = config.keys;
  if (encryption === null) return createKeySeal(null);
  const read = { env, folder: dirname(config.file) };
  const current = await readEncryptionKey(encryption.current, read);
  const previous = encryption.previous === null ? null : await readEncryptionKey(encryption.previous, read);
  return createKeySeal({ current, previous });
}

export function openLogKey(config: Config, origin: string, parts: KeyParts): Promise<NoteSigner> {
  return loadOrCreateSigningKey(join(config.dataDir, 'keys', 'log.key'), origin, {
    seal: parts.seal,
    recordEncrypted: async () => {
      await parts.store.append([parts.event('key.changed', { key: origin, state: 'encrypted' })]);
    },
  });
}

export function openTokenKey(config: Config, parts: KeyParts & { clock: () => number }): Promise<TokenKey> {
  return loadOrCreateTokenKey(join(config.dataDir, 'keys', 'token.jwk'), {
    clock: parts.clock,
    seal: parts.seal,
    periods: {
      rotateEvery: config.keys.rotateEveryMs,
      publishAhead: config.keys.publishAheadMs,
      // The second of the rounding, and the skew on both sides.
      retire: LONGEST_TOKEN_MS + (2 * config.clockSkewSeconds + 1) * 1000,
    },
    record: async (changes, permit) => {
      const events = changes.map(({ kid, state }) => parts.event('key.changed', { key: kid, state }));
      await parts.store.append(permit === undefined ? events : [permit, ...events]);
    },
  });
}

export function keepKeysRotating(key: TokenKey, log: Pick<Logger, 'error'>): NodeJS.Timeout {
  const tend = () => {
    key.tend().catch((error: unknown) => log.error({ err: error }, 'the signing keys are not rotated'));
  };
  tend();
  return setInterval(tend, TEND_EVERY_MS);
}
