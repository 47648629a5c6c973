import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import type { KeySeal } from '../keys/key-seal.ts';
import { createPrivateFile, readPrivateFile, removeLeftovers, stagePrivateFile } from '../keys/private-file.ts';

/** Encrypts the texts of prompts, each for its task: one that was moved to another task does not open. */
export type PromptSeal = {
  seal(task: string, text: string): string;
  /** `null` when it was changed, moved, or sealed with another key. */
  open(task: string, sealed: string): string | null;
};

const keyForm = z.strictObject({ kty: z.literal('oct'), k: z.string().regex(/^[\w-]{43}$/) });

/**
 * The key is in a file of its own, made with the first start and encrypted as the signing keys are.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openPromptSeal(file: string, seal: KeySeal): Promise<PromptSeal> {
  removeLeftovers(file);
  if (readPrivateFile(file) === null) {
    const key = { kty: 'oct', k: randomBytes(32).toString('base64url') };
    createPrivateFile(file, await seal.seal(JSON.stringify(key), 'jwk+json'));
  }
  const read = readPrivateFile(file);
  if (read === null) throw new Unavailable(`\`${file}\` vanished while it was being made`);
  const { text, current } = await seal.open(read.text, { file, content: 'jwk+json' });
  if (!current) stagePrivateFile(file, await seal.seal(text, 'jwk+json')).commit();
  return createPromptSeal(keyIn(file, text));
}

function keyIn(file: string, text: string): Uint8Array {
  try {
    return new Uint8Array(Buffer.from(keyForm.parse(JSON.parse(text)).k, 'base64url'));
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
    throw new InvalidConfig(`key file \`${file}\` cannot be used; restore it from a backup`);
  }
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
