/** The keys that values in the database are encrypted with: in a file of their own, encrypted as the signing keys are. */
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import { decryptCompact, encryptCompact, headerOf } from './compact-jwe.ts';
import { openFormerKeys } from './former-keys.ts';
import type { KeySeal, SealedContent } from './key-seal.ts';
import { createPrivateFile, readPrivateFile, removeLeftovers, stagePrivateFile } from './private-file.ts';

const KEY_BYTES = 32;
const CONTENT: SealedContent = 'vnd.remit.sealing-keys+json';

/** Encrypts values, each under its name: one that was moved to another name does not open. */
export interface SealingKeys {
  /**
   * To be given to the store's queue in the same turn: then nothing that is sealed with a key comes behind `renew`.
   *
   * @param name which is authenticated, and can be read in the sealed text.
   */
  seal(name: string, value: string): string;
  /** @throws Unavailable when it was changed, moved, or sealed with a key that is not here. */
  open(name: string, sealed: string): string;
  /** Whether `seal` would use the same key. */
  isCurrent(sealed: string): boolean;
  /** Whether there are keys that open and do not seal. */
  holdsOthers(): boolean;
  /** From here on another key seals; those before still open. @throws Unavailable: nothing has changed. */
  renew(): Promise<void>;
  /** Only the current key is kept: nothing may be sealed with another any more. @throws Unavailable */
  forgetOthers(): Promise<void>;
}

/** The first seals. */
const ringForm = z.strictObject({
  keys: z.array(z.strictObject({ kty: z.literal('oct'), k: z.string().regex(/^[\w-]{43}$/) })).min(1),
});
type Ring = z.output<typeof ringForm>;
type Named = { kid: string; bytes: Uint8Array };

/**
 * Made with the first start. Another key-encryption key (`seal`) is used from the next start on, and touches no value.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openSealingKeys(file: string, seal: KeySeal): Promise<SealingKeys> {
  removeLeftovers(file);
  if (readPrivateFile(file) === null) {
    createPrivateFile(file, await seal.seal(JSON.stringify({ keys: [newKey()] } satisfies Ring), CONTENT));
  }
  const read = readPrivateFile(file);
  if (read === null) throw new Unavailable(`\`${file}\` vanished while it was being made`);
  const { text, current } = await seal.open(read.text, { file, content: CONTENT });
  let ring = ringIn(file, text);
  let named = await namesOf(ring);
  const former = await openFormerKeys(dirname(file), seal);
  let writing: Promise<void> = Promise.resolve();

  /** Durable before it is used: a value that no key opens would be lost. */
  async function write(next: Ring): Promise<void> {
    const names = await namesOf(next);
    stagePrivateFile(file, await seal.seal(JSON.stringify(next), CONTENT)).commit();
    ring = next;
    named = names;
  }

  /** One after the other, each from what the last has left. */
  function change(by: (before: Ring) => Ring): Promise<void> {
    const changed = writing.then(() => write(by(ring)));
    writing = changed.catch(() => {});
    return changed;
  }
  if (!current) await change((before) => before);

  return {
    seal: (name, value) => {
      const { kid, bytes } = named[0]!;
      return encryptCompact(value, bytes, { kid, name });
    },
    open: (name, sealed) => {
      const kid = kidOf(sealed);
      if (kid === undefined) return former.open(name, sealed);
      try {
        const key = named.find((candidate) => candidate.kid === kid);
        if (key === undefined) throw new Error('no such key');
        const { text: value, header } = decryptCompact(sealed, key.bytes);
        if (header['name'] !== name) throw new Error('another name');
        return value;
      } catch {
        // INVARIANT 14: nothing of what was sealed goes further.
        throw new Unavailable(`the sealed value of \`${name}\` does not open; restore \`${file}\`, or set it again`);
      }
    },
    isCurrent: (sealed) => kidOf(sealed) === named[0]!.kid,
    holdsOthers: () => ring.keys.length > 1 || former.any,
    renew: () => change(({ keys }) => ({ keys: [newKey(), ...keys] })),
    forgetOthers: async () => {
      if (ring.keys.length > 1) await change(({ keys }) => ({ keys: keys.slice(0, 1) }));
      former.forget();
    },
  };
}

function newKey(): Ring['keys'][number] {
  return { kty: 'oct', k: randomBytes(KEY_BYTES).toString('base64url') };
}

function ringIn(file: string, text: string): Ring {
  try {
    return ringForm.parse(JSON.parse(text));
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
    throw new InvalidConfig(`key file \`${file}\` cannot be used; restore it from a backup`);
  }
}

/** RFC 7638: a hash of 256 random bits gives nothing away. */
function namesOf({ keys }: Ring): Promise<Named[]> {
  return Promise.all(
    keys.map(async (jwk) => ({
      kid: await calculateJwkThumbprint(jwk),
      bytes: new Uint8Array(Buffer.from(jwk.k, 'base64url')),
    })),
  );
}

function kidOf(sealed: string): string | undefined {
  const kid = headerOf(sealed)?.['kid'];
  return typeof kid === 'string' ? kid : undefined;
}
