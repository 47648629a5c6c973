import type { LiveWork, WorkKind } from '../gateway/live.ts';
import type { Ending } from './ending.ts';

/** Calls in flight, open streams, sessions: cut where they are, here and at the target. They do not outlive the process. */
export function liveWorkEnding(kind: Ending['kind'], work: WorkKind, live: Pick<LiveWork, 'endTask' | 'of'>): Ending {
  return {
    kind,
    immediate: true,
    end: (task, reason) => live.endTask(task, reason, work),
    outstanding: (task) => live.of(task, work),
  };
}
