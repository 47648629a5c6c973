import type { Draw } from '../../core/budget.ts';
import type { EndCause } from '../../core/closing.ts';
import type { TaskView } from '../../core/decision.ts';
import type { Effect } from '../../core/effect.ts';
import type { Lease } from '../../core/lease.ts';
import type { Delegator } from '../../core/party.ts';
import type { EndedState, IdentityAssertion, Task } from '../../core/task.ts';
import type { Records } from './records.ts';
import type { NoRun, Run } from './runs.ts';

export type Admission =
  | { admitted: true }
  /** The task, or a task above it, had ended, a budget was used up, the approval already spent, the target suspended, or a lease over. */
  | { admitted: false; because: 'task_ended' | 'over_budget' | 'approval_spent' | 'suspended' | 'lease_ended' };

export type TaskEnd = {
  id: string;
  to: EndedState;
  /** Milliseconds since the epoch. */
  at: number;
  reason: string;
  /** `to`, unless told. */
  cause?: EndCause;
  /** Who ends it; nobody, unless told. */
  by?: string | null;
  /** Ends it only if it has not been used after this time. */
  unusedSince?: number;
};

/**
 * What an action takes from budgets: one call from every task of the chain when `counted`, and what each of the draws says
 * from one of their other counters.
 */
export type Taken = { chain: readonly string[]; counted: boolean; draws?: readonly Draw[] };

/** What an action takes and uses up when it is admitted, and what it may leave. */
export type AdmissionRequest = Taken & {
  approval: string | null;
  target?: string;
  /** Of what the action will return, whatever that is: on its whole tree before anything of it can be read. */
  labels?: readonly string[];
  /** `expiresAt`: when nobody takes it any more, in ms since the epoch. */
  token?: { id: string; expiresAt: number };
  /** Ids of the leases that it uses. */
  uses?: readonly string[];
  /** What may come to exist by it: from here on it is known that it may, whatever becomes of this process. */
  lease?: Lease;
};

export interface TaskStore {
  /**
   * Makes the task, for an agent that is neither suspended nor retired, under a parent that is live, and not otherwise, and
   * unless it falls under a suspension. `approval` (of the parent, or without one of no task) is spent with it, or nothing
   * is made. Nor is it when `assertion`, or another by the same name, has made one: of two who come with one, one is told `created`. With a
   * `run` it is made as the next of its profile, if there may be one: of two who come at once, one is told `created`.
   * `prompt`: the sealed text of the prompt, kept with a task that has no parent.
   */
  createTask(
    task: Task,
    records: Records,
    approval?: string | null,
    due?: { assertion?: IdentityAssertion; run?: Run; prompt?: string },
  ): Promise<'created' | 'parent_ended' | 'approval_spent' | 'agent_stopped' | 'suspended' | 'assertion_used' | NoRun>;
  /**
   * Ends the task and every descendant that has not ended, in one step. Pending and unspent approvals of all of them
   * are closed with it, and a closing is opened for each task. `records` is called with what was ended, so that the
   * record says exactly that.
   */
  endTask(
    end: TaskEnd,
    records: (ended: readonly Task[]) => Records,
  ): Promise<
    { outcome: 'ended'; tasks: Task[] } | { outcome: 'already_ended' } | { outcome: 'in_use' } | { outcome: 'unknown' }
  >;
  /**
   * INVARIANT 5 and 6: the last gate before an effect. In one step: every task of the chain is still active and within
   * budget (which the action is taken from), the approval (or one use of the standing answer, if any) is spent, the target
   * (if any) is not suspended, every lease that it uses is held, and the decision is recorded. A `token` is issued with it,
   * under the first task of the chain, and a `lease` is intended. When not admitted, nothing is changed and nothing is recorded. What was taken stays so until it is given back:
   * also when the process ends before anybody knows what became of the action.
   */
  admit(request: AdmissionRequest, records: Records): Promise<Admission>;
  /**
   * Each of the entries in order, all in one step: `admit` where there is a request, and only the records where there is none,
   * until one is not admitted. Returns how many entries took effect. Of the one that was not admitted, and of all behind it,
   * nothing is changed and nothing is recorded.
   */
  admitInOrder(entries: readonly { request?: AdmissionRequest; records: Records }[]): Promise<number>;
  /**
   * Gives back what an admitted action has taken, since it did not happen, with the records that say so. Once for each
   * admission: more than was taken is never given back, but the call of another may be.
   */
  giveBack(taken: Taken, records: Records): Promise<void>;
  task(id: string): Task | undefined;
  /**
   * The task, its parent, … the root, each with what it has used, and the task with what its whole tree has done and touched;
   * empty when the id is unknown. From memory.
   */
  chain(id: string): TaskView[];
  /**
   * The task and all below it, ended or not, parents before their children, at most `limit`; empty when the id is unknown.
   */
  tree(id: string, limit: number): TaskView[];
  /** What was permitted within the task and all below it but the protocol's own, the latest first. */
  pastActions(task: string, limit: number): PastAction[];
  /** Newest first. `after` is the id of the last task of the page before. */
  tasks(filter: {
    state?: Task['state'];
    delegator?: Pick<Delegator, 'issuer' | 'subject'>;
    agent?: string;
    after?: string;
    limit: number;
  }): Task[];
  /** Active tasks whose window has closed at `now`. */
  overdue(now: number): Task[];
  /** Active tasks that were not used, and did not start, after this time. */
  unused(since: number): Task[];
  /** Tasks that have not ended. */
  live(): Task[];
}

/** Identity assertions, each of which makes one task, for good: they are kept as long as the tasks are. */
export interface AssertionStore {
  /** What the assertion has made. `other`: another assertion by the same name was there before. */
  assertedTask(assertion: IdentityAssertion): { outcome: 'made'; task: string } | { outcome: 'other' } | undefined;
}

/** `times`: how often it was permitted. `lastAt` in ms since the epoch. */
export type PastAction = { target: string; operation: string; effect: Effect; times: number; lastAt: number };
