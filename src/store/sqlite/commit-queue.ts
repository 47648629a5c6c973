import { RemitError, Unavailable } from '../../core/errors.ts';

/** One verb, waiting for its turn. `run` changes the database; `applied` changes memory, after the commit. */
type Work = {
  run: () => unknown;
  applied: (result: unknown) => void;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};

/** A verb that has run. Once the batch is committed `apply` changes memory; once it is durable `settle` tells its caller. */
type Done = { apply: () => void; settle: () => void };

/** What the queue needs of a database. */
export type Transactions = {
  begin(): void;
  commit(): void;
  /** Makes all that was committed durable; nothing is begun before that. */
  sync(): Promise<void> | void;
  /** Ends the transaction if one is open. Throws when it stays open. */
  rollback(): void;
  savepoint(): void;
  release(): void;
  rollbackTo(): void;
  /** Reads everything that memory holds anew. Throws when the database cannot be read. */
  reload(): void;
  /** Called once a batch is durable: tells who listens, when the log has grown. Must not throw. */
  announce(): void;
};

/** How long what nobody waits for may wait for a commit to share. */
const SOON_MS = 25;

/**
 * Group commit: all verbs that arrive while the one before is made durable, or before the event loop turns, share one
 * transaction and one fsync. Each has a savepoint of its own. Memory changes with COMMIT, so that it always says what the
 * database says; promises resolve, and the log is as long as it says, only once that is durable. What is decided in between
 * needs a commit of its own to have an effect, and that one is durable only with all before it.
 */
export class CommitQueue {
  readonly #transactions: Transactions;
  readonly #maxBatch: number;
  #waiting: Work[] = [];
  /** The batch that is under way, or about to be. */
  #working: Promise<void> | undefined;
  /** Somebody waits for a batch after it. */
  #wanted = false;
  #closed = false;
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
    if (this.#closed) return Promise.reject(new Unavailable('the store is closed'));
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
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
    while (this.#waiting.length > 0) await this.#commitBatch();
    this.#break(new Unavailable('the store is closed'));
  }

  /** Takes nothing more, also not what waits already. */
  #break(reason: Unavailable): void {
    this.#broken ??= reason;
    for (const work of this.#waiting.splice(0)) work.reject(this.#broken);
  }

  #schedule(): void {
    this.#wanted = true;
    if (this.#working !== undefined || this.#closed) return;
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      if (this.#wanted) this.#schedule();
    });
  }

  async #work(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#wanted = false;
    await this.#commitBatch();
  }

  async #commitBatch(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#maxBatch);
    if (this.#waiting.length === 0) {
      clearTimeout(this.#late);
      this.#late = undefined;
    } else this.#wanted = true;
    if (batch.length === 0) return;
    const done: Done[] = [];
    try {
      this.#transactions.begin();
      for (const work of batch) done.push(this.#runOne(work));
      this.#transactions.commit();
    } catch (cause) {
      await this.#fail(batch, cause);
      return;
    }
    for (const { apply } of done) apply();
    try {
      await this.#transactions.sync();
    } catch (cause) {
      this.#lose(batch, cause);
      return;
    }
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
  async #fail(batch: readonly Work[], cause: unknown): Promise<void> {
    const error = new Unavailable('the change could not be stored; nothing is permitted', { cause });
    try {
      // A transaction that stays open would be read as if it were durable.
      this.#transactions.rollback();
      await this.#transactions.sync();
      this.#transactions.reload();
      this.#transactions.announce();
    } catch (reloadCause) {
      this.#break(new Unavailable('the store cannot be read any more; restart Remit', { cause: reloadCause }));
    }
    for (const work of batch) work.reject(error);
  }

  /**
   * What was committed may not be durable, and a second attempt would not tell: after a failed fsync the kernel takes pages for
   * written that are not. Whether it is there is for the next start to find out; until then nothing is permitted.
   */
  #lose(batch: readonly Work[], cause: unknown): void {
    const error = new Unavailable('what was stored may not be durable; look at the disk, and restart Remit', { cause });
    this.#break(error);
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
