import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Task } from '../../core/task.ts';
import type { LastRun, Run } from '../ports.ts';
import { checkIdentifiers } from './identifier.ts';
import type { TaskTable } from './task-table.ts';

/** The last run of each profile by each agent, read from the database each time: they start minutes apart. */
export class RunTable {
  readonly #last: StatementSync;
  readonly #start: StatementSync;

  constructor(db: DatabaseSync) {
    this.#last = db.prepare('SELECT task, started_at, failures FROM runs WHERE profile = ? AND agent = ?');
    this.#start = db.prepare(
      `INSERT INTO runs (profile, agent, task, started_at, failures) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET task = excluded.task, started_at = excluded.started_at, failures = excluded.failures`,
    );
  }

  last(profile: string, agent: string): LastRun | undefined {
    const row = this.#last.get(profile, agent);
    if (row === undefined) return undefined;
    return { task: String(row['task']), startedAt: Number(row['started_at']), failures: Number(row['failures']) };
  }

  /** Makes the task the last run. `tasks` are as the open transaction sees them. */
  start({ profile, limit }: Run, { id, agent, createdAt }: Task, tasks: Pick<TaskTable, 'stateOf'>): void {
    checkIdentifiers(profile);
    const last = this.last(profile, agent.id);
    const failures = last === undefined || limit === undefined ? 0 : failuresAfter(last, tasks);
    this.#start.run(profile, agent.id, id, createdAt, failures);
  }
}

/** How many runs in a row were not completed, with this one. */
export function failuresAfter({ task, failures }: LastRun, tasks: Pick<TaskTable, 'stateOf'>): number {
  return tasks.stateOf(task) === 'completed' ? 0 : failures + 1;
}
