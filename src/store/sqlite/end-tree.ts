import { openClosing, type ByKind } from '../../core/closing.ts';
import type { Task } from '../../core/task.ts';
import type { ProcessStore, TaskEnd } from '../ports.ts';
import type { ApprovalTable } from './approval-table.ts';
import type { ClosingTable } from './closing-table.ts';
import type { IssuedTokenTable } from './issued-token-table.ts';
import type { TaskTable } from './task-table.ts';

export type EndTables = {
  tasks: TaskTable;
  approvals: ApprovalTable;
  tokens: IssuedTokenTable;
  closings: ClosingTable;
  processes: Pick<ProcessStore, 'processes'>;
};

/** What one end has changed in the open transaction. */
export type EndedTree = { tasks: Task[]; approvals: string[] };

/**
 * Ends a task and all below it, closes their approvals, and opens a closing for each with what was there to end at this
 * moment: whatever becomes of the process after the commit, the restart knows what has to be finished.
 */
export function endTree(end: TaskEnd, { tasks, approvals, tokens, closings, processes }: EndTables): EndedTree {
  const ended: EndedTree = { tasks: tasks.endTree(end), approvals: [] };
  for (const task of ended.tasks) {
    const closed = approvals.close(task.id);
    ended.approvals.push(...closed);
    const below = task.id === end.id ? ended.tasks.map(({ id }) => id).filter((id) => id !== end.id) : [];
    const issued = tokens.ofTask(task.id, end.at).map(({ id }) => id);
    const running = processes.processes(task.id).map(({ id }) => id);
    closings.write(
      openClosing(
        {
          task: task.id,
          cause: task.id === end.id ? (end.cause ?? end.to) : 'ancestor',
          reason: task.endReason!,
          by: end.by ?? null,
          at: end.at,
        },
        {
          ended: present({ tasks: below, approvals: closed }),
          outstanding: present({ tokens: issued, processes: running }),
        },
      ),
    );
  }
  return ended;
}

function present(byKind: ByKind): ByKind {
  return Object.fromEntries(Object.entries(byKind).filter(([, ids]) => ids.length > 0));
}

/** Memory after the commit. */
export function forgetTree(ended: EndedTree, { tasks, approvals }: Pick<EndTables, 'tasks' | 'approvals'>): void {
  for (const task of ended.tasks) tasks.remember({ task, used: { calls: 0 } });
  for (const id of ended.approvals) approvals.forget(id);
}
