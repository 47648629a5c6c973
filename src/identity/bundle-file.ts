import { readFileSync } from 'node:fs';
import { InvalidConfig } from '../core/errors.ts';
import { fileState } from './file-state.ts';
import { checkSequence, parseTrustBundle, type TrustBundle } from './trust-bundle.ts';

/**
 * The bundle of one trust domain in a file, read again when the file was changed, so that keys rotate without a restart.
 * What cannot be read, is no bundle, or is older than what was read (`spiffe_sequence` goes back) leaves the last bundle
 * as it is, and is reported once for each state of the file.
 *
 * @throws InvalidConfig when there is no good bundle to begin with.
 */
export function openBundleFile(file: string, report: (problem: string) => void): () => TrustBundle {
  let seen = fileState(file);
  let bundle = readBundle(file);
  return () => {
    const now = fileState(file);
    if (now === seen) return bundle;
    // The state is older than what is read: a change in between is seen the next time.
    seen = now;
    try {
      const next = readBundle(file);
      checkSequence(bundle, next, file, 'restart to accept the bundle');
      bundle = next;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      report(`the last good trust bundle stays in use: ${why}`);
    }
    return bundle;
  };
}

function readBundle(file: string): TrustBundle {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidConfig(`${file}: cannot be read; expected a SPIFFE bundle (a JWK Set)`, { cause });
  }
  return parseTrustBundle(text, file);
}
