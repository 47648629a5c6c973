import { RemitError, Unavailable } from '../../core/errors.ts';

/** One verb, waiting for its turn. `run` changes the database; `applied` changes memory, after the commit. */
type Work = {
  run: () => unknown;
  applied: (result: unknown) => void;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};

/** What the queue needs of a database. */
export type Transactions = {
  begin(): void;
  commit(): void;
  rollback(): void;
  savepoint(): void;
  release(): void;
  rollbackTo(): void;
  /** Reads everything that memory holds anew. Throws when the database cannot be read. */
  reload(): void;
  /** Called after each commit. Must not throw. */
  committed(): void;
};

/**
 * Group commit: all verbs that arrive before the event loop turns share one transaction and so one fsync. Each has a
 * savepoint of its own. Promises resolve after COMMIT, and memory changes only then.
 */
export class CommitQueue {
  readonly #transactions: Transactions;
  readonly #maxBatch: number;
  #waiting: Work[] = [];
  #scheduled = false;
  #broken: Unavailable | undefined;

  constructor(transactions: Transactions, maxBatch: number) {
    this.#transactions = transactions;
    this.#maxBatch = maxBatch;
  }

  add<Result>(run: () => Result, applied: (result: Result) => void = () => {}): Promise<Result> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({
        run,
        applied: applied as (result: unknown) => void,
        resolve: resolve as (result: unknown) => void,
        reject,
      });
      this.#schedule();
    });
  }

  /** Whether writes are still taken. */
  get healthy(): boolean {
    return this.#broken === undefined;
  }

  /** Commits what waits; takes nothing more. */
  close(): void {
    while (this.#waiting.length > 0) this.#commitBatch();
    this.#broken ??= new Unavailable('the store is closed');
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commitBatch();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commitBatch(): void {
    const batch = this.#waiting.splice(0, this.#maxBatch);
    if (batch.length === 0) return;
    const done: (() => void)[] = [];
    try {
      this.#transactions.begin();
      for (const work of batch) done.push(this.#runOne(work));
      this.#transactions.commit();
    } catch (cause) {
      this.#fail(batch, cause);
      return;
    }
    this.#transactions.committed();
    for (const settle of done) settle();
  }

  /** Runs one verb in its savepoint; what it returns settles the verb's promise once the batch is durable. */
  #runOne(work: Work): () => void {
    this.#transactions.savepoint();
    try {
      const result = work.run();
      this.#transactions.release();
      return () => {
        work.applied(result);
        work.resolve(result);
      };
    } catch (error) {
      if (isStorageFault(error)) throw error;
      this.#transactions.rollbackTo();
      return () => work.reject(error);
    }
  }

  /**
   * The batch failed, or may have failed: "not persisted" and "persisted, but the answer was lost" look alike here. Nobody
   * is told that their verb took effect, and memory is made to agree with what the database says now. When that cannot
   * be read either, the store takes no more writes: invariant 4, a full disk denies.
   */
  #fail(batch: readonly Work[], cause: unknown): void {
    const error = new Unavailable('the change could not be stored; nothing is permitted', { cause });
    try {
      this.#transactions.rollback();
    } catch {
      // Already rolled back by the database itself, or never begun.
    }
    try {
      this.#transactions.reload();
    } catch (reloadCause) {
      this.#broken = new Unavailable('the store cannot be read any more; restart Remit', { cause: reloadCause });
    }
    for (const work of batch) work.reject(error);
  }
}

/** SQLite's own failures spoil the whole transaction; a broken rule of one verb (a double id) spoils only that verb. */
function isStorageFault(error: unknown): boolean {
  if (error instanceof RemitError || !(error instanceof Error)) return false;
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  const SQLITE_CONSTRAINT = 19;
  return code !== undefined && code !== SQLITE_CONSTRAINT;
}
