import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Unavailable } from '../../core/errors.ts';
import { canonicalJson, type JsonValue } from '../../core/json.ts';
import type { Records } from '../ports.ts';
import { batchError, concernsOneVerb, verbError } from './sqlite-error.ts';
import type { Transaction, Verb } from './transaction.ts';
import { View } from './view.ts';

/** As much of a logger as the store needs; a pino logger is one. */
export type StoreLog = {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type CommitQueueOptions = {
  db: DatabaseSync;
  clock: () => number;
  log: StoreLog;
  /** The most verbs that share one COMMIT. */
  maxBatch: number;
  /** Makes the open transaction durable, or throws. */
  commit: (db: DatabaseSync) => void;
};

type Waiting = { verb: Verb<unknown>; resolve: (value: unknown) => void; reject: (error: unknown) => void };
type Ran = { waiting: Waiting; result: { value: unknown } | { error: unknown }; changes: ((view: View) => void)[] };

/**
 * Group commit: the verbs that arrive in one turn of the event loop share one transaction and one fsync. Each has a
 * savepoint of its own, so one that fails takes nothing with it. Promises settle, and the view changes, after COMMIT.
 *
 * A crash before COMMIT loses verbs that nobody was told about; a crash after it loses nothing.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #sql: Record<'begin' | 'rollback' | 'savepoint' | 'release' | 'undo' | 'record', StatementSync>;
  readonly #listeners: ((size: number) => void)[] = [];
  #waiting: Waiting[] = [];
  #scheduled = false;
  #view: View;
  /** Why nothing is written any more. */
  #stopped: Unavailable | undefined;

  constructor(options: CommitQueueOptions) {
    const { db } = options;
    this.#options = options;
    this.#view = View.load(db);
    this.#sql = {
      begin: db.prepare('BEGIN IMMEDIATE'),
      rollback: db.prepare('ROLLBACK'),
      savepoint: db.prepare('SAVEPOINT verb'),
      release: db.prepare('RELEASE verb'),
      undo: db.prepare('ROLLBACK TO verb'),
      record: db.prepare('INSERT INTO record (seq, id, entry) VALUES (?, ?, ?)'),
    };
  }

  /** What was last known durable. */
  get view(): View {
    return this.#view;
  }

  /** @throws Unavailable when the database itself must not be read: closed, or left in an unknown state. */
  checkReadable(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  onCommit(listener: (size: number) => void): void {
    this.#listeners.push(listener);
  }

  enqueue<Result>(verb: Verb<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#stopped !== undefined) return reject(this.#stopped);
      this.#waiting.push({ verb, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Commits what waits, then refuses everything. */
  close(): void {
    while (this.#waiting.length > 0 && this.#stopped === undefined) this.#runBatch();
    this.#stop(new Unavailable('the store is closed'));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#waiting.length > 0) this.#runBatch();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #stop(reason: Unavailable): void {
    this.#stopped ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#stopped);
  }

  #runBatch(): void {
    const batch = this.#waiting.splice(0, this.#options.maxBatch);
    let ran: Ran[];
    let logSize: number;
    try {
      ({ ran, logSize } = this.#runVerbs(batch));
      this.#options.commit(this.#options.db);
    } catch (error) {
      this.#recover(error);
      for (const { reject } of batch) reject(batchError(error));
      return;
    }
    for (const { changes } of ran) for (const change of changes) change(this.#view);
    this.#view.logSize = logSize;
    this.#tellListeners();
    for (const { waiting, result } of ran) {
      if ('value' in result) waiting.resolve(result.value);
      else waiting.reject(result.error);
    }
  }

  /** @throws what puts the whole transaction in doubt. */
  #runVerbs(batch: readonly Waiting[]): { ran: Ran[]; logSize: number } {
    const now = this.#options.clock();
    let logSize = this.#view.logSize;
    const ran: Ran[] = [];
    this.#sql.begin.run();
    for (const waiting of batch) {
      const before = logSize;
      const changes: Ran['changes'] = [];
      let undone = false;
      const tx: Transaction = {
        now,
        append: (records) => (logSize = this.#append(records, logSize)),
        afterCommit: (change) => changes.push(change),
        undo: () => (undone = true),
      };
      const result = this.#runVerb(waiting.verb, tx, () => undone);
      if (undone || 'error' in result) {
        logSize = before;
        changes.length = 0;
      }
      ran.push({ waiting, result, changes });
    }
    return { ran, logSize };
  }

  #runVerb(verb: Verb<unknown>, tx: Transaction, undone: () => boolean): Ran['result'] {
    this.#sql.savepoint.run();
    let result: Ran['result'];
    try {
      result = { value: verb(tx) };
    } catch (error) {
      if (!concernsOneVerb(error)) throw error;
      result = { error: verbError(error) };
    }
    if (undone() || 'error' in result) this.#sql.undo.run();
    this.#sql.release.run();
    return result;
  }

  #append(records: Records, size: number): number {
    let next = size;
    for (const record of records) {
      this.#sql.record.run(next, record.id, canonicalJson(record as unknown as JsonValue));
      next += 1;
    }
    return next;
  }

  /**
   * After a failure nobody knows what is durable: COMMIT may have failed before or after the disk had it. The view is
   * loaded anew, by the code that opening uses, so that the next verb starts from what is really there. Records that
   * were committed after all stay in the log: their callers were told `Unavailable` and permitted nothing.
   */
  #recover(cause: unknown): void {
    const { db, log } = this.#options;
    log.warn({ err: cause }, 'a batch could not be committed');
    const known = this.#view.logSize;
    try {
      if (db.isTransaction) this.#sql.rollback.run();
      this.#view = View.load(db);
    } catch (error) {
      log.error({ err: error }, 'the store is closed for writing: its state could not be read after a failure');
      this.#stop(
        new Unavailable('the store is closed for writing after a failure: restart the process once its disk works', {
          detail: String(error),
          cause: error,
        }),
      );
      return;
    }
    if (this.#view.logSize !== known) this.#tellListeners();
  }

  #tellListeners(): void {
    for (const listener of this.#listeners) {
      try {
        listener(this.#view.logSize);
      } catch (error) {
        this.#options.log.error({ err: error }, 'a listener of the log has failed');
      }
    }
  }
}
