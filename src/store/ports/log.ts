import type { Records } from './records.ts';

export interface LogStore {
  append(records: Records): Promise<void>;
  /**
   * As `append`, in the same order with all other verbs, for records that nothing waits for: they become durable with the next
   * verb, or within some 25 ms without one. What is lost with the process until then must be found by the next start.
   */
  appendSoon(records: Records): Promise<void>;
  /** Entries (RFC 8785 text of the records) from `start`, at most `limit`, in order. */
  entries(start: number, limit: number): { index: number; entry: string }[];
  /** How many entries the log holds. */
  size(): number;
  /** Index of the record with this id. */
  indexOf(recordId: string): number | undefined;
  /** Called after each durable commit with the new size. Used by the tree writer; must not throw. */
  onCommit(listener: (size: number) => void): void;
}
