import { openClosing, type ByKind } from '../../core/closing.ts';
import type { Task } from '../../core/task.ts';
import type { ProcessStore, TaskEnd } from '../ports.ts';
import type { ApprovalTable } from './approval-table.ts';
import type { ClosingTable } from './closing-table.ts';
import type { IssuedTokenTable } from './issued-token-table.ts';
import type { LeaseTable } from './lease-table.ts';
import type { StandingTable } from './standing-table.ts';
import type { TaskTable } from './task-table.ts';
import type { TrailTable } from './trail-table.ts';

export type EndTables = {
  tasks: TaskTable;
  approvals: ApprovalTable;
  standing: StandingTable;
  trails: TrailTable;
  tokens: IssuedTokenTable;
  closings: ClosingTable;
  processes: Pick<ProcessStore, 'processes'>;
  leases: LeaseTable;
};

/** What ends have changed in the open transaction. */
export type EndedTree = { tasks: Task[]; approvals: string[]; standing: string[] };

export function nothingEnded(): EndedTree {
  return { tasks: [], approvals: [], standing: [] };
}

/**
 * Ends a task and all below it, closes their approvals, and opens a closing for each with what was there to end at this
 * moment: whatever becomes of the process after the commit, the restart knows what has to be finished.
 */
export function endTree(
  end: TaskEnd,
  ended: EndedTree,
  { tasks, approvals, standing, tokens, closings, processes, leases }: EndTables,
): void {
  const tree = tasks.endTree(end);
  for (const task of tree) {
    ended.tasks.push(task);
    const closed = approvals.close(task.id);
    ended.approvals.push(...closed);
    const fallen = standing.close(task.id);
    ended.standing.push(...fallen);
    const below = task.id === end.id ? tree.map(({ id }) => id).filter((id) => id !== end.id) : [];
    const issued = tokens.ofTask(task.id, end.at).map(({ id }) => id);
    const running = processes.processes(task.id).map(({ id }) => id);
    closings.open(
      openClosing(
        {
          task: task.id,
          cause: task.id === end.id ? (end.cause ?? end.to) : 'ancestor',
          reason: task.endReason!,
          by: end.by ?? null,
          at: end.at,
        },
        {
          ended: present({ tasks: below, approvals: closed, standing_answers: fallen }),
          outstanding: present({ tokens: issued, processes: running, leases: leases.outstandingOf(task.id) }),
        },
      ),
    );
  }
}

function present(byKind: ByKind): ByKind {
  return Object.fromEntries(Object.entries(byKind).filter(([, ids]) => ids.length > 0));
}

/** Memory after the commit. */
export function forgetTree(
  ended: EndedTree,
  { tasks, approvals, standing, trails }: Pick<EndTables, 'tasks' | 'approvals' | 'standing' | 'trails'>,
): void {
  for (const task of ended.tasks) {
    tasks.remember({ task, used: { calls: 0 } });
    trails.forget(task.id);
  }
  for (const id of ended.approvals) approvals.forget(id);
  for (const id of ended.standing) standing.forget(id);
}
