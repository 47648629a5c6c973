import { RemitError, Unavailable } from '../../core/errors.ts';

/** One verb, waiting for its turn. `run` changes the database; `applied` changes memory, after the commit. */
type Work = {
  run: () => unknown;
  applied: (result: unknown) => void;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};

/** A verb that has run. Once the batch is durable: `apply` changes memory, then `settle` tells its caller. */
type Done = { apply: () => void; settle: () => void };

/** What the queue needs of a database. */
export type Transactions = {
  begin(): void;
  commit(): void;
  /** Ends the transaction if one is open. Throws when it stays open. */
  rollback(): void;
  savepoint(): void;
  release(): void;
  rollbackTo(): void;
  /** Reads everything that memory holds anew. Throws when the database cannot be read. */
  reload(): void;
  /** Called after each commit, before memory changes. Must not throw. */
  committed(): void;
  /** Called once memory agrees with what is durable: tells who listens, when the log has grown. Must not throw. */
  announce(): void;
};

/** How long what nobody waits for may wait for a commit to share. */
const SOON_MS = 25;

/**
 * Group commit: all verbs that arrive before the event loop turns share one transaction and so one fsync. Each has a
 * savepoint of its own. Promises resolve after COMMIT, and memory changes only then.
 */
export class CommitQueue {
  readonly #transactions: Transactions;
  readonly #maxBatch: number;
  #waiting: Work[] = [];
  #scheduled = false;
  /** For what may wait for company. */
  #late: NodeJS.Timeout | undefined;
  #broken: Unavailable | undefined;

  constructor(transactions: Transactions, maxBatch: number) {
    this.#transactions = transactions;
    this.#maxBatch = maxBatch;
  }

  add<Result>(run: () => Result, applied: (result: Result) => void = () => {}): Promise<Result> {
    return this.#add(run, applied, () => this.#schedule());
  }

  /** As `add`, in the same order, for what nobody waits for: it shares the commit of the next verb, or has its own in a while. */
  addSoon(run: () => void): Promise<void> {
    return this.#add(
      run,
      () => {},
      () => (this.#late ??= setTimeout(() => this.#schedule(), SOON_MS)),
    );
  }

  #add<Result>(run: () => Result, applied: (result: Result) => void, schedule: () => void): Promise<Result> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({
        run,
        applied: applied as (result: unknown) => void,
        resolve: resolve as (result: unknown) => void,
        reject,
      });
      schedule();
    });
  }

  /** Whether writes are still taken. */
  get healthy(): boolean {
    return this.#broken === undefined;
  }

  /** Commits what waits; takes nothing more. */
  close(): void {
    while (this.#waiting.length > 0) this.#commitBatch();
    this.#break(new Unavailable('the store is closed'));
  }

  /** Takes nothing more, also not what waits already. */
  #break(reason: Unavailable): void {
    this.#broken ??= reason;
    for (const work of this.#waiting.splice(0)) work.reject(this.#broken);
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
    if (this.#waiting.length === 0) {
      clearTimeout(this.#late);
      this.#late = undefined;
    }
    if (batch.length === 0) return;
    const done: Done[] = [];
    try {
      this.#transactions.begin();
      for (const work of batch) done.push(this.#runOne(work));
      this.#transactions.commit();
    } catch (cause) {
      this.#fail(batch, cause);
      return;
    }
    this.#transactions.committed();
    for (const { apply } of done) apply();
    this.#transactions.announce();
    for (const { settle } of done) settle();
  }

  /** Runs one verb in its savepoint. */
  #runOne(work: Work): Done {
    this.#transactions.savepoint();
    try {
      const result = work.run();
      this.#transactions.release();
      return { apply: () => work.applied(result), settle: () => work.resolve(result) };
    } catch (error) {
      if (isStorageFault(error)) throw error;
      this.#transactions.rollbackTo();
      return { apply: () => {}, settle: () => work.reject(error) };
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
      // A transaction that stays open would be read as if it were durable.
      this.#transactions.rollback();
      this.#transactions.reload();
      this.#transactions.announce();
    } catch (reloadCause) {
      this.#break(new Unavailable('the store cannot be read any more; restart Remit', { cause: reloadCause }));
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
