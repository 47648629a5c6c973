import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Closing } from '../../core/closing.ts';

/** The table of closings. None of it is kept in memory: it is written at the end of a task, and read by people. */
export class ClosingTable {
  readonly #open: StatementSync;
  readonly #save: StatementSync;
  readonly #byTask: StatementSync;
  readonly #due: StatementSync;

  constructor(db: DatabaseSync) {
    this.#open = db.prepare('INSERT INTO closings (task, next_at, body) VALUES (?, ?, ?)');
    this.#save = db.prepare('UPDATE closings SET next_at = ?2, body = ?3 WHERE task = ?1');
    this.#byTask = db.prepare('SELECT body FROM closings WHERE task = ?');
    this.#due = db.prepare('SELECT body FROM closings WHERE next_at <= ? ORDER BY next_at, task LIMIT ?');
  }

  open(closing: Closing): void {
    this.#open.run(closing.task, closing.nextAt, JSON.stringify(closing));
  }

  save(closing: Closing): void {
    this.#save.run(closing.task, closing.nextAt, JSON.stringify(closing));
  }

  of(task: string): Closing | undefined {
    const row = task.isWellFormed() ? this.#byTask.get(task) : undefined;
    return row === undefined ? undefined : closingOf(row);
  }

  due(now: number, limit: number): Closing[] {
    return this.#due.all(now, limit).map(closingOf);
  }
}

function closingOf(row: Record<string, SQLOutputValue>): Closing {
  return JSON.parse(String(row['body'])) as Closing;
}
