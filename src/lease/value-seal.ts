import { CompactEncrypt, compactDecrypt } from 'jose';
import { Unavailable } from '../core/errors.ts';
import type { KeySeal } from '../keys/key-seal.ts';
import { openValueKey } from '../keys/value-key.ts';

/** Encrypts the values of leases, each for its lease: a value that was moved to another lease does not open. */
export interface ValueSeal {
  seal(lease: string, value: string): Promise<string>;
  /** @throws Unavailable when it was changed, moved, or sealed with another key. */
  open(lease: string, sealed: string): Promise<string>;
}

/**
 * The key is in a file of its own, made with the first start, and encrypted as the signing keys are: so the values are
 * never in the database as they are, and rotating the key-encryption key touches none of them.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openValueSeal(file: string, seal: KeySeal): Promise<ValueSeal> {
  return createValueSeal(await openValueKey(file, seal));
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
