import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { isOutstanding, type Lease } from '../../core/lease.ts';
import type { LeaseFilter } from '../ports.ts';

/** The table of leases. None of it is kept in memory: few actions have to do with one. */
export class LeaseTable {
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #byId: StatementSync;
  readonly #sealed: StatementSync;
  readonly #list: StatementSync;
  readonly #outstandingOf: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      `INSERT INTO leases (id, task, target, state, made_at, outstanding, expires_at, body, sealed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = db.prepare(
      `UPDATE leases SET state = ?, outstanding = ?, expires_at = ?, body = ?,
         sealed = CASE WHEN ? = 1 THEN ifnull(?, sealed) END
       WHERE id = ?`,
    );
    this.#byId = db.prepare('SELECT body FROM leases WHERE id = ?');
    this.#sealed = db.prepare('SELECT sealed FROM leases WHERE id = ?');
    this.#outstandingOf = db.prepare('SELECT id FROM leases WHERE outstanding = 1 AND task = ? ORDER BY made_at, id');
    this.#list = db.prepare(
      `SELECT body FROM leases
       WHERE (:task IS NULL OR task = :task) AND (:target IS NULL OR target = :target) AND (:state IS NULL OR state = :state)
         AND (:outstanding IS NULL OR outstanding = 1) AND (:expired IS NULL OR expires_at <= :expired)
         AND (:at IS NULL OR (made_at, id) < (:at, :after))
       ORDER BY made_at DESC, id DESC LIMIT :limit`,
    );
  }

  insert(lease: Lease, sealed: string | null): void {
    const { id, task, target, state, madeAt, expiresAt } = lease;
    const outstanding = isOutstanding(state) ? 1 : 0;
    this.#insert.run(id, task, target, state, madeAt, outstanding, expiresAt, JSON.stringify(lease), sealed);
  }

  update(lease: Lease, sealed: string | null): void {
    const outstanding = isOutstanding(lease.state) ? 1 : 0;
    const { state, expiresAt, id } = lease;
    this.#update.run(state, outstanding, expiresAt, JSON.stringify(lease), outstanding, sealed, id);
  }

  of(id: string): Lease | undefined {
    const row = id.isWellFormed() ? this.#byId.get(id) : undefined;
    return row === undefined ? undefined : leaseOf(row);
  }

  sealed(id: string): string | undefined {
    const sealed = id.isWellFormed() ? this.#sealed.get(id)?.['sealed'] : undefined;
    return typeof sealed === 'string' ? sealed : undefined;
  }

  /** Ids, the oldest first. */
  outstandingOf(task: string): string[] {
    return this.#outstandingOf.all(task).map(({ id }) => String(id));
  }

  list({ task, target, state, outstanding, expiredBy, after, limit }: LeaseFilter): Lease[] {
    const before = after === undefined ? undefined : this.of(after);
    if (after !== undefined && before === undefined) return [];
    const rows = this.#list.all({
      task: task ?? null,
      target: target ?? null,
      state: state ?? null,
      outstanding: outstanding === true ? 1 : null,
      expired: expiredBy ?? null,
      at: before?.madeAt ?? null,
      after: after ?? null,
      limit,
    });
    return rows.map(leaseOf);
  }
}

function leaseOf(row: Record<string, SQLOutputValue>): Lease {
  return JSON.parse(String(row['body'])) as Lease;
}
