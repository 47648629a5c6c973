import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The table of tokens that were issued under tasks. Rows go when a token is revoked or has expired. */
export class IssuedTokenTable {
  readonly #insert: StatementSync;
  readonly #ofTask: StatementSync;
  readonly #delete: StatementSync;
  readonly #purge: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO issued_tokens (id, task, expires_at) VALUES (?, ?, ?)');
    this.#ofTask = db.prepare('SELECT id, expires_at FROM issued_tokens WHERE task = ? AND expires_at > ? ORDER BY id');
    this.#delete = db.prepare('DELETE FROM issued_tokens WHERE id = ?');
    this.#purge = db.prepare('DELETE FROM issued_tokens WHERE expires_at <= ?');
  }

  insert(token: { id: string; expiresAt: number }, task: string, now: number): void {
    this.#purge.run(now);
    this.#insert.run(token.id, task, token.expiresAt);
  }

  ofTask(task: string, now: number): { id: string; expiresAt: number }[] {
    return this.#ofTask.all(task, now).map((row) => ({ id: String(row['id']), expiresAt: Number(row['expires_at']) }));
  }

  delete(id: string): void {
    this.#delete.run(id);
  }
}
