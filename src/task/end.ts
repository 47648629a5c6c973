import { Conflict } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord, EventRecord } from '../core/record.ts';
import type { TaskView } from '../core/decision.ts';
import type { EndedState, Task } from '../core/task.ts';
import type { FailPoint } from '../ending/fail-point.ts';
import type { TaskEnd, TaskStore } from '../store/ports.ts';
import { askerName, type Asker, type OwnOperation } from './authorize.ts';
import { unknownTask } from './party.ts';

/** Hears of all tasks that one end has ended, right after it is durable. Must not throw. */
export type Ended = (tasks: readonly Task[], reason: string) => void;

export type EndParts = {
  store: Pick<TaskStore, 'chain' | 'endTask'>;
  clock: () => number;
  newId: (prefix: string) => string;
  failPoint: FailPoint;
  authorizeOn: (
    asker: Asker,
    own: { operation: OwnOperation; chain: readonly TaskView[]; arguments: JsonObject },
  ) => Promise<DecisionRecord>;
  ended: Ended;
};

/** An end that nobody asked for: a closed window, idleness, a policy that no longer allows the task. */
export type UnaskedEnd = Omit<TaskEnd, 'id' | 'at'> & {
  /** What the record says besides. */
  about?: JsonObject;
};

/** Ends a task because somebody says so. @throws NotFound, Forbidden; Conflict when it had ended already. */
export async function endTask(
  asker: Asker,
  end: { id: string; to: EndedState; reason: string },
  parts: EndParts,
): Promise<Task> {
  const chain = parts.store.chain(end.id);
  const task = chain[0]?.task;
  if (task === undefined) throw unknownTask(end.id);
  const operation = end.to === 'completed' ? 'task.complete' : 'task.revoke';
  const record = await parts.authorizeOn(asker, { operation, chain, arguments: { reason: end.reason } });
  if (task.state === 'active' && parts.clock() >= task.window.expiresAt) {
    // The sweep is late: what has expired is not completed.
    await expire(task, parts);
    throw new Conflict(`task \`${end.id}\` has expired`);
  }
  if (task.state !== 'active') throw new Conflict(`task \`${end.id}\` is already ${task.state}`);
  const tasks = await commit({ ...end, by: askerName(asker) }, [record], parts);
  if (tasks === null) throw new Conflict(`task \`${end.id}\` has already ended`);
  return tasks.find((each) => each.id === end.id) ?? task;
}

export function expire(task: Task, parts: EndParts): Promise<Task[]> {
  return endUnasked(task, { to: 'expired', reason: 'its window has closed' }, parts);
}

/** Resolves with what ended: nothing when somebody else ended it first, or it is in use after all. */
export async function endUnasked(task: Task, end: UnaskedEnd, parts: EndParts): Promise<Task[]> {
  const { about, ...how } = end;
  return (await commit({ id: task.id, ...how }, [], parts, about)) ?? [];
}

/** INVARIANT 6: one step, and whoever listens cuts what is open in the same turn in which it is known to be durable. */
async function commit(
  end: Omit<TaskEnd, 'at'>,
  records: readonly DecisionRecord[],
  parts: EndParts,
  about: JsonObject = {},
): Promise<Task[] | null> {
  parts.failPoint('end.decided');
  const result = await parts.store.endTask({ ...end, at: parts.clock() }, (tasks) => {
    parts.failPoint('end.committing');
    return [...records, ...tasks.map((task) => endedRecord(task, parts, task.id === end.id ? about : {}))];
  });
  if (result.outcome !== 'ended') return null;
  parts.failPoint('end.committed');
  parts.ended(result.tasks, end.reason);
  return result.tasks;
}

export function endedRecord(
  task: Task,
  { newId, clock }: Pick<EndParts, 'newId' | 'clock'>,
  about: JsonObject = {},
): EventRecord {
  return {
    version: 1,
    id: newId('rec'),
    time: task.endedAt ?? clock(),
    kind: 'event',
    event: 'task.ended',
    subject: {
      task: task.id,
      state: task.state,
      reason: task.endReason ?? '',
      agent: task.agent.id,
      delegator: delegatorId(task.delegator),
      ...about,
    },
  };
}

/** The others have ended, and who listens knows it; the next sweep tries the one that failed again. */
export async function allOf(ends: readonly Promise<Task[]>[]): Promise<Task[]> {
  const results = await Promise.allSettled(ends);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}

/** A task that nobody watches has tried what is outside of it. */
export function stepOutsideEnd(why: string): UnaskedEnd {
  return { to: 'revoked', cause: 'policy', reason: `automated, and it stepped outside: ${why}`.slice(0, 500) };
}

/** An idle task has expired, before its window closed. */
export function idleEnd(idleMs: number, since: number): UnaskedEnd {
  const minutes = Math.round(idleMs / 6_000) / 10;
  return { to: 'expired', cause: 'idle', reason: `it was not used for ${minutes} minutes`, unusedSince: since };
}
