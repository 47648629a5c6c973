import { Conflict, Forbidden, InvalidRequest } from '../core/errors.ts';
import { hasLimits } from '../core/budget.ts';
import { limitsToWire } from '../core/budget-wire.ts';
import type { TaskView } from '../core/decision.ts';
import type { JsonObject } from '../core/json.ts';
import type { DecisionRecord, EventRecord } from '../core/record.ts';
import { scheduleToWire } from '../core/schedule-wire.ts';
import type { EndedState, Task, Window } from '../core/task.ts';
import { authorizeOrAsk } from './authorize-or-ask.ts';
import { authorize, refusedRecord, type Asker, type OwnOperation } from './authorize.ts';
import { handOn, type HopParts } from './hop.ts';
import { isParty, unknownTask } from './party.ts';
import type { AppliedProfile } from './profile/profiled-request.ts';
import type { HopRequest, TaskRequest } from './task-request.ts';
import { checkWindow, endOf, type WindowRequest } from './window-form.ts';

export type LifecycleParts = HopParts & {
  limits: { maxLifetimeSeconds: number; defaultLifetimeSeconds: number; defaultCalls: number };
};

export type TaskPage = { state?: Task['state']; after?: string; limit: number };

/** Hears of all tasks that one end has ended, right after it is durable. Must not throw. */
type Ended = (tasks: readonly Task[], reason: string) => void;

/** The life of tasks: each step is decided, recorded and takes effect at once, or not at all. */
export interface Lifecycle {
  /** A person hands a task to an agent. @throws Forbidden, InvalidRequest */
  request(asker: Asker, request: TaskRequest): Promise<Task>;
  /** An agent hands a part of its task to another agent. @throws as handOn */
  handOn(asker: Asker, parent: string, request: HopRequest): Promise<Task>;
  /** @throws NotFound also for a task that the asker may not know of. */
  show(asker: Asker, id: string): Promise<Task>;
  /** The task and all that was handed on from it, ended or not, parents before their children. @throws NotFound */
  tree(asker: Asker, id: string): Promise<TaskView[]>;
  /** The asker's own tasks, newest first. */
  list(asker: Asker, page: TaskPage): Promise<Task[]>;
  /** @throws Conflict when it had ended already. */
  complete(asker: Asker, id: string): Promise<Task>;
  revoke(asker: Asker, id: string, reason: string): Promise<Task>;
  /** Ends the tasks whose window has closed. */
  expireOverdue(): Promise<Task[]>;
  /** INVARIANT 6: the listener cuts live work. */
  onEnded(listener: Ended): void;
}

/** So many tasks of a tree are shown at most. */
const TREE_LIMIT = 2_000;

export function createLifecycle(parts: LifecycleParts): Lifecycle {
  const listeners: Ended[] = [];
  const ended: Ended = (tasks, reason) => {
    for (const listener of listeners) listener(tasks, reason);
  };
  return {
    request: (asker, request) => requestTask(asker, request, parts),
    handOn: (asker, parent, request) => handOn(asker, parent, request, parts),
    show: (asker, id) => showTask(asker, id, parts),
    tree: async (asker, id) => {
      await showTask(asker, id, parts);
      return parts.store.tree(id, TREE_LIMIT);
    },
    list: async (asker, page) => {
      const record = await authorize(asker, { operation: 'task.list', resources: [], arguments: {} }, parts);
      await parts.log.append([record]);
      return parts.store.tasks({
        ...page,
        ...(asker.delegator === null ? { agent: asker.agent!.id } : { delegator: asker.delegator }),
      });
    },
    complete: (asker, id) => endTask(asker, { id, to: 'completed', reason: 'completed' }, parts, ended),
    revoke: (asker, id, reason) => endTask(asker, { id, to: 'revoked', reason }, parts, ended),
    expireOverdue: async () => {
      const ends = parts.store.overdue(parts.clock()).map((task) => expire(task, parts, ended));
      const results = await Promise.allSettled(ends);
      const failed = results.find((result) => result.status === 'rejected');
      // The others have ended, and who listens knows it; the next sweep tries this one again.
      if (failed !== undefined) throw failed.reason;
      return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    },
    onEnded: (listener) => void listeners.push(listener),
  };
}

