import { randomBytes } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import type { KeySeal } from '../keys/key-seal.ts';
import { createPrivateFile, readPrivateFile, removeLeftovers, stagePrivateFile } from '../keys/private-file.ts';

/** Encrypts the values of leases, each for its lease: a value that was moved to another lease does not open. */
export interface ValueSeal {
  seal(lease: string, value: string): Promise<string>;
  /** @throws Unavailable when it was changed, moved, or sealed with another key. */
  open(lease: string, sealed: string): Promise<string>;
}

const keyForm = z.strictObject({ kty: z.literal('oct'), k: z.string().regex(/^[\w-]{43}$/) });

/**
 * The key is in a file of its own, made with the first start, and encrypted as the signing keys are: so the values are
 * never in the database as they are, and rotating the key-encryption key touches none of them.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openValueSeal(file: string, seal: KeySeal): Promise<ValueSeal> {
  removeLeftovers(file);
  if (readPrivateFile(file) === null) {
    const key = { kty: 'oct', k: randomBytes(32).toString('base64url') };
    createPrivateFile(file, await seal.seal(JSON.stringify(key), 'jwk+json'));
  }
  const read = readPrivateFile(file);
  if (read === null) throw new Unavailable(`\`${file}\` vanished while it was being made`);
  const { text, current } = await seal.open(read.text, { file, content: 'jwk+json' });
  if (!current) stagePrivateFile(file, await seal.seal(text, 'jwk+json')).commit();
  return createValueSeal(keyIn(file, text));
}

function keyIn(file: string, text: string): Uint8Array {
  try {
    return new Uint8Array(Buffer.from(keyForm.parse(JSON.parse(text)).k, 'base64url'));
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
    throw new InvalidConfig(`key file \`${file}\` cannot be used; restore it from a backup`);
  }
}

/** RFC 7516: compact, `dir`, A256GCM. The lease is in the protected header, and so authenticated. */
export function createValueSeal(key: Uint8Array): ValueSeal {
  return {
    seal: (lease, value) =>
      new CompactEncrypt(new TextEncoder().encode(value))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', lease })
        .encrypt(key),
    open: async (lease, sealed) => {
      try {
        const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        if (protectedHeader['lease'] !== lease) throw new Error('another lease');
        return new TextDecoder().decode(plaintext);
      } catch {
        throw new Unavailable(`the value of lease \`${lease}\` cannot be opened; restore the key of the leases`);
      }
    },
  };
}
