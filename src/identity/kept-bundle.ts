import { readFileSync } from 'node:fs';
import { stagePrivateFile } from '../keys/private-file.ts';
import { parseTrustBundle, type TrustBundle } from './trust-bundle.ts';

/** A bundle as it was fetched, kept in a file, so that a restart does not need the endpoint to be up. */
export type KeptBundle = {
  bundle: TrustBundle;
  /** Where it came from: of another endpoint it is not taken. */
  source: string;
  /** Milliseconds since the epoch. */
  fetchedAt: number;
};

/** `undefined` when there is none, or none that can be read: then the endpoint is asked. */
export function readKeptBundle(file: string): KeptBundle | undefined {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { source?: unknown; fetched_at?: unknown; bundle?: unknown };
    if (typeof kept.source !== 'string' || typeof kept.fetched_at !== 'number') return undefined;
    const bundle = parseTrustBundle(JSON.stringify(kept.bundle), file);
    return { bundle, source: kept.source, fetchedAt: kept.fetched_at };
  } catch {
    return undefined;
  }
}

/** @throws Unavailable: what is kept is the one before. */
export function keepBundle(file: string, { bundle, source, fetchedAt }: KeptBundle): void {
  stagePrivateFile(file, JSON.stringify({ source, fetched_at: fetchedAt, bundle })).commit();
}
