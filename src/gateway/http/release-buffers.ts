import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 16 * 1024 * 1024;

type Collect = (options: { type: 'minor' }) => void;

let passed = 0;
let collect: Collect | null | undefined;

/**
 * Counts bytes that stream by, and has the buffers that they came in let go of in between. They lie outside of V8's heap, of
 * which a stream uses next to nothing, so that V8 by itself sees no reason to collect them for a long time. A collection
 * of the young costs less than the fresh memory that it saves.
 */
export function releaseBuffers(bytes: number): void {
  passed += bytes;
  if (passed < EVERY_BYTES) return;
  passed = 0;
  if (collect === undefined) collect = minorCollection();
  collect?.({ type: 'minor' });
}

/** `null` where the engine does not offer it: then memory is let go of later. */
function minorCollection(): Collect | null {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('typeof gc === "function" ? gc : null');
  return found as Collect | null;
}
