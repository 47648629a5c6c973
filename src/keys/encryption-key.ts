/** Where the key comes from that signing keys are encrypted with: Remit never keeps it. */
import type { EncryptionKeySource } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';
import { readPrivateFile } from './private-file.ts';
import { runSecretCommand, SecretCommandFailed } from './secret-command.ts';

const MAX_OUTPUT = 4096;
/** A256GCM (RFC 7518, section 5.3). */
const KEY_BYTES = 32;

export type EncryptionKeyParts = {
  env: Record<string, string | undefined>;
  /** Where a command is run. */
  folder: string;
  timeoutMs?: number;
};

/**
 * The 32 bytes of the key, which are in no error and no log line.
 *
 * @throws InvalidConfig when the source gives no such key, or gives it too late.
 */
export async function readEncryptionKey(source: EncryptionKeySource, parts: EncryptionKeyParts): Promise<Uint8Array> {
  const text = (await textOf(source, parts)).trim();
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (bytes.length === KEY_BYTES) return new Uint8Array(bytes);
  throw new InvalidConfig(
    `the key-encryption key of ${nameOf(source)} is not 32 bytes in base64; make one with \`openssl rand -base64 32\``,
  );
}

async function textOf(source: EncryptionKeySource, parts: EncryptionKeyParts): Promise<string> {
  if ('command' in source) return printedBy(source, parts);
  if ('env' in source) {
    const value = parts.env[source.env];
    if (value !== undefined && value !== '') return value;
    throw new InvalidConfig(`the key-encryption key of ${nameOf(source)} is missing: the variable is not set`);
  }
  const read = readPrivateFile(source.file);
  if (read !== null) return read.text;
  throw new InvalidConfig(`the key-encryption key of ${nameOf(source)} is missing: there is no such file`);
}

async function printedBy(source: { command: readonly string[] }, parts: EncryptionKeyParts): Promise<string> {
  try {
    return await runSecretCommand(source.command, { ...parts, maxBytes: MAX_OUTPUT });
  } catch (error) {
    if (!(error instanceof SecretCommandFailed)) throw error;
    throw new InvalidConfig(`${nameOf(source)} ${error.message}; run it by hand to see why`);
  }
}

/** Without arguments: somebody may have put a password there. */
function nameOf(source: EncryptionKeySource): string {
  if ('file' in source) return `the file \`${source.file}\``;
  if ('env' in source) return `the environment variable \`${source.env}\``;
  return `the command \`${source.command[0] ?? ''}\``;
}
