import type { DatabaseSync, StatementSync } from 'node:sqlite';

/**
 * The table of revoked tokens. It is read from the database each time, a microsecond from its page cache: how many
 * tokens are revoked is up to those who hold them, so memory is no place for all of them.
 */
export class RevokedTokenTable {
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #purge: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT OR IGNORE INTO revoked_tokens (id, keep_until) VALUES (?, ?)');
    this.#byId = db.prepare('SELECT 1 FROM revoked_tokens WHERE id = ?');
    this.#purge = db.prepare('DELETE FROM revoked_tokens WHERE keep_until <= ?');
  }

  /** `false` when it was there already. */
  insert(id: string, keepUntil: number): boolean {
    return this.#insert.run(id, keepUntil).changes === 1;
  }

  purge(now: number): void {
    this.#purge.run(now);
  }

  /** Transactions are opened and committed without a pause, so what is read between them is durable. */
  has(id: string): boolean {
    return this.#byId.get(id) !== undefined;
  }
}
