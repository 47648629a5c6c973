import type { Lease, LeaseState } from '../../core/lease.ts';
import type { Records } from './records.ts';

/** A lease is made by `admit`, in the step that permits the call, or by `keepFound`. Its value is only ever stored sealed. */
export interface LeaseStore {
  lease(id: string): Lease | undefined;
  /** The newest first; `after` is the id of the last lease of the page before. */
  leases(filter: LeaseFilter): Lease[];
  /** Ids of all that is left of the task, the oldest first. */
  outstandingLeases(task: string): string[];
  /** The sealed value; `undefined` where there is none, or none any more. */
  sealedLease(id: string): string | undefined;
  /**
   * Keeps the lease as it is now, if it was in one of these states before: of two who move it, one is told `stale`. With
   * `sealed` its value is stored too; the value of a lease that nothing is left to do about goes.
   */
  saveLease(
    change: { lease: Lease; from: readonly LeaseState[]; sealed?: string },
    records: Records,
  ): Promise<'saved' | 'stale' | 'unknown'>;
  /** Keeps what was found in answers of a live task. `task_ended`: nothing is kept, but the records are. */
  keepFound(found: readonly { lease: Lease; sealed: string }[], records: Records): Promise<'kept' | 'task_ended'>;
}

export type LeaseFilter = {
  task?: string;
  target?: string;
  agent?: string;
  /** As `delegatorId` names them. */
  delegator?: string;
  state?: LeaseState;
  /** What the target calls it. */
  identifier?: string;
  /** Those alone of which something is left to do. */
  outstanding?: boolean;
  /** Those alone that the target lets lapse by this time. */
  expiredBy?: number;
  /** Those alone of which nobody was told yet that they stay too long. */
  told?: false;
  after?: string;
  limit: number;
};
