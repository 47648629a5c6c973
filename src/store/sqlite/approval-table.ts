import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { approversOf, type Answer, type Approval } from '../../core/approval.ts';
import type { GivenApproval } from '../../core/decision.ts';
import { delegatorId, type Delegator } from '../../core/party.ts';
import type { ApprovalStore } from '../ports.ts';

type Row = Record<string, SQLOutputValue>;

const COLUMNS = 'id, state, body';

/** What the way of an action has to know of an approval; the rest is read when somebody looks. */
type Given = Pick<Approval, 'id' | 'task' | 'digest' | 'expiresAt'> & { approvers: Delegator[] };

/** The tables of approvals and answers, and in memory those that are approved and not spent. */
export class ApprovalTable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #given: StatementSync;
  readonly #openFor: StatementSync;
  readonly #state: StatementSync;
  readonly #waiting: StatementSync;
  readonly #settle: StatementSync;
  readonly #answer: StatementSync;
  readonly #answers: StatementSync;
  readonly #spend: StatementSync;
  readonly #close: StatementSync;
  readonly #alike: StatementSync;
  readonly #lastAlike: StatementSync;
  readonly #byPerson: StatementSync;
  readonly #memory = new Map<string, Given>();
  /** Ids by task and digest. */
  readonly #byDigest = new Map<string, string>();

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare(
      `INSERT INTO approvals (id, task, digest, requester, agent, target, operation, state, created_at, expires_at, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM approvals WHERE id = ?`);
    this.#given = db.prepare(`SELECT ${COLUMNS} FROM approvals WHERE state = 'approved'`);
    this.#openFor = db.prepare(
      `SELECT ${COLUMNS} FROM approvals
       WHERE task IS ? AND digest = ? AND state IN ('pending', 'approved', 'refused') AND expires_at > ? ORDER BY created_at DESC LIMIT 1`,
    );
    this.#state = db.prepare('SELECT task, state FROM approvals WHERE id = ?');
    this.#waiting = db.prepare(
      `SELECT count(*) AS waiting FROM approvals
       WHERE state = 'pending' AND expires_at > ? AND task IS ? AND (task IS NOT NULL OR requester = ?)`,
    );
    this.#settle = db.prepare(`UPDATE approvals SET state = ? WHERE id = ? AND state = 'pending' AND expires_at > ?`);
    // A no after one's own yes stands; a yes after anything does not.
    this.#answer = db.prepare(
      `INSERT INTO answers (approval, issuer, subject, answer, at, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET answer = excluded.answer, at = excluded.at, body = excluded.body
       WHERE excluded.answer = 'refused'`,
    );
    this.#answers = db.prepare('SELECT answer, at, body FROM answers WHERE approval = ? ORDER BY at, issuer, subject');
    this.#spend = db.prepare(
      `UPDATE approvals SET state = 'spent' WHERE id = ? AND task IS ? AND state = 'approved' AND expires_at > ?`,
    );
    this.#close = db.prepare(
      `UPDATE approvals SET state = 'closed' WHERE task = ? AND state IN ('pending', 'approved') RETURNING id`,
    );
    const alike = `FROM answers JOIN approvals ON approvals.id = answers.approval
       WHERE target = ? AND operation = ? AND agent IS ? AND answers.at >= ?`;
    this.#alike = db.prepare(`SELECT answer, count(*) AS count ${alike} GROUP BY answer`);
    this.#lastAlike = db.prepare(
      `SELECT answer, at, answers.body AS body ${alike} ORDER BY at DESC, approval DESC LIMIT ?`,
    );
    this.#byPerson = db.prepare('SELECT count(*) AS count FROM answers WHERE issuer = ? AND subject = ? AND at >= ?');
    this.reload();
  }

  reload(): void {
    this.#memory.clear();
    this.#byDigest.clear();
    for (const row of this.#given.all()) this.remember(this.#approval(row));
  }

  remember(approval: Approval): void {
    if (approval.state !== 'approved') return this.forget(approval.id);
    const { id, task, digest, expiresAt } = approval;
    this.#memory.set(id, { id, task, digest, expiresAt, approvers: approversOf(approval) });
    this.#byDigest.set(digestKey(task, digest), id);
  }

  forget(id: string): void {
    const given = this.#memory.get(id);
    if (given === undefined) return;
    this.#memory.delete(id);
    const key = digestKey(given.task, given.digest);
    if (this.#byDigest.get(key) === id) this.#byDigest.delete(key);
  }

  insert(approval: Approval): void {
    const { id, task, digest, requester, card, state, createdAt, expiresAt, answers: _answers, ...rest } = approval;
    this.#insert.run(
      id,
      task,
      digest,
      delegatorId(requester.delegator),
      requester.agent,
      card.target,
      card.operation,
      state,
      createdAt,
      expiresAt,
      JSON.stringify({ id, task, digest, requester, card, createdAt, expiresAt, ...rest }),
    );
  }

  /** As the open transaction sees it. */
  openFor(task: string | null, digest: string, now: number): Approval | undefined {
    const row = this.#openFor.get(task, digest, now);
    return row === undefined ? undefined : this.#approval(row);
  }

  /** How many wait for an answer of the same task, or of the same person where there is no task. */
  waiting({ task, requester }: Pick<Approval, 'task' | 'requester'>, now: number): number {
    return Number(this.#waiting.get(now, task, delegatorId(requester.delegator))?.['waiting'] ?? 0);
  }

  get(id: string): Approval | undefined {
    const row = id.isWellFormed() ? this.#byId.get(id) : undefined;
    return row === undefined ? undefined : this.#approval(row);
  }

  state(id: string): Pick<Approval, 'task' | 'state'> | undefined {
    const row = id.isWellFormed() ? this.#state.get(id) : undefined;
    return row === undefined
      ? undefined
      : { task: row['task'] as string | null, state: row['state'] as Approval['state'] };
  }

  /** `false` when this person has said it before. */
  answer(id: string, { to, by, at, reason }: Answer): boolean {
    const body = JSON.stringify({ by, ...(reason === undefined ? {} : { reason }) });
    return this.#answer.run(id, by.issuer, by.subject, to, at, body).changes === 1;
  }

  /** `false` when it does not wait, or its time is over at `now`. */
  settle(id: string, to: 'approved' | 'refused', now: number): boolean {
    return this.#settle.run(to, id, now).changes === 1;
  }

  /** INVARIANT 8: once, for the task it was given for, in time. */
  spend(id: string, task: string | null, now: number): boolean {
    return this.#spend.run(id, task, now).changes === 1;
  }

  /** Closes what is open for a task; returns the ids. */
  close(task: string): string[] {
    return this.#close.all(task).map((row) => String(row['id']));
  }

  given(task: string | null, digest: string, now: number): GivenApproval | undefined {
    const given = this.#memory.get(this.#byDigest.get(digestKey(task, digest)) ?? '');
    return given === undefined || now >= given.expiresAt ? undefined : { id: given.id, approvers: given.approvers };
  }

  /** One row at a time: an approval holds its arguments in full. */
  list({ state, task, limit, among, matching }: Parameters<ApprovalStore['approvals']>[0]): Approval[] {
    const conditions: [string, string][] = [];
    if (state !== undefined) conditions.push(['state = ?', state]);
    if (task !== undefined) conditions.push(['task = ?', task]);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
    const rows = this.#db
      .prepare(`SELECT ${COLUMNS} FROM approvals ${where} ORDER BY created_at DESC, id DESC LIMIT ?`)
      .iterate(...conditions.map(([, value]) => value), among ?? limit);
    const found: Approval[] = [];
    for (const row of rows) {
      const approval = this.#approval(row);
      if (matching?.(approval) !== false) found.push(approval);
      if (found.length === limit) break;
    }
    return found;
  }

  answersAlike(
    { target, operation, agent, since }: Parameters<ApprovalStore['answersAlike']>[0],
    limit: number,
  ): ReturnType<ApprovalStore['answersAlike']> {
    const counts = this.#alike.all(target, operation, agent, since);
    const count = (to: Answer['to']) => Number(counts.find(({ answer }) => answer === to)?.['count'] ?? 0);
    return {
      approved: count('approved'),
      refused: count('refused'),
      last: this.#lastAlike.all(target, operation, agent, since, limit).map(answerOf),
    };
  }

  answersBy({ issuer, subject }: Parameters<ApprovalStore['answersBy']>[0], since: number): number {
    return Number(this.#byPerson.get(issuer, subject, since)?.['count'] ?? 0);
  }

  #approval(row: Row): Approval {
    const approval = JSON.parse(String(row['body'])) as Approval;
    approval.state = row['state'] as Approval['state'];
    approval.answers = this.#answers.all(approval.id).map(answerOf);
    return approval;
  }
}

function answerOf(row: Row): Answer {
  return {
    to: row['answer'] as Answer['to'],
    at: Number(row['at']),
    ...(JSON.parse(String(row['body'])) as Pick<Answer, 'by' | 'reason'>),
  };
}

function digestKey(task: string | null, digest: string): string {
  return `${digest} ${task ?? ''}`;
}
