import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { FindSuspension, Suspension, SuspensionKind } from '../../core/suspension.ts';

const COLUMNS = 'kind, id, since, suspended_by, reason';

/** The table of suspensions, and all of it in memory: it is asked at every decision. */
export class SuspensionTable {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #one: StatementSync;
  readonly #all: StatementSync;
  readonly #memory = new Map<string, Suspension>();

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(`INSERT OR IGNORE INTO suspensions (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`);
    this.#delete = db.prepare('DELETE FROM suspensions WHERE kind = ? AND id = ?');
    this.#one = db.prepare(`SELECT ${COLUMNS} FROM suspensions WHERE kind = ? AND id = ?`);
    this.#all = db.prepare(`SELECT ${COLUMNS} FROM suspensions ORDER BY since, kind, id`);
    this.reload();
  }

  reload(): void {
    this.#memory.clear();
    for (const row of this.#all.all()) this.remember(suspensionOf(row));
  }

  remember(suspension: Suspension): void {
    this.#memory.set(keyOf(suspension.kind, suspension.id), suspension);
  }

  forget(kind: SuspensionKind, id: string): void {
    this.#memory.delete(keyOf(kind, id));
  }

  /** `false` when it is there already. */
  insert({ kind, id, since, by, reason }: Suspension): boolean {
    return this.#insert.run(kind, id, since, by, reason).changes === 1;
  }

  /** `false` when it is not there. */
  delete(kind: SuspensionKind, id: string): boolean {
    return this.#delete.run(kind, id).changes === 1;
  }

  /** As the open transaction sees it. */
  readonly stored: FindSuspension = (kind, id) => {
    const row = this.#one.get(kind, id);
    return row === undefined ? undefined : suspensionOf(row);
  };

  readonly find: FindSuspension = (kind, id) =>
    this.#memory.size === 0 ? undefined : this.#memory.get(keyOf(kind, id));

  all(): Suspension[] {
    return [...this.#memory.values()];
  }
}

function keyOf(kind: SuspensionKind, id: string): string {
  return `${kind} ${id}`;
}

function suspensionOf(row: Record<string, SQLOutputValue>): Suspension {
  return {
    kind: row['kind'] as SuspensionKind,
    id: String(row['id']),
    since: Number(row['since']),
    by: String(row['suspended_by']),
    reason: String(row['reason']),
  };
}
