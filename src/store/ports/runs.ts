/**
 * One more run of a profile that an agent starts by itself. `limit` absent: a person starts it, which is always one more,
 * and forgives the failures before.
 */
export type Run = { profile: string; limit?: RunLimit };

/** A run may start so long after the start of the last, and not after so many that were not completed, in a row. */
export type RunLimit = { everyMs: number; stopAfterFailures: number };

/** Why there is no run now: too soon after the last, while that is going on, or because none was completed. */
export type NoRun = 'run_too_soon' | 'run_going_on' | 'runs_stopped';

/** Times in ms since the epoch. `failures`: how many runs in a row before this one were not completed. */
export type LastRun = { task: string; startedAt: number; failures: number };

export interface RunStore {
  /** The last run of the profile by the agent, however it was started. */
  lastRun(profile: string, agent: string): LastRun | undefined;
}
