import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { TaskView } from '../../core/decision.ts';
import { InvalidRequest } from '../../core/errors.ts';
import type { Task } from '../../core/task.ts';
import type { TaskStore } from '../ports.ts';
import { TASK_COLUMNS, taskView, type TaskRow } from './task-row.ts';

type Filter = Parameters<TaskStore['tasks']>[0];

/** The reads of tasks that go to the database: those that have ended, and lists. */
export function readTasks(db: DatabaseSync) {
  const one = db.prepare(`SELECT ${TASK_COLUMNS} FROM task WHERE id = ?`);
  const overdue = db.prepare(
    `SELECT ${TASK_COLUMNS} FROM task WHERE state = 'active' AND expires_at <= ? ORDER BY expires_at, seq`,
  );
  const sequence = db.prepare('SELECT seq FROM task WHERE id = ?');

  return {
    one(id: string): TaskView | undefined {
      const row = id.isWellFormed() ? one.get(id) : undefined;
      return row === undefined ? undefined : taskView(row as TaskRow);
    },
    overdue(now: number): Task[] {
      return (overdue.all(now) as TaskRow[]).map((row) => taskView(row).task);
    },
    /** @throws InvalidRequest when `after` names no task. */
    list(filter: Filter): Task[] {
      const conditions = ['1'];
      const values: SQLInputValue[] = [];
      const where = (condition: string, ...bound: SQLInputValue[]) => {
        conditions.push(condition);
        values.push(...bound);
      };
      if (filter.state !== undefined) where('state = ?', filter.state);
      if (filter.delegator !== undefined) {
        where('delegator_issuer = ? AND delegator_subject = ?', filter.delegator.issuer, filter.delegator.subject);
      }
      if (filter.agent !== undefined) where('agent = ?', filter.agent);
      if (filter.after !== undefined) {
        const last = sequence.get(filter.after) as { seq: number } | undefined;
        if (last === undefined) throw new InvalidRequest(`there is no task \`${filter.after}\` to go on after`);
        where('seq < ?', last.seq);
      }
      const sql = `SELECT ${TASK_COLUMNS} FROM task WHERE ${conditions.join(' AND ')} ORDER BY seq DESC LIMIT ?`;
      const rows = db.prepare(sql).all(...values, Math.max(0, filter.limit)) as TaskRow[];
      return rows.map((row) => taskView(row).task);
    },
  };
}
