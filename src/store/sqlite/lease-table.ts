import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { isOutstanding, type Lease } from '../../core/lease.ts';
import type { LeaseFilter } from '../ports.ts';

/** The table of leases. None of it is kept in memory: few actions have to do with one. */
export class LeaseTable {
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #byId: StatementSync;
  readonly #sealed: StatementSync;
  readonly #db: DatabaseSync;
  /** By their conditions: each list finds its index. */
  readonly #lists = new Map<string, StatementSync>();
  readonly #outstandingOf: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
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

  list({
    told,
    task,
    target,
    agent,
    delegator,
    state,
    identifier,
    outstanding,
    expiredBy,
    after,
    limit,
  }: LeaseFilter): Lease[] {
    const before = after === undefined ? undefined : this.of(after);
    if (after !== undefined && before === undefined) return [];
    const conditions: [sql: string, ...values: (string | number)[]][] = [];
    if (task !== undefined) conditions.push(['task = ?', task]);
    if (target !== undefined) conditions.push(['target = ?', target]);
    if (agent !== undefined) conditions.push([`body ->> '$.agent' = ?`, agent]);
    if (delegator !== undefined) conditions.push([`body ->> '$.delegator' = ?`, delegator]);
    if (state !== undefined) conditions.push(['state = ?', state]);
    if (outstanding === true) conditions.push(['outstanding = 1']);
    if (expiredBy !== undefined) conditions.push(['expires_at <= ?', expiredBy]);
    if (identifier !== undefined) conditions.push([`body ->> '$.identifier' = ?`, identifier]);
    if (told === false) conditions.push([`body ->> '$.overstaysSince' IS NULL`]);
    if (before !== undefined) conditions.push(['(made_at, id) < (?, ?)', before.madeAt, before.id]);
    const where = conditions.map(([sql]) => sql).join(' AND ');
    const rows = this.#listing(where).all(...conditions.flatMap(([, ...values]) => values), limit);
    return rows.map(leaseOf);
  }

  #listing(where: string): StatementSync {
    let statement = this.#lists.get(where);
    if (statement === undefined) {
      const all = where === '' ? '' : `WHERE ${where} `;
      statement = this.#db.prepare(`SELECT body FROM leases ${all}ORDER BY made_at DESC, id DESC LIMIT ?`);
      this.#lists.set(where, statement);
    }
    return statement;
  }
}

function leaseOf(row: Record<string, SQLOutputValue>): Lease {
  return JSON.parse(String(row['body'])) as Lease;
}
