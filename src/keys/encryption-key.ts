/** Where the key comes from that signing keys are encrypted with: Remit never keeps it. */
import { execFile } from 'node:child_process';
import type { EncryptionKeySource } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';
import { readPrivateFile } from './private-file.ts';

const COMMAND_TIMEOUT_MS = 10_000;
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
  if ('command' in source) return runCommand(source, parts);
  if ('env' in source) {
    const value = parts.env[source.env];
    if (value !== undefined && value !== '') return value;
    throw new InvalidConfig(`the key-encryption key of ${nameOf(source)} is missing: the variable is not set`);
  }
  const read = readPrivateFile(source.file);
  if (read !== null) return read.text;
  throw new InvalidConfig(`the key-encryption key of ${nameOf(source)} is missing: there is no such file`);
}

/** Without a shell. What it prints besides the key is dropped: it may quote what must not be in a log. */
function runCommand(source: { command: readonly string[] }, parts: EncryptionKeyParts): Promise<string> {
  const [program = '', ...args] = source.command;
  const timeout = parts.timeoutMs ?? COMMAND_TIMEOUT_MS;
  const { folder: cwd, env } = parts;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { cwd, env, shell: false, timeout, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT, windowsHide: true },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        // INVARIANT 14: the error holds what the command has printed, so it goes no further.
        else reject(new InvalidConfig(`${nameOf(source)} ${failureOf(error, timeout)}; run it by hand to see why`));
      },
    );
    // Nobody answers a question that it might ask.
    child.stdin?.on('error', () => {}).end();
  });
}

function failureOf(error: Error & { code?: unknown; killed?: boolean }, timeout: number): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'prints more than a key';
  if (error.killed === true) return `gave no key-encryption key within ${timeout / 1000} s`;
  if (typeof error.code === 'number') return `ended with ${error.code} instead of giving a key-encryption key`;
  return `cannot be run (${String(error.code)})`;
}

/** Without arguments: somebody may have put a password there. */
function nameOf(source: EncryptionKeySource): string {
  if ('file' in source) return `the file \`${source.file}\``;
  if ('env' in source) return `the environment variable \`${source.env}\``;
  return `the command \`${source.command[0] ?? ''}\``;
}
