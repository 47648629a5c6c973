import type { Logger } from 'pino';
import { createRefusals, type Refusals } from '../audit/refusals.ts';
import type { LogStore } from '../store/ports.ts';

const FLUSH_EVERY_MS = 60_000;

/** Refused strangers are recorded at once when they are new, and else counted and recorded each minute, and at the end. */
export function startRefusals(
  store: LogStore,
  { log, ...parts }: { clock: () => number; newId: (prefix: string) => string; log: Logger },
): Refusals & { stop(): Promise<void> } {
  const refusals = createRefusals({
    ...parts,
    log: store,
    onProblem: (error) => log.error({ err: error }, 'refused requests are not recorded; they are counted still'),
  });
  const timer = setInterval(() => void refusals.flush(), FLUSH_EVERY_MS);
  timer.unref();
  return {
    ...refusals,
    stop: async () => {
      clearInterval(timer);
      await refusals.flush();
    },
  };
}
