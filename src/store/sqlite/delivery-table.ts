import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Delivery, SettledDelivery } from '../ports.ts';

/** What was tried to tell webhooks. What was never tried has no row: it is found from the approvals themselves. */
export class DeliveryTable {
  readonly #requested: StatementSync;
  readonly #resolved: StatementSync;
  readonly #settle: StatementSync;
  readonly #told: StatementSync;

  constructor(db: DatabaseSync) {
    this.#requested = db.prepare(
      `SELECT approvals.id AS approval, ifnull(attempts, 0) AS attempts
       FROM approvals LEFT JOIN webhook_deliveries delivery
         ON delivery.endpoint = ? AND delivery.approval = approvals.id AND delivery.event = 'approval.requested'
       WHERE approvals.state = 'pending' AND approvals.expires_at > ?
         AND (delivery.approval IS NULL OR (delivery.state = 'retry' AND delivery.next_at <= ?))
       ORDER BY approvals.created_at, approvals.id LIMIT ?`,
    );
    this.#resolved = db.prepare(
      `SELECT told.approval AS approval, ifnull(delivery.attempts, 0) AS attempts
       FROM webhook_deliveries told JOIN approvals ON approvals.id = told.approval
       LEFT JOIN webhook_deliveries delivery
         ON delivery.endpoint = told.endpoint AND delivery.approval = told.approval AND delivery.event = 'approval.resolved'
       WHERE told.endpoint = ? AND told.event = 'approval.requested' AND told.state = 'delivered'
         AND (approvals.state <> 'pending' OR approvals.expires_at <= ?)
         AND (delivery.approval IS NULL OR (delivery.state = 'retry' AND delivery.next_at <= ?))
       ORDER BY approvals.created_at, approvals.id LIMIT ?`,
    );
    this.#settle = db.prepare(
      `INSERT INTO webhook_deliveries (endpoint, approval, event, attempts, next_at, state, problem) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         attempts = excluded.attempts, next_at = excluded.next_at, state = excluded.state, problem = excluded.problem`,
    );
    this.#told = db.prepare(
      `UPDATE webhook_deliveries SET state = 'closed' WHERE endpoint = ? AND approval = ? AND event = 'approval.requested'`,
    );
  }

  due(endpoint: string, now: number, limit: number): Delivery[] {
    const requested = this.#requested.all(endpoint, now, now, limit);
    const resolved = this.#resolved.all(endpoint, now, now, limit - requested.length);
    const deliveries = (rows: typeof requested, event: Delivery['event']): Delivery[] =>
      rows.map((row) => ({ approval: String(row['approval']), event, attempts: Number(row['attempts']) }));
    return [...deliveries(requested, 'approval.requested'), ...deliveries(resolved, 'approval.resolved')];
  }

  settle({ endpoint, approval, event, attempts, nextAt, state, problem }: SettledDelivery): void {
    this.#settle.run(endpoint, approval, event, attempts, nextAt, state, problem);
    // Nothing more is to be said of it, so nobody has to look for more.
    if (event === 'approval.resolved' && state !== 'retry') this.#told.run(endpoint, approval);
  }
}
