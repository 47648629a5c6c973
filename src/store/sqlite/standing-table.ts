import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { StandingAnswer } from '../../core/standing-answer.ts';
import type { StandingStore } from '../ports.ts';

const COLUMNS = 'state, uses_left, body';

/** The table of standing answers, and in memory those that can still be used. */
export class StandingTable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #active: StatementSync;
  readonly #spend: StatementSync;
  readonly #end: StatementSync;
  readonly #close: StatementSync;
  readonly #memory = new Map<string, StandingAnswer>();
  /** Ids by task. */
  readonly #byTask = new Map<string, Set<string>>();

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare(
      'INSERT INTO standing_answers (id, task, approval, state, uses_left, created_at, expires_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM standing_answers WHERE id = ?`);
    this.#active = db.prepare(`SELECT ${COLUMNS} FROM standing_answers WHERE state = 'active'`);
    this.#spend = db.prepare(
      `UPDATE standing_answers
       SET uses_left = uses_left - 1, state = CASE uses_left WHEN 1 THEN 'used_up' ELSE state END
       WHERE id = ? AND task = ? AND state = 'active' AND uses_left > 0 AND expires_at > ?`,
    );
    this.#end = db.prepare(`UPDATE standing_answers SET state = ? WHERE id = ? AND state = 'active'`);
    this.#close = db.prepare(
      `UPDATE standing_answers SET state = 'closed' WHERE task = ? AND state = 'active' RETURNING id`,
    );
    this.reload();
  }

  reload(): void {
    this.#memory.clear();
    this.#byTask.clear();
    for (const row of this.#active.all()) this.remember(standingOf(row));
  }

  remember(standing: StandingAnswer): void {
    if (standing.state !== 'active') return this.forget(standing.id);
    this.#memory.set(standing.id, standing);
    const known = this.#byTask.get(standing.task);
    if (known === undefined) this.#byTask.set(standing.task, new Set([standing.id]));
    else known.add(standing.id);
  }

  forget(id: string): void {
    const standing = this.#memory.get(id);
    if (standing === undefined) return;
    this.#memory.delete(id);
    const known = this.#byTask.get(standing.task)!;
    known.delete(id);
    if (known.size === 0) this.#byTask.delete(standing.task);
  }

  insert(standing: StandingAnswer): void {
    const { id, task, approval, state, usesLeft, createdAt, expiresAt } = standing;
    this.#insert.run(id, task, approval, state, usesLeft, createdAt, expiresAt, JSON.stringify(standing));
  }

  get(id: string): StandingAnswer | undefined {
    const row = id.isWellFormed() ? this.#byId.get(id) : undefined;
    return row === undefined ? undefined : standingOf(row);
  }

  /** INVARIANT 8: so often as was said, for its task, in time. */
  spend(id: string, task: string | null, now: number): boolean {
    return this.#spend.run(id, task, now).changes === 1;
  }

  revoke(id: string): boolean {
    return this.#end.run('revoked', id).changes === 1;
  }

  /** Closes what stands for a task; returns the ids. */
  close(task: string): string[] {
    return this.#close.all(task).map((row) => String(row['id']));
  }

  ofTask(task: string): StandingAnswer[] {
    return [...(this.#byTask.get(task) ?? [])].map((id) => this.#memory.get(id)!);
  }

  list({ limit, among, matching }: Parameters<StandingStore['standingAnswers']>[0]): StandingAnswer[] {
    const rows = this.#db
      .prepare(`SELECT ${COLUMNS} FROM standing_answers ORDER BY created_at DESC, id DESC LIMIT ?`)
      .iterate(among);
    const found: StandingAnswer[] = [];
    for (const row of rows) {
      const standing = standingOf(row);
      if (matching(standing)) found.push(standing);
      if (found.length === limit) break;
    }
    return found;
  }
}

function standingOf(row: Record<string, SQLOutputValue>): StandingAnswer {
  const standing = JSON.parse(String(row['body'])) as StandingAnswer;
  standing.state = row['state'] as StandingAnswer['state'];
  standing.usesLeft = Number(row['uses_left']);
  return standing;
}
