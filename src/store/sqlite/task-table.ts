import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { TaskView } from '../../core/decision.ts';
import { delegatorOf } from '../../core/party.ts';
import type { Suspension } from '../../core/suspension.ts';
import type { SpiffeId } from '../../core/spiffe-id.ts';
import type { Task } from '../../core/task.ts';
import { usedAfter, type Draw } from '../../core/budget.ts';
import type { Taken, TaskStore } from '../ports.ts';
import { CounterTable } from './counter-table.ts';

type Row = Record<string, SQLOutputValue>;
type TaskFilter = Parameters<TaskStore['tasks']>[0];

const COLUMNS = 'state, used_calls, used_at, ended_at, end_reason, body';

const TOUCH_EVERY_MS = 1_000;

/** The table of tasks, and in memory those that have not ended. */
export class TaskTable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #live: StatementSync;
  readonly #tree: StatementSync;
  readonly #whole: StatementSync;
  readonly #end: StatementSync;
  readonly #take: StatementSync;
  readonly #isLive: StatementSync;
  readonly #liveAgents: StatementSync;
  readonly #liveOf: StatementSync;
  readonly #state: StatementSync;
  readonly #touch: StatementSync;
  readonly #usedAt: StatementSync;
  readonly #giveBack: StatementSync;
  readonly #counters: CounterTable;
  readonly #memory = new Map<string, TaskView>();
  /** When tasks that have not ended were last used, where they were. */
  readonly #used = new Map<string, number>();

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare(
      `INSERT INTO tasks (id, parent, state, delegator_issuer, delegator_subject, agent, created_at, expires_at, budget_calls, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM tasks WHERE id = ?`);
    this.#live = db.prepare(`SELECT ${COLUMNS} FROM tasks WHERE state IN ('requested', 'active')`);
    // The task and all below it that have not ended, parents before their children. Below a task that has ended
    // nothing is alive, so the walk stops there. The `+` and CROSS JOIN keep the planner
    // from looking at every task that there is.
    this.#tree = db.prepare(
      `WITH RECURSIVE tree (id, depth) AS (
         SELECT id, 0 FROM tasks WHERE id = ? AND state IN ('requested', 'active')
         UNION ALL
         SELECT child.id, tree.depth + 1 FROM tasks child JOIN tree ON child.parent = tree.id
         WHERE +child.state IN ('requested', 'active')
       )
       SELECT id FROM tree CROSS JOIN tasks USING (id) ORDER BY depth, created_at, id`,
    );
    this.#whole = db.prepare(
      `WITH RECURSIVE tree (id, depth) AS (
         SELECT id, 0 FROM tasks WHERE id = ?1
         UNION ALL
         SELECT child.id, tree.depth + 1 FROM tasks child JOIN tree ON child.parent = tree.id LIMIT ?2
       )
       SELECT ${COLUMNS} FROM tree CROSS JOIN tasks USING (id) ORDER BY depth, created_at, id`,
    );
    this.#end = db.prepare('UPDATE tasks SET state = ?, ended_at = ?, end_reason = ? WHERE id = ?');
    this.#take = db.prepare(
      `UPDATE tasks SET used_calls = used_calls + ?2
       WHERE id = ?1 AND state = 'active' AND expires_at > ?3 AND used_calls + ?2 <= budget_calls
       RETURNING parent`,
    );
    this.#isLive = db.prepare(`SELECT 1 FROM tasks WHERE id = ? AND state = 'active' AND expires_at > ?`);
    this.#liveAgents = db.prepare("SELECT DISTINCT agent FROM tasks WHERE state IN ('requested', 'active')");
    this.#liveOf = db.prepare(
      "SELECT id FROM tasks WHERE agent = ? AND state IN ('requested', 'active') ORDER BY created_at, id",
    );
    this.#state = db.prepare('SELECT state FROM tasks WHERE id = ?');
    this.#touch = db.prepare('UPDATE tasks SET used_at = ?2 WHERE id = ?1 AND coalesce(used_at, 0) <= ?2 - ?3');
    this.#usedAt = db.prepare('SELECT used_at FROM tasks WHERE id = ?');
    this.#giveBack = db.prepare('UPDATE tasks SET used_calls = used_calls - 1 WHERE id = ? AND used_calls > 0');
    this.#counters = new CounterTable(db);
    this.reload();
  }

  reload(): void {
    const rows = this.#live.all();
    this.#memory.clear();
    this.#used.clear();
    for (const row of rows) {
      const view = this.#viewOf(row);
      this.remember(view);
      if (row['used_at'] !== null) this.#used.set(view.task.id, Number(row['used_at']));
    }
  }

  remember(view: TaskView): void {
    if (view.task.state === 'active' || view.task.state === 'requested') this.#memory.set(view.task.id, view);
    else {
      this.#memory.delete(view.task.id);
      this.#used.delete(view.task.id);
    }
  }

  insert(task: Task): void {
    this.#insert.run(
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
    this.#counters.insert(task.id, task.budget);
  }

  /** As the open transaction sees it. */
  stateOf(id: string): Task['state'] | undefined {
    const row = this.#state.get(id);
    return row === undefined ? undefined : (row['state'] as Task['state']);
  }

  /** Whether the task is active and its window open, as the open transaction sees it. */
  isLive(id: string, now: number): boolean {
    return this.#isLive.get(id, now) !== undefined;
  }

  /** Ids of the tasks that have not ended, of all agents that are meant, as the open transaction sees it. */
  liveOf(isMeant: (agent: SpiffeId) => boolean): string[] {
    const agents = this.#liveAgents.all().map(({ agent }) => agent as SpiffeId);
    return agents.filter(isMeant).flatMap((agent) => this.#liveOf.all(agent).map(({ id }) => String(id)));
  }

  /**
   * Takes `calls` from the task's budget and gives its parent; `undefined` when it is not live or the budget does not
   * hold them. A window that has closed ends authority at that moment, whether or not the end was written yet.
   */
  take(id: string, calls: number, now: number): { parent: string | null } | undefined {
    return this.#take.get(id, calls, now) as { parent: string | null } | undefined;
  }

  /** Keeps that the task is used at `now`, to the second. */
  touch(id: string, now: number): void {
    this.#touch.run(id, now, TOUCH_EVERY_MS);
  }

  /** Whether the task was used after `since`, as the open transaction sees it. */
  isUsedAfter(id: string, since: number): boolean {
    return Number(this.#usedAt.get(id)?.['used_at'] ?? 0) > since;
  }

  /** Those that have not ended and could end with the suspension, as the open transaction sees them; oldest first. */
  liveUnder({ kind, id }: Pick<Suspension, 'kind' | 'id'>): Task[] {
    const { issuer, subject } = delegatorOf(id);
    const [condition, values] =
      kind === 'delegator' ? ['AND delegator_issuer = ? AND delegator_subject = ?', [issuer, subject]] : ['', []];
    return this.#db
      .prepare(
        `SELECT ${COLUMNS} FROM tasks WHERE state IN ('requested', 'active') ${condition} ORDER BY created_at, id`,
      )
      .all(...values)
      .map((row) => this.#viewOf(row).task);
  }

  /** Ends the task and its descendants; returns them as they are now. */
  endTree(end: { id: string; to: Task['state']; at: number; reason: string }): Task[] {
    return this.#tree.all(end.id).map((row) => {
      const id = String(row['id']);
      // One that was made in this same transaction is not in memory yet.
      const { task } = this.#memory.get(id) ?? taskOf(this.#byId.get(id)!);
      const own = id === end.id;
      // A descendant ends because its ancestor did: it is revoked, whatever became of the ancestor.
      const ended: Task = {
        ...task,
        state: own ? end.to : 'revoked',
        endedAt: end.at,
        endReason: own ? end.reason : `its ancestor \`${end.id}\` ended: ${end.reason}`,
      };
      this.#end.run(ended.state, end.at, ended.endReason!, task.id);
      return ended;
    });
  }

  wasUsed(id: string, now: number): void {
    if (this.#memory.has(id)) this.#used.set(id, Math.max(now, this.#used.get(id) ?? 0));
  }

  /** From a counter beside the calls; `false` when its limit does not hold it. */
  takeFrom(draw: Draw): boolean {
    return this.#counters.take(draw);
  }

  /** What was taken, in the open transaction. */
  giveBack({ chain, counted, draws = [] }: Taken): void {
    if (counted) for (const id of chain) this.#giveBack.run(id);
    for (const draw of draws) this.#counters.giveBack(draw);
  }

  /** Memory's part of what was taken (`sign` 1) or given back (-1). */
  countTaken({ chain, counted, draws = [] }: Taken, sign: 1 | -1): void {
    for (const id of chain) {
      const view = this.#memory.get(id);
      if (view === undefined) continue;
      const own = draws.filter(({ task }) => task === id);
      this.#memory.set(id, { ...view, used: usedAfter(view.used, { calls: counted ? 1 : 0, draws: own }, sign) });
    }
  }

  view(id: string): TaskView | undefined {
    const remembered = this.#memory.get(id);
    if (remembered !== undefined) return remembered;
    const row = id.isWellFormed() ? this.#byId.get(id) : undefined;
    return row === undefined ? undefined : this.#viewOf(row);
  }

  /** Whether it has not ended. */
  isInMemory(id: string): boolean {
    return this.#memory.has(id);
  }

  chain(id: string): TaskView[] {
    const chain: TaskView[] = [];
    for (let next: string | null = id; next !== null;) {
      const view: TaskView | undefined = this.view(next);
      if (view === undefined) return [];
      chain.push(view);
      next = view.task.parent;
    }
    return chain;
  }

  tree(id: string, limit: number): TaskView[] {
    return id.isWellFormed() ? this.#whole.all(id, limit).map((row) => this.#viewOf(row)) : [];
  }

  live(): Task[] {
    return [...this.#memory.values()].map((view) => view.task);
  }

  unused(since: number): Task[] {
    return this.live().filter(({ id, state, window, createdAt }) => {
      const last = Math.max(this.#used.get(id) ?? 0, window.notBefore, createdAt);
      return state === 'active' && last <= since;
    });
  }

  overdue(now: number): Task[] {
    return [...this.#memory.values()].map((view) => view.task).filter((task) => task.window.expiresAt <= now);
  }

  list(filter: TaskFilter): Task[] {
    const conditions: [string, (string | number)[]][] = [];
    if (filter.state !== undefined) conditions.push(['state = ?', [filter.state]]);
    if (filter.agent !== undefined) conditions.push(['agent = ?', [filter.agent]]);
    if (filter.delegator !== undefined) {
      conditions.push([
        'delegator_issuer = ? AND delegator_subject = ?',
        [filter.delegator.issuer, filter.delegator.subject],
      ]);
    }
    if (filter.after !== undefined) {
      conditions.push(['(created_at, id) < (SELECT created_at, id FROM tasks WHERE id = ?)', [filter.after]]);
    }
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
    return this.#db
      .prepare(`SELECT ${COLUMNS} FROM tasks ${where} ORDER BY created_at DESC, id DESC LIMIT ?`)
      .all(...conditions.flatMap(([, values]) => values), filter.limit)
      .map((row) => taskOf(row).task);
  }

  #viewOf(row: Row): TaskView {
    const { task, calls } = taskOf(row);
    const counters = this.#counters.of(task.id, task.budget);
    return { task, used: counters === undefined ? { calls } : { calls, counters } };
  }
}

function taskOf(row: Row): { task: Task; calls: number } {
  const task = JSON.parse(String(row['body'])) as Task;
  task.state = row['state'] as Task['state'];
  if (row['ended_at'] !== null) task.endedAt = Number(row['ended_at']);
  if (row['end_reason'] !== null) task.endReason = String(row['end_reason']);
  return { task, calls: Number(row['used_calls']) };
}
