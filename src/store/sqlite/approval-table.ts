import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Approval } from '../../core/approval.ts';
import type { Delegator } from '../../core/party.ts';
import type { ApprovalStore } from '../ports.ts';

type Row = Record<string, SQLOutputValue>;

const COLUMNS = 'state, answered_at, answered_by, body';

/** The table of approvals, and in memory those that wait or are approved and not spent. */
export class ApprovalTable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #open: StatementSync;
  readonly #openFor: StatementSync;
  readonly #answer: StatementSync;
  readonly #spend: StatementSync;
  readonly #close: StatementSync;
  readonly #memory = new Map<string, Approval>();
  /** Ids of open approvals by task and digest. */
  readonly #byDigest = new Map<string, string>();

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare(
      'INSERT INTO approvals (id, task, digest, state, created_at, expires_at, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM approvals WHERE id = ?`);
    this.#open = db.prepare(`SELECT ${COLUMNS} FROM approvals WHERE state IN ('pending', 'approved')`);
    this.#openFor = db.prepare(
      `SELECT ${COLUMNS} FROM approvals
       WHERE task = ? AND digest = ? AND state IN ('pending', 'approved') AND expires_at > ? ORDER BY created_at DESC LIMIT 1`,
    );
    this.#answer = db.prepare(
      `UPDATE approvals SET state = ?, answered_at = ?, answered_by = ? WHERE id = ? AND state = 'pending' AND expires_at > ?`,
    );
    this.#spend = db.prepare(
      `UPDATE approvals SET state = 'spent' WHERE id = ? AND task = ? AND state = 'approved' AND expires_at > ?`,
    );
    this.#close = db.prepare(
      `UPDATE approvals SET state = 'closed' WHERE task = ? AND state IN ('pending', 'approved') RETURNING id`,
    );
    this.reload();
  }

  reload(): void {
    const rows = this.#open.all();
    this.#memory.clear();
    this.#byDigest.clear();
    for (const row of rows) this.remember(approvalOf(row));
  }

  remember(approval: Approval): void {
    if (approval.state === 'pending' || approval.state === 'approved') {
      this.#memory.set(approval.id, approval);
      this.#byDigest.set(digestKey(approval.task, approval.digest), approval.id);
    } else this.forget(approval.id);
  }

  forget(id: string): void {
    const approval = this.#memory.get(id);
    if (approval === undefined) return;
    this.#memory.delete(id);
    const key = digestKey(approval.task, approval.digest);
    if (this.#byDigest.get(key) === id) this.#byDigest.delete(key);
  }

  insert(approval: Approval): void {
    const { id, task, digest, state, createdAt, expiresAt } = approval;
    this.#insert.run(id, task, digest, state, createdAt, expiresAt, JSON.stringify(approval));
  }

  /** As the open transaction sees it. */
  waitingFor(task: string, digest: string, now: number): Approval | undefined {
    const row = this.#openFor.get(task, digest, now);
    return row === undefined ? undefined : approvalOf(row);
  }

  stored(id: string): Approval | undefined {
    const row = id.isWellFormed() ? this.#byId.get(id) : undefined;
    return row === undefined ? undefined : approvalOf(row);
  }

  /** `false` when it does not wait, or its time is over at `now`. */
  answer(answer: { id: string; to: 'approved' | 'refused'; by: Delegator; at: number }, now: number): boolean {
    return this.#answer.run(answer.to, answer.at, JSON.stringify(answer.by), answer.id, now).changes === 1;
  }

  /** INVARIANT 8: once, for the task it was given for, in time. */
  spend(id: string, task: string | undefined, now: number): boolean {
    return task !== undefined && this.#spend.run(id, task, now).changes === 1;
  }

  /** Closes what is open for a task; returns the ids. */
  close(task: string): string[] {
    return this.#close.all(task).map((row) => String(row['id']));
  }

  given(task: string, digest: string, now: number): Approval | undefined {
    const id = this.#byDigest.get(digestKey(task, digest));
    const approval = id === undefined ? undefined : this.#memory.get(id);
    return approval?.state === 'approved' && now < approval.expiresAt ? approval : undefined;
  }

  get(id: string): Approval | undefined {
    return this.#memory.get(id) ?? this.stored(id);
  }

  list(filter: Parameters<ApprovalStore['approvals']>[0]): Approval[] {
    const conditions: [string, string][] = [];
    if (filter.state !== undefined) conditions.push(['state = ?', filter.state]);
    if (filter.task !== undefined) conditions.push(['task = ?', filter.task]);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
    return this.#db
      .prepare(`SELECT ${COLUMNS} FROM approvals ${where} ORDER BY created_at DESC, id DESC LIMIT ?`)
      .all(...conditions.map(([, value]) => value), filter.limit)
      .map(approvalOf);
  }
}

function digestKey(task: string, digest: string): string {
  return `${digest} ${task}`;
}

function approvalOf(row: Row): Approval {
  const approval = JSON.parse(String(row['body'])) as Approval;
  approval.state = row['state'] as Approval['state'];
  if (row['answered_at'] !== null) approval.answeredAt = Number(row['answered_at']);
  if (row['answered_by'] !== null) approval.answeredBy = JSON.parse(String(row['answered_by'])) as Delegator;
  return approval;
}
