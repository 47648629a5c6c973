import type { TaskView } from '../../core/decision.ts';
import type { Task } from '../../core/task.ts';
import { frozenJson } from './frozen.ts';

/** The columns of `task` that make up a `TaskView`. */
export const TASK_COLUMNS = 'body, state, ended_at, end_reason, used_calls';

export type TaskRow = {
  /** JSON of the `FixedTask`. */
  body: string;
  state: Task['state'];
  ended_at: number | null;
  end_reason: string | null;
  used_calls: number;
};

/** What never changes about a task. */
type FixedTask = Omit<Task, 'state' | 'endedAt' | 'endReason'>;

export function taskBody(task: Task): string {
  const { state: _state, endedAt: _endedAt, endReason: _endReason, ...fixed } = task;
  return JSON.stringify(fixed);
}

export function taskView(row: TaskRow): TaskView {
  const task: Task = { ...(frozenJson(row.body) as FixedTask), state: row.state };
  if (row.ended_at !== null) task.endedAt = row.ended_at;
  if (row.end_reason !== null) task.endReason = row.end_reason;
  return { task: Object.freeze(task), used: { calls: row.used_calls } };
}
