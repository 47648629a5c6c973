import { readFileSync, statSync } from 'node:fs';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { InvalidConfig } from '../core/errors.ts';
import { fileState } from '../identity/file-state.ts';
import type { TlsIdentity } from './tls-server.ts';

/** Files of a certificate chain and its key, PEM. */
export type TlsFiles = { certificate: string; key: string };

/** How often the files are looked at. */
const LOOK_EVERY_MS = 2_000;

/** @throws InvalidConfig when they cannot be read, or do not belong together. */
export function readTlsFiles({ certificate, key }: TlsFiles): TlsIdentity {
  const identity = { cert: readText(certificate), key: readText(key) };
  let fits: boolean;
  try {
    fits = new X509Certificate(identity.cert).checkPrivateKey(createPrivateKey(identity.key));
  } catch {
    // The cause could quote the key.
    throw new InvalidConfig(`${certificate}, ${key}: expected a certificate chain and its private key, as PEM`);
  }
  if (!fits) throw new InvalidConfig(`${certificate}: is not of the key in ${key}; write both files anew`);
  return identity;
}

/**
 * Why the key is not as private as a key should be, or `null`. It is told and not refused: other tools write this file, and
 * some mount it for a group. Windows has no such bits.
 */
export function openKeyFile({ key }: TlsFiles): string | null {
  const { mode } = statSync(key);
  const open = process.platform !== 'win32' && (mode & 0o037) !== 0;
  return open
    ? `\`${key}\` can be read or changed by others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): run \`chmod 600\` on it, and have the certificate issued anew if somebody may have read it`
    : null;
}

/**
 * Presents the files again each time they have changed. A pair that is not whole (a writer between two files, say) leaves
 * what is presented, is reported once, and is looked at again with the next change.
 */
export function followTlsFiles(
  files: TlsFiles,
  present: (identity: TlsIdentity) => void,
  report: (problem: string) => void,
): { look(): void; stop(): void } {
  let seen = stateOf(files);
  const look = () => {
    const now = stateOf(files);
    if (now === seen) return;
    // Older than what is read: a change in between is seen the next time.
    seen = now;
    try {
      present(readTlsFiles(files));
    } catch (cause) {
      report(`the last good TLS certificate stays in use: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidConfig(`${file}: cannot be read; name a PEM file under \`server.tls\``, { cause });
  }
}

function stateOf({ certificate, key }: TlsFiles): string {
  return `${fileState(certificate)}; ${fileState(key)}`;
}
