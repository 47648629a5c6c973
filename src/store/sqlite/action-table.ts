import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from '../../core/effect.ts';
import type { PastAction, Records } from '../ports.ts';

/** How often which operation was permitted within a task and all below it. */
export class ActionTable {
  readonly #count: StatementSync;
  readonly #of: StatementSync;

  constructor(db: DatabaseSync) {
    this.#count = db.prepare(
      `INSERT INTO task_actions (task, target, operation, effect, times, first_at, last_at) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5)
       ON CONFLICT DO UPDATE SET times = times + 1, effect = excluded.effect, last_at = excluded.last_at`,
    );
    this.#of = db.prepare(
      `SELECT target, operation, effect, times, last_at FROM task_actions
       WHERE task = ? ORDER BY last_at DESC, target, operation LIMIT ?`,
    );
  }

  /** Counts what the records permit, for each task of the chain. */
  count(chain: readonly string[], records: Records): void {
    for (const record of records) {
      if (record.kind !== 'decision' || record.decision.outcome !== 'permit') continue;
      const { target, operation, effect } = record.action;
      for (const task of chain) this.#count.run(task, target, operation, effect, record.time);
    }
  }

  of(task: string, limit: number): PastAction[] {
    return this.#of.all(task, limit).map((row) => ({
      target: String(row['target']),
      operation: String(row['operation']),
      effect: row['effect'] as Effect,
      times: Number(row['times']),
      lastAt: Number(row['last_at']),
    }));
  }
}