async function requestTask(asker: Asker, request: TaskRequest, parts: LifecycleParts): Promise<Task> {
  if (asker.delegator === null) return refuse(asker, 'only a person can hand out a task; sign in as one', parts);
  const { profile } = request;
  const objection = parts.agents.objectionTo(request.agent.id, profile?.task.name);
  if (objection !== null) return refuse(asker, `${objection.message}; ${objection.next}`, parts);
  const now = parts.clock();
  const limits = limitsOf(parts.limits, profile);
  const task: Task = {
    id: parts.newId('task'),
    parent: null,
    delegator: asker.delegator,
    agent: { id: request.agent.id, trustDomain: request.agent.trustDomain },
    purpose: request.purpose,
    parameters: request.parameters,
    grant: request.grant,
    sensitivity: request.sensitivity,
    origin: request.origin,
    window: windowOf(request.window, now, limits),
    budget: { ...request.budget, calls: request.budget.calls ?? parts.limits.defaultCalls },
    maxHops: request.maxHops,
    ...(profile === undefined ? {} : { profile: profile.task }),
    state: 'active',
    createdAt: now,
  };
  const asked = {
    ...(profile === undefined ? {} : { profile: profileArgument(profile) }),
    agent: task.agent.id,
    purpose: task.purpose,
    parameters: task.parameters,
    grant: JSON.parse(JSON.stringify(task.grant)) as never,
    sensitivity: task.sensitivity,
    ...(task.window.schedules === undefined ? {} : { schedules: task.window.schedules.map(scheduleToWire) }),
    calls: task.budget.calls,
    ...(hasLimits(task.budget) ? { budget: limitsToWire(task.budget) as JsonObject } : {}),
  };
  const { record, approval } = await authorizeOrAsk(
    asker,
    {
      operation: 'task.create',
      resources: [`task:${task.id}`],
      arguments: { ...asked, expires_at: task.window.expiresAt },
      asked: { resources: [], arguments: { ...asked, ...windowAsked(request, limits) } },
      ...(profile === undefined || profile.approval.length === 0
        ? {}
        : { approvalPoint: { profile: profile.task.name, rules: profile.approval } }),
    },
    parts,
  );
  const outcome = await parts.store.createTask(task, [record], approval);
  if (outcome === 'created') return task;
  // Two requests that were the same, and one approval: the other needs one of its own.
  if (outcome === 'approval_spent') throw new Conflict('the approval of this request was used meanwhile; ask again');
  // Suspended between the look above and this: as if it had been so from the start.
  return refuse(asker, `agent \`${task.agent.id}\` is suspended or retired`, parts);
}

/** A profile's longest life is the default of its tasks, too. */
function limitsOf(limits: LifecycleParts['limits'], profile: AppliedProfile | undefined): LifecycleParts['limits'] {
  const maxLifetimeSeconds = Math.min(limits.maxLifetimeSeconds, profile?.lifetimeSeconds ?? Infinity);
  const byDefault = profile?.lifetimeSeconds ?? limits.defaultLifetimeSeconds;
  return { ...limits, maxLifetimeSeconds, defaultLifetimeSeconds: Math.min(byDefault, maxLifetimeSeconds) };
}

function profileArgument({ task: { name, version, digest } }: AppliedProfile): JsonObject {
  return { name, version, digest };
}

/** Of the window what was asked, and is the same when it is asked again. */
function windowAsked(request: TaskRequest, limits: LifecycleParts['limits']): JsonObject {
  const { notBefore, expiresAt, lifetimeSeconds } = request.window;
  return {
    ...(expiresAt === undefined
      ? { lifetime_seconds: lifetimeSeconds ?? limits.defaultLifetimeSeconds }
      : { expires_at: expiresAt }),
    ...(notBefore === undefined ? {} : { not_before: notBefore }),
    origin: JSON.parse(JSON.stringify(request.origin)) as JsonObject,
    max_hops: request.maxHops,
  };
}

async function refuse(asker: Asker, reason: string, parts: LifecycleParts): Promise<never> {
  await parts.log.append([refusedRecord(asker, { operation: 'task.create', subject: {}, reason }, parts)]);
  throw new Forbidden(reason);
}

