import type { Records } from '../ports.ts';
import type { View } from './view.ts';

/** What one verb is given while its batch is open. It works on the database through its own prepared statements. */
export type Transaction = {
  /** The clock when the batch began, milliseconds since the epoch. */
  readonly now: number;
  /** Puts the records at the end of the log. */
  append(records: Records): void;
  /** What the views show once the batch is durable. */
  afterCommit(change: (view: View) => void): void;
  /** Takes back everything that this verb has done; its result is delivered all the same. */
  undo(): void;
};

/** Synchronous: a whole batch runs without giving way, so nobody reads between a BEGIN and its COMMIT. */
export type Verb<Result> = (tx: Transaction) => Result;
