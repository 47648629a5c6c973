import { calculateJwkThumbprint, CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { InvalidConfig } from '../core/errors.ts';

const ALGORITHM = 'dir';
const ENCRYPTION = 'A256GCM';
/** A compact JWE without an encrypted key, which `dir` has none of (RFC 7516, section 7.1; RFC 7518, section 4.5). */
const SEALED = /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/;

/** What a sealed text is, as its `cty`: the content of one file cannot stand in for that of another. */
export type SealedContent = 'jwk+json' | 'vnd.remit.key-ring+json' | 'vnd.remit.sealing-keys+json';

/** Encrypts what key files hold, and opens it again. */
export interface KeySeal {
  /** Whether texts are encrypted at all. */
  readonly encrypts: boolean;
  seal(text: string, content: SealedContent): Promise<string>;
  /**
   * The text in `file` that was given as read; `current` says whether `seal` would write it in the same way. A plain
   * text is taken as it is: it may be from before keys were encrypted.
   *
   * @throws InvalidConfig when it is encrypted and the key for it is not here, or it was changed.
   */
  open(read: string, from: { file: string; content: SealedContent }): Promise<{ text: string; current: boolean }>;
}

/** RFC 7516: compact, `dir`, A256GCM. With a key before it, texts are opened that were sealed with that one. */
export async function createKeySeal(
  keys: { current: Uint8Array; previous: Uint8Array | null } | null,
): Promise<KeySeal> {
  const current = keys === null ? null : await named(keys.current);
  const previous = keys === null || keys.previous === null ? null : await named(keys.previous);
  const known = [current, previous].filter((key) => key !== null);
  return {
    encrypts: current !== null,
    seal: async (text, content) => {
      if (current === null) return text;
      return new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: ALGORITHM, enc: ENCRYPTION, kid: current.kid, cty: content })
        .encrypt(current.key);
    },
    open: async (read, { file, content }) => {
      const sealed = read.trim();
      if (!SEALED.test(sealed)) return { text: read, current: current === null };
      if (current === null) {
        throw new InvalidConfig(`\`${file}\` is encrypted: name the key for it in \`keys.encryption\``);
      }
      const kid = kidOf(sealed);
      const key = known.find((candidate) => candidate.kid === kid);
      if (key === undefined) {
        throw new InvalidConfig(
          `\`${file}\` is encrypted with another key than \`keys.encryption\` gives: restore that key, or name it under \`previous\``,
        );
      }
      return { text: await opened(sealed, key.key, { file, content }), current: key.kid === current.kid };
    },
  };
}

async function opened(sealed: string, key: Uint8Array, from: { file: string; content: SealedContent }) {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: [ALGORITHM],
      contentEncryptionAlgorithms: [ENCRYPTION],
    });
    if (protectedHeader.cty !== from.content) throw new Error('cty');
    return new TextDecoder().decode(plaintext);
  } catch {
    // INVARIANT 14: nothing of what was in the file goes further.
    throw new InvalidConfig(`\`${from.file}\` was changed after it was encrypted: restore it from a backup`);
  }
}

function kidOf(sealed: string): string | undefined {
  try {
    return decodeProtectedHeader(sealed).kid;
  } catch {
    return undefined;
  }
}

/** The name says which key a file needs. It is a hash of 256 random bits, so it gives nothing away (RFC 7638, section 7). */
async function named(key: Uint8Array): Promise<{ key: Uint8Array; kid: string }> {
  return { key, kid: await calculateJwkThumbprint({ kty: 'oct', k: Buffer.from(key).toString('base64url') }) };
}
