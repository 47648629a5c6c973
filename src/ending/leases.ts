import type { CleanUp } from '../lease/clean-up.ts';
import type { Ending } from './ending.ts';

/** What the task has minted: taken back at its targets. What waits for a person stays outstanding until they say so. */
export function leaseEnding(cleanUp: Pick<CleanUp, 'end' | 'outstanding'>): Ending {
  return {
    kind: 'leases',
    end: (task) => cleanUp.end(task),
    outstanding: (task) => cleanUp.outstanding(task),
  };
}