function windowOf(request: WindowRequest, now: number, limits: LifecycleParts['limits']): Window {
  const notBefore = Math.max(request.notBefore ?? now, now);
  if (notBefore - now > limits.maxLifetimeSeconds * 1000) {
    throw new InvalidRequest('`not_before`: is too far ahead; request the task nearer to its start');
  }
  const expiresAt = endOf(request, notBefore) ?? notBefore + limits.defaultLifetimeSeconds * 1000;
  if (expiresAt - notBefore > limits.maxLifetimeSeconds * 1000) {
    const member = request.expiresAt === undefined ? 'lifetime_seconds' : 'expires_at';
    throw new InvalidRequest(`\`${member}\`: a task lives at most ${limits.maxLifetimeSeconds} seconds`);
  }
  const window = { notBefore, expiresAt, ...(request.schedules.length === 0 ? {} : { schedules: request.schedules }) };
  checkWindow(window, now);
  return window;
}

async function showTask(asker: Asker, id: string, parts: LifecycleParts): Promise<Task> {
  const chain = parts.store.chain(id);
  const task = chain[0]?.task;
  if (task === undefined) throw unknownTask(id);
  const record = await authorizeOn(asker, { operation: 'task.read', chain, arguments: {} }, parts);
  await parts.log.append([record]);
  return task;
}

/**
 * Decides an operation on one task. Who is no party to it, and may not, does not learn that it exists. Whatever policy
 * says, a task is completed by its parties alone, and is nothing to another agent.
 */
async function authorizeOn(
  asker: Asker,
  own: { operation: OwnOperation; chain: readonly TaskView[]; arguments: JsonObject },
  parts: LifecycleParts,
): Promise<DecisionRecord> {
  const { task } = own.chain[0]!;
  if (isParty(asker, task)) return authorize(asker, { ...own, resources: [`task:${task.id}`] }, parts);
  if (asker.agent !== null || own.operation === 'task.complete') {
    const refused = {
      operation: own.operation,
      subject: { task: task.id },
      reason: 'the asker is no party to the task',
    };
    await parts.log.append([refusedRecord(asker, refused, parts)]);
    throw unknownTask(task.id);
  }
  return authorize(asker, { ...own, resources: [`task:${task.id}`] }, parts).catch((error: unknown) => {
    throw error instanceof Forbidden ? unknownTask(task.id) : error;
  });
}

async function endTask(
  asker: Asker,
  end: { id: string; to: EndedState; reason: string },
  parts: LifecycleParts,
  ended: Ended,
): Promise<Task> {
  const chain = parts.store.chain(end.id);
  const task = chain[0]?.task;
  if (task === undefined) throw unknownTask(end.id);
  const operation = end.to === 'completed' ? 'task.complete' : 'task.revoke';
  const record = await authorizeOn(asker, { operation, chain, arguments: { reason: end.reason } }, parts);
  if (task.state === 'active' && parts.clock() >= task.window.expiresAt) {
    // The sweep is late: what has expired is not completed.
    await expire(task, parts, ended);
    throw new Conflict(`task \`${end.id}\` has expired`);
  }
  if (task.state !== 'active') throw new Conflict(`task \`${end.id}\` is already ${task.state}`);
  const result = await parts.store.endTask({ ...end, at: parts.clock() }, (tasks) => [
    record,
    ...tasks.map((each) => endedRecord(each, parts)),
  ]);
  if (result.outcome !== 'ended') throw new Conflict(`task \`${end.id}\` has already ended`);
  ended(result.tasks, end.reason);
  return result.tasks.find((each) => each.id === end.id) ?? task;
}

async function expire(task: Task, parts: LifecycleParts, ended: Ended): Promise<Task[]> {
  const end = { id: task.id, to: 'expired' as const, at: parts.clock(), reason: 'its window has closed' };
  const result = await parts.store.endTask(end, (tasks) => tasks.map((each) => endedRecord(each, parts)));
  if (result.outcome !== 'ended') return [];
  ended(result.tasks, 'expired');
  return result.tasks;
}

export function endedRecord(task: Task, parts: Pick<LifecycleParts, 'newId' | 'clock'>): EventRecord {
  return {
    version: 1,
    id: parts.newId('rec'),
    time: task.endedAt ?? parts.clock(),
    kind: 'event',
    event: 'task.ended',
    subject: { task: task.id, state: task.state, reason: task.endReason ?? '', agent: task.agent.id },
  };
}
