import type { LiveWork } from '../gateway/live.ts';
import type { Ending } from './ending.ts';

/** How long a process is waited for; SIGKILL comes two seconds after SIGTERM. */
const PATIENCE_MS = 3_000;

export type Processes = {
  /** Ids of those that were started for the task and have not gone. */
  processesOf(task: string): readonly string[];
  /** Resolves when they have. */
  gone(task: string): Promise<void>;
};

/** Processes of targets on standard input and output: each is of one task, and ends with its whole process group. */
export function processEnding(processes: Processes, live: Pick<LiveWork, 'endTask'>): Ending {
  return {
    kind: 'processes',
    end: (task, reason) => {
      const running = processes.processesOf(task);
      live.endTask(task, reason, 'upstream');
      if (running.length === 0) return [];
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, PATIENCE_MS);
      return Promise.race([processes.gone(task), patience.promise]).then(() => {
        clearTimeout(timer);
        return running;
      });
    },
    outstanding: (task) => processes.processesOf(task),
  };
}
