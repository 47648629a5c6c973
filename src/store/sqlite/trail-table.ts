import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from '../../core/effect.ts';
import { doneAfter, labelsWith, type Done, type DoneByOperation } from '../../core/trail.ts';
import type { Declassified, KeptLabel, Records } from '../ports.ts';

/** What is known of a tree of tasks: made anew when it changes, never changed. */
export type Trail = { labels: readonly string[]; done: DoneByOperation };

const EMPTY: Trail = { labels: [], done: {} };

/** What trees of tasks have done and touched, by their first task; in memory, those that were asked for. */
export class TrailTable {
  readonly #addLabel: StatementSync;
  readonly #labels: StatementSync;
  readonly #actions: StatementSync;
  readonly #succeed: StatementSync;
  readonly #declassify: StatementSync;
  readonly #declassified: StatementSync;
  readonly #addPrompt: StatementSync;
  readonly #prompt: StatementSync;
  readonly #memory = new Map<string, Trail>();

  constructor(db: DatabaseSync) {
    this.#addLabel = db.prepare(
      'INSERT INTO task_labels (task, label, record, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#labels = db.prepare('SELECT label, record, at FROM task_labels WHERE task = ? ORDER BY at, label');
    this.#actions = db.prepare(
      'SELECT target, operation, effect, times, succeeded, first_at, last_at FROM task_actions WHERE task = ?',
    );
    this.#succeed = db.prepare(
      'UPDATE task_actions SET succeeded = succeeded + 1 WHERE task = ? AND target = ? AND operation = ?',
    );
    this.#declassify = db.prepare(
      'INSERT INTO task_declassified (task, value, record, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#declassified = db.prepare(
      'SELECT value, record, at FROM task_declassified WHERE task = ? ORDER BY at, value',
    );
    this.#addPrompt = db.prepare('INSERT INTO task_prompts (task, sealed) VALUES (?, ?)');
    this.#prompt = db.prepare('SELECT sealed FROM task_prompts WHERE task = ?');
  }

  reload(): void {
    this.#memory.clear();
  }

  forget(root: string): void {
    this.#memory.delete(root);
  }

  /** @param live whether it is to be kept in memory. */
  of(root: string, live: boolean): Trail {
    const known = this.#memory.get(root);
    if (known !== undefined) return known;
    const labels = this.labels(root).map(({ label }) => label);
    const done = Object.fromEntries(
      this.#actions.all(root).map((row) => [`${String(row['target'])}:${String(row['operation'])}`, doneOf(row)]),
    );
    const trail = labels.length === 0 && Object.keys(done).length === 0 ? EMPTY : { labels, done };
    if (live) this.#memory.set(root, trail);
    return trail;
  }

  /** In the open transaction. */
  addLabels(root: string, labels: readonly string[], record: string, at: number): void {
    for (const label of labels) this.#addLabel.run(root, label, record, at);
  }

  /** In the open transaction. */
  succeed(tasks: readonly string[], { target, operation }: { target: string; operation: string }): void {
    for (const task of tasks) this.#succeed.run(task, target, operation);
  }

  /** Memory's part of an admission: what was permitted, and its labels. */
  grown(root: string, { labels = [], records }: { labels?: readonly string[]; records: Records }): void {
    const known = this.#memory.get(root);
    if (known === undefined) return;
    let { done } = known;
    for (const record of records) {
      if (record.kind !== 'decision' || record.decision.outcome !== 'permit') continue;
      done = doneAfter(done, { ...record.action, at: record.time });
    }
    this.#memory.set(root, { labels: labelsWith(known.labels, labels), done });
  }

  /** Memory's part of an outcome. */
  settled(root: string, outcome: { id: string; succeeded: boolean; labels: readonly string[] }): void {
    const known = this.#memory.get(root);
    if (known === undefined) return;
    const labels = labelsWith(known.labels, outcome.labels);
    const before = Object.hasOwn(known.done, outcome.id) ? known.done[outcome.id]! : undefined;
    if (!outcome.succeeded || before === undefined) return void this.#memory.set(root, { ...known, labels });
    const done = { ...known.done, [outcome.id]: { ...before, succeeded: before.succeeded + 1 } };
    this.#memory.set(root, { labels, done });
  }

  labels(root: string): KeptLabel[] {
    return this.#labels.all(root).map((row) => ({ label: String(row['label']), ...madeOf(row) }));
  }

  declassify(root: string, { value, record, at }: Declassified): boolean {
    return this.#declassify.run(root, value, record, at).changes === 1;
  }

  declassified(root: string): Declassified[] {
    return this.#declassified.all(root).map((row) => ({ value: String(row['value']), ...madeOf(row) }));
  }

  addPrompt(root: string, sealed: string): void {
    this.#addPrompt.run(root, sealed);
  }

  prompt(root: string): string | undefined {
    const row = this.#prompt.get(root);
    return row === undefined ? undefined : String(row['sealed']);
  }
}

type Row = Record<string, unknown>;

function madeOf(row: Row): { record: string; at: number } {
  return { record: String(row['record']), at: Number(row['at']) };
}

function doneOf(row: Row): Done {
  return {
    effect: row['effect'] as Effect,
    times: Number(row['times']),
    succeeded: Number(row['succeeded']),
    firstAt: Number(row['first_at']),
    lastAt: Number(row['last_at']),
  };
}
