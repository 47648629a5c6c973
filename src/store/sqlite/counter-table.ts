import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { countersOf, type Budget, type Draw, type Used } from '../../core/budget.ts';

/** The table of what tasks may use beside their calls, and have used. All of it is read and changed in transactions. */
export class CounterTable {
  readonly #insert: StatementSync;
  readonly #of: StatementSync;
  readonly #take: StatementSync;
  readonly #giveBack: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO task_counters (task, counter, at_most) VALUES (?, ?, ?)');
    this.#of = db.prepare('SELECT counter, used FROM task_counters WHERE task = ?');
    this.#take = db.prepare(
      'UPDATE task_counters SET used = used + ?3 WHERE task = ?1 AND counter = ?2 AND used + ?3 <= at_most',
    );
    this.#giveBack = db.prepare('UPDATE task_counters SET used = used - ?3 WHERE task = ?1 AND counter = ?2');
  }

  insert(task: string, budget: Budget): void {
    for (const { name, atMost } of countersOf(budget)) this.#insert.run(task, name, atMost);
  }

  /** `undefined` for a task that has none. */
  of(task: string, budget: Budget): Used['counters'] {
    if (countersOf(budget).length === 0) return undefined;
    return Object.fromEntries(this.#of.all(task).map((row) => [String(row['counter']), Number(row['used'])]));
  }

  /** `false` when the limit does not hold it, or does not exist. */
  take({ task, counter, amount }: Draw): boolean {
    return this.#take.run(task, counter, amount).changes === 1;
  }

  /** Fails, by the table's CHECK, for more than was taken. */
  giveBack({ task, counter, amount }: Draw): void {
    this.#giveBack.run(task, counter, amount);
  }
}
