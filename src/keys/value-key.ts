/** A key that values are encrypted with, in a file of its own: 256 bits as a JWK (RFC 7517), encrypted as the signing keys are. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import type { KeySeal } from './key-seal.ts';
import { createPrivateFile, readPrivateFile, removeLeftovers, stagePrivateFile } from './private-file.ts';

const keyForm = z.strictObject({ kty: z.literal('oct'), k: z.string().regex(/^[\w-]{43}$/) });

/**
 * Made with the first start. Another key-encryption key (`seal`) is used from the next start on, and touches no value.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openValueKey(file: string, seal: KeySeal): Promise<Uint8Array> {
  removeLeftovers(file);
  if (readPrivateFile(file) === null) {
    const key = { kty: 'oct', k: randomBytes(32).toString('base64url') };
    createPrivateFile(file, await seal.seal(JSON.stringify(key), 'jwk+json'));
  }
  const read = readPrivateFile(file);
  if (read === null) throw new Unavailable(`\`${file}\` vanished while it was being made`);
  const { text, current } = await seal.open(read.text, { file, content: 'jwk+json' });
  if (!current) stagePrivateFile(file, await seal.seal(text, 'jwk+json')).commit();
  return keyIn(file, text);
}

function keyIn(file: string, text: string): Uint8Array {
  try {
    return new Uint8Array(Buffer.from(keyForm.parse(JSON.parse(text)).k, 'base64url'));
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
    throw new InvalidConfig(`key file \`${file}\` cannot be used; restore it from a backup`);
  }
}
