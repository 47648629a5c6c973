/** The keys of versions that had one for the values of leases and one for prompts, before one ring was for everything. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import { decrypt, decryptCompact } from './compact-jwe.ts';
import type { KeySeal } from './key-seal.ts';
import { readPrivateFile, removeLeftovers, stagePrivateFile } from './private-file.ts';

const FILES = { lease: 'lease.jwk', prompt: 'prompt.jwk' } as const;
type Kind = keyof typeof FILES;

export interface FormerKeys {
  /** Whether there are any. */
  readonly any: boolean;
  /** @param name as `sealedName` has it. @throws Unavailable, which says what to do. */
  open(name: string, sealed: string): string;
  /** Only when nothing is sealed with them any more. @throws Unavailable */
  forget(): void;
}

/** @throws InvalidConfig, which holds nothing of the files' content; Unavailable when one cannot be read or written. */
export async function openFormerKeys(folder: string, seal: KeySeal): Promise<FormerKeys> {
  const keys = new Map<string, Uint8Array>();
  for (const [kind, name] of Object.entries(FILES)) {
    const key = await read(join(folder, name), seal);
    if (key !== null) keys.set(kind, key);
  }
  return {
    get any() {
      return keys.size > 0;
    },
    open: (name, sealed) => {
      const [, kind, subject] = /^(lease|prompt):1:(.*)$/s.exec(name) ?? [];
      const key = kind === undefined ? undefined : keys.get(kind);
      if (kind === undefined) throw new Unavailable(`the sealed value of \`${name}\` does not open; set it again`);
      const file = join(folder, FILES[kind as Kind]);
      const because = key === undefined ? 'is not there' : 'does not open it';
      try {
        if (key === undefined) throw new Error('no such key');
        return kind === 'lease' ? leaseValue(sealed, key, subject!) : promptText(sealed, key, subject!);
      } catch {
        // INVARIANT 14: nothing of what was sealed goes further.
        throw new Unavailable(
          `\`${name}\` was sealed by an earlier version, and \`${file}\` ${because}; restore that file from a backup, and start again`,
        );
      }
    },
    forget: () => {
      for (const name of Object.values(FILES)) {
        try {
          rmSync(join(folder, name), { force: true });
        } catch (cause) {
          throw new Unavailable(`\`${join(folder, name)}\` cannot be removed`, { cause });
        }
      }
      keys.clear();
    },
  };
}

/** A JWE without the name of a key, with the lease in its header. */
function leaseValue(sealed: string, key: Uint8Array, lease: string): string {
  const { text, header } = decryptCompact(sealed, key);
  if (header['lease'] !== lease) throw new Error('another lease');
  return text;
}

/** Nonce, tag and ciphertext, one after the other; the task is authenticated with them. */
function promptText(sealed: string, key: Uint8Array, task: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const [nonce, tag, body] = [bytes.subarray(0, 12), bytes.subarray(12, 28), bytes.subarray(28)];
  return decrypt(key, { nonce, tag, body, with: task });
}

const keyForm = z.strictObject({ kty: z.literal('oct'), k: z.string().regex(/^[\w-]{43}$/) });

async function read(file: string, seal: KeySeal): Promise<Uint8Array | null> {
  removeLeftovers(file);
  const found = readPrivateFile(file);
  if (found === null) return null;
  const { text, current } = await seal.open(found.text, { file, content: 'jwk+json' });
  // Should something be left that needs it, it outlives the key-encryption key that is about to go.
  if (!current) stagePrivateFile(file, await seal.seal(text, 'jwk+json')).commit();
  try {
    return new Uint8Array(Buffer.from(keyForm.parse(JSON.parse(text)).k, 'base64url'));
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
    throw new InvalidConfig(`key file \`${file}\` cannot be used; restore it from a backup`);
  }
}
