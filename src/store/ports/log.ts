import type { Records } from './records.ts';

export interface LogStore {
  /**
   * Appends them, in one step.
   *
   * @param when `soon`: nobody waits for it. It becomes durable with the next change of the store, or a moment later by itself,
   * and costs no change its own way to the disk.
   */
  append(records: Records, when?: 'now' | 'soon'): Promise<void>;
  /** Entries (RFC 8785 text of the records) from `start`, at most `limit`, in order. */
  entries(start: number, limit: number): { index: number; entry: string }[];
  /** How many entries the log holds. */
  size(): number;
  /** Index of the record with this id. */
  indexOf(recordId: string): number | undefined;
  /** Called after each durable commit with the new size. Used by the tree writer; must not throw. */
  onCommit(listener: (size: number) => void): void;
}
