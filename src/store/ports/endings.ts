import type { RegisteredAgent } from '../../core/agent.ts';
import type { Closing } from '../../core/closing.ts';
import type { FindSuspension, Suspension } from '../../core/suspension.ts';
import type { Task } from '../../core/task.ts';
import type { Records } from './records.ts';

/** What the ends of tasks have ended, and what is left to end. */
export interface ClosingStore {
  closing(task: string): Closing | undefined;
  /** Those that have something outstanding and are to be tried (again) at `now`: the longest due first. */
  closingsDue(now: number, limit: number): Closing[];
  /** Keeps the closing after one more attempt, with its record. `stale`: another attempt was kept first. */
  saveClosing(closing: Closing, records: Records): Promise<'saved' | 'stale' | 'unknown'>;
}

/** A process of a target, of one task; of none when it was started to look at the target. */
export type StartedProcess = {
  /** `<target>:<pid>` */
  id: string;
  pid: number;
  /** What tells it from a later process with the same pid. */
  birth: string;
  task: string | null;
};

/** Processes that were started and are not known to have gone, also by a process of Remit before this one. */
export interface ProcessStore {
  processStarted(started: StartedProcess): Promise<void>;
  processGone(id: string): Promise<void>;
  /** All, or those of one task. */
  processes(task?: string): StartedProcess[];
}

/** What may do nothing now. */
export interface SuspensionStore {
  /**
   * From when this resolves on it may do nothing, and in the same step every live task that ends with it (`endsWith`) has
   * ended, as `endTask` ends one. With a delegator every active agent whose owner this person is is suspended too, as
   * `moveAgent` does. `records` is called with all that was ended, and the agents.
   */
  suspend(
    suspension: Suspension,
    records: (ended: readonly Task[], agents: readonly RegisteredAgent[]) => Records,
  ): Promise<{ outcome: 'suspended'; tasks: Task[]; agents: RegisteredAgent[] } | { outcome: 'already_suspended' }>;
  /** What ended stays ended; something new may be begun. */
  resume(resumed: Pick<Suspension, 'kind' | 'id'>, records: Records): Promise<'resumed' | 'not_suspended'>;
  /** From memory. */
  suspension: FindSuspension;
  /** Oldest first. */
  suspensions(): Suspension[];
}
