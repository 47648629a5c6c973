import type { LiveWork } from '../gateway/live.ts';
import type { ProcessStore, StartedProcess } from '../store/ports.ts';
import type { Ending } from './ending.ts';

/** How long a process is waited for; SIGKILL comes two seconds after SIGTERM. */
const PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 10;

export type ProcessEndingParts = {
  store: Pick<ProcessStore, 'processes'>;
  live: Pick<LiveWork, 'endTask'>;
  /** Ends what an earlier process of Remit has started. */
  endLeftovers: (left: readonly StartedProcess[]) => Promise<void>;
};

/**
 * Processes of targets on standard input and output: each is of one task, and ends with its whole process group. They are in
 * the store until they have gone, since they outlive a process of Remit that is killed.
 */
export function processEnding({ store, live, endLeftovers }: ProcessEndingParts): Ending {
  return {
    kind: 'processes',
    end: async (task, reason) => {
      const left = store.processes(task);
      // Those that this process has started are held by work of this kind: SIGTERM now, SIGKILL if it takes too long.
      const own = live.endTask(task, reason, 'upstream').length > 0;
      if (left.length === 0) return [];
      if (!own) await endLeftovers(left);
      const deadline = Date.now() + PATIENCE_MS;
      while (store.processes(task).length > 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      return left.map(({ id }) => id);
    },
    outstanding: (task) => store.processes(task).map(({ id }) => id),
  };
}
