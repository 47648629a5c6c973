import { readBoundedJson } from './bounded-json.ts';

/** Fetches a JSON document; rejects on any status but 200. */
export type FetchJson = (url: string) => Promise<unknown>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;
const NOTHING = new Blob([]).stream();

/** From a configured URL only: no redirects, and bounds on time and size. */
export async function fetchJsonOverHttp(url: string, timeoutMs: number = TIMEOUT_MS): Promise<unknown> {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/json' },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  return readBoundedJson(response.body ?? NOTHING, MAX_BYTES);
}
