import type { Records } from './records.ts';

/** One label of a task and all that belongs with it. `record`: of the first action whose result has it. `at` in ms. */
export type KeptLabel = { label: string; record: string; at: number };

/** A value that a person answers for. */
export type Declassified = { value: string; record: string; at: number };

/**
 * What tasks have done and touched. All of it is of a whole tree of tasks: what one of them has read, another may have
 * been told. INVARIANT 11: nothing is ever removed.
 */
export interface TrailStore {
  /**
   * Keeps what became of an action, with its records: that it succeeded, and labels of what it returned beside those that
   * it was admitted with. `task` is the acting one.
   */
  recordOutcome(
    outcome: { task: string; target: string; operation: string; succeeded: boolean; labels: readonly string[] },
    records: Records,
  ): Promise<void>;
  /** Of the tree that the task is in, in the order in which they came. */
  labels(task: string): KeptLabel[];
  /** Keeps that a person answers for a value in the tree of the task. `already`: somebody did before. */
  declassify(task: string, value: Declassified, records: Records): Promise<'declassified' | 'already'>;
  /** Of the tree that the task is in. */
  declassified(task: string): Declassified[];
  /** The sealed text of the prompt that the tree of the task began with. */
  prompt(task: string): string | undefined;
}
