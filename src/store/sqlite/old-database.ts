import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Task } from '../../core/task.ts';

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/sqlite');

/** For tests: a database as a version left it that had the migrations before this one. Its foreign keys are not held. */
export function oldDatabase(file: string, before: string): DatabaseSync {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  db.exec('CREATE TABLE migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL, breaking INTEGER NOT NULL) STRICT');
  for (const name of readdirSync(MIGRATIONS)
    .toSorted()
    .filter((each) => each < before)) {
    const sql = readFileSync(join(MIGRATIONS, name), 'utf8');
    db.exec(sql);
    const digest = createHash('sha256').update(sql).digest('hex');
    db.prepare('INSERT INTO migrations VALUES (?, ?, ?)').run(name, digest, sql.startsWith('-- breaking') ? 1 : 0);
  }
  return db;
}

export function insertTask(db: DatabaseSync, task: Task): void {
  db.prepare(
    `INSERT INTO tasks (id, parent, state, delegator_issuer, delegator_subject, agent, created_at, expires_at, budget_calls, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    task.id,
    task.parent,
    task.state,
    task.delegator.issuer,
    task.delegator.subject,
    task.agent.id,
    task.createdAt,
    task.window.expiresAt,
    task.budget.calls,
    JSON.stringify(task),
  );
}
