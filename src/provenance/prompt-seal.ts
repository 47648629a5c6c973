import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeySeal } from '../keys/key-seal.ts';
import { openValueKey } from '../keys/value-key.ts';

/** Encrypts the texts of prompts, each for its task: one that was moved to another task does not open. */
export type PromptSeal = {
  seal(task: string, text: string): string;
  /** `null` when it was changed, moved, or sealed with another key. */
  open(task: string, sealed: string): string | null;
};

/**
 * The key is in a file of its own, made with the first start and encrypted as the signing keys are.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openPromptSeal(file: string, seal: KeySeal): Promise<PromptSeal> {
  return createPromptSeal(await openValueKey(file, seal));
}

const ALGORITHM = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;

/** AES-256-GCM (NIST SP 800-38D): nonce, tag and ciphertext in base64url; the task is authenticated with them. */
export function createPromptSeal(key: Uint8Array): PromptSeal {
  return {
    seal: (task, text) => {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG });
      cipher.setAAD(Buffer.from(task, 'utf8'));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open: (task, sealed) => {
      try {
        const bytes = Buffer.from(sealed, 'base64url');
        const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
        decipher.setAAD(Buffer.from(task, 'utf8'));
        decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
        return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}
