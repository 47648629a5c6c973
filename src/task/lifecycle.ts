import { Conflict, Forbidden, InvalidRequest, Unavailable, type RemitError } from '../core/errors.ts';
import type { TaskView } from '../core/decision.ts';
import type { JsonObject } from '../core/json.ts';
import type { DecisionRecord } from '../core/record.ts';
import { outsideHours, type IdentityAssertion, type PromptOrigin, type Task, type Window } from '../core/task.ts';
import type { FailPoint } from '../ending/fail-point.ts';
import type { AssertionStore, RunStore } from '../store/ports.ts';
import { noRunError, runOf, startedBy } from './automated.ts';
import { authorizeOrAsk } from './authorize-or-ask.ts';
import { authorize, refusedRecord, type Asker, type OwnOperation } from './authorize.ts';
import { createArguments } from './create-arguments.ts';
import { allOf, endTask, endUnasked, expire, idleEnd, type Ended, type EndParts, type UnaskedEnd } from './end.ts';
import { handOn, type HopParts } from './hop.ts';
import { isParty, unknownTask } from './party.ts';
import type { AppliedProfile } from './profile/profiled-request.ts';
import type { HopRequest, TaskRequest } from './task-request.ts';
import { checkWindow, endOf, type WindowRequest } from './window-form.ts';

export type LifecycleParts = HopParts & {
  store: AssertionStore & RunStore;
  limits: {
    maxLifetimeSeconds: number;
    defaultLifetimeSeconds: number;
    defaultCalls: number;
    /** After how long without use a task ends; `null` for never. */
    idleMs: number | null;
  };
  /** Tasks that have a call in flight: they are in use, however long it takes. */
  calling: () => readonly string[];
  failPoint: FailPoint;
  /** Encrypts the text of a prompt for its task. */
  sealPrompt: (task: string, text: string) => string;
};

export type TaskPage = { state?: Task['state']; after?: string; limit: number };

/** The life of tasks: each step is decided, recorded and takes effect at once, or not at all. */
export interface Lifecycle {
  /**
   * A person hands a task to an agent; or the agent takes one up for the person whom a provider's assertion names. An
   * assertion makes one task: shown again, it leads to that one, whatever became of it.
   *
   * @throws Forbidden, InvalidRequest; Conflict for two assertions of one name.
   */
  request(asker: Asker, request: TaskRequest, assertion?: IdentityAssertion): Promise<Task>;
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
  /** Ends the tasks that were not used for as long as the limits say. */
  endIdle(): Promise<Task[]>;
  /** Ends a task that nobody asked to end. Resolves with what ended. */
  endUnasked(task: Task, end: UnaskedEnd): Promise<Task[]>;
  /** Tells whoever listens of tasks that another verb of the store has ended, right after it is durable. */
  ended: Ended;
  /** INVARIANT 6: the listener cuts live work. */
  onEnded(listener: Ended): void;
  /** The listener hears of each task right after it is durable. Must not throw. */
  onMade(listener: (task: Task) => void): void;
}

/** So many tasks of a tree are shown at most. */
const TREE_LIMIT = 2_000;
/** How often a task is decided anew when the store finds that something was suspended meanwhile. */
const ATTEMPTS = 3;

export function createLifecycle(parts: LifecycleParts): Lifecycle {
  const listeners: Ended[] = [];
  const ended: Ended = (tasks, reason) => {
    for (const listener of listeners) listener(tasks, reason);
  };
  const makers: ((task: Task) => void)[] = [];
  const made = (task: Task): Task => {
    for (const listener of makers) listener(task);
    return task;
  };
  const ending: EndParts = { ...parts, authorizeOn: (asker, own) => authorizeOn(asker, own, parts), ended };
  return {
    request: async (asker, request, assertion) => made(await requestTask(asker, request, parts, assertion)),
    handOn: async (asker, parent, request) => made(await handOn(asker, parent, request, parts)),
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
    complete: (asker, id) => endTask(asker, { id, to: 'completed', reason: 'completed' }, ending),
    revoke: (asker, id, reason) => endTask(asker, { id, to: 'revoked', reason }, ending),
    expireOverdue: () => allOf(parts.store.overdue(parts.clock()).map((task) => expire(task, ending))),
    endIdle: () => {
      const { idleMs } = parts.limits;
      if (idleMs === null) return Promise.resolve([]);
      const since = parts.clock() - idleMs;
      const busy = new Set(parts.calling().flatMap((id) => parts.store.chain(id).map(({ task }) => task.id)));
      const idle = parts.store.unused(since).filter(({ id }) => !busy.has(id));
      return allOf(idle.map((task) => endUnasked(task, idleEnd(idleMs, since), ending)));
    },
    endUnasked: (task, end) => endUnasked(task, end, ending),
    ended,
    onEnded: (listener) => void listeners.push(listener),
    onMade: (listener) => void makers.push(listener),
  };
}

async function requestTask(
  asker: Asker,
  request: TaskRequest,
  parts: LifecycleParts,
  assertion?: IdentityAssertion,
): Promise<Task> {
  const started = startedBy(asker, request);
  const delegator = started?.delegator ?? asker.delegator;
  if (delegator === null) return refuse(asker, 'only a person can hand out a task; sign in as one', parts);
  const known = assertion === undefined ? undefined : taskOf(assertion, parts);
  if (known !== undefined) return known;
  const { profile } = request;
  const objection = parts.agents.objectionTo(request.agent.id, profile?.task.name);
  if (objection !== null) return refuse(asker, `${objection.message}; ${objection.next}`, parts);
  const now = parts.clock();
  const limits = limitsOf(parts.limits, profile);
  const task: Task = {
    id: parts.newId('task'),
    parent: null,
    delegator,
    agent: { id: request.agent.id, trustDomain: request.agent.trustDomain },
    purpose: request.purpose,
    parameters: request.parameters,
    grant: request.grant,
    sensitivity: request.sensitivity,
    origin: started === null ? request.origin : { channel: 'schedule', trust: 'organisation' },
    window: windowOf(request.window, now, limits),
    budget: { ...request.budget, calls: request.budget.calls ?? parts.limits.defaultCalls },
    maxHops: request.maxHops,
    ...(profile === undefined
      ? {}
      : { profile: { ...profile.task, ...(started === null ? {} : { automated: true }) } }),
    state: 'active',
    createdAt: now,
    ...(assertion === undefined ? {} : { assertion: { issuer: assertion.issuer, id: assertion.id } }),
  };
  const run = runOf(request, started);
  const refusing = (error: Conflict | Forbidden) => refuse(asker, error.message, parts, error);
  const shut = started === null ? null : outsideHours(task, now);
  if (shut !== null) return refusing(new Conflict(`${shut}; start it then`));
  const { expires_at: _made, ...asked } = createArguments(task);
  const own = {
    operation: 'task.create' as const,
    resources: [`task:${task.id}`],
    arguments: createArguments(task),
    asked: { resources: [], arguments: { ...asked, ...windowAsked(request, limits) } },
    creates: task,
    ...(profile === undefined || profile.approval.length === 0
      ? {}
      : { approvalPoint: { profile: profile.task.name, rules: profile.approval } }),
  };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { record, approval } = await authorizeOrAsk({ ...asker, delegator }, own, parts);
    const created = { ...task, decision: record.id };
    const due = {
      ...(assertion === undefined ? {} : { assertion }),
      ...(run === undefined ? {} : { run }),
      // What an agent that starts by itself says is nobody's instruction.
      ...(request.prompt === undefined || started !== null
        ? {}
        : { prompt: parts.sealPrompt(task.id, request.prompt) }),
    };
    const outcome = await parts.store.createTask(created, [record], approval, due);
    if (outcome === 'created') return created;
    // Somebody else came with it at the same moment.
    if (outcome === 'assertion_used') return taskOf(assertion!, parts)!;
    // Two requests that were the same, and one approval: the other needs one of its own.
    if (outcome === 'approval_spent') throw new Conflict('the approval of this request was used meanwhile; ask again');
    if (outcome === 'run_too_soon' || outcome === 'run_going_on' || outcome === 'runs_stopped') {
      return refusing(noRunError(outcome, run!, { store: parts.store, agent: task.agent.id }));
    }
    // Suspended between the look above and this: as if it had been so from the start.
    if (outcome === 'agent_stopped') {
      return refuse(asker, `agent \`${task.agent.id}\` is suspended or retired`, parts);
    }
    // Something else was suspended in between: that denies the next attempt, on the record.
  }
  throw new Unavailable('the task cannot be made now; try again');
}

/** The task that the assertion has made. @throws Conflict when another assertion by the same name was there before. */
function taskOf(assertion: IdentityAssertion, { store }: LifecycleParts): Task | undefined {
  const found = store.assertedTask(assertion);
  if (found === undefined) return undefined;
  if (found.outcome === 'made') return store.task(found.task);
  throw new Conflict('another identity assertion had the same `jti`; ask for a new one');
}

/** A profile's longest life is the default of its tasks, too. */
function limitsOf(limits: LifecycleParts['limits'], profile: AppliedProfile | undefined): LifecycleParts['limits'] {
  const maxLifetimeSeconds = Math.min(limits.maxLifetimeSeconds, profile?.lifetimeSeconds ?? Infinity);
  const byDefault = profile?.lifetimeSeconds ?? limits.defaultLifetimeSeconds;
  return { ...limits, maxLifetimeSeconds, defaultLifetimeSeconds: Math.min(byDefault, maxLifetimeSeconds) };
}

/** Of the window what was asked, and is the same when it is asked again. */
function windowAsked(request: TaskRequest, limits: LifecycleParts['limits']): JsonObject {
  const { notBefore, expiresAt, lifetimeSeconds } = request.window;
  return {
    ...(expiresAt === undefined
      ? { lifetime_seconds: lifetimeSeconds ?? limits.defaultLifetimeSeconds }
      : { expires_at: expiresAt }),
    ...(notBefore === undefined ? {} : { not_before: notBefore }),
    origin: originAsked(request.origin),
    max_hops: request.maxHops,
  };
}

/** But for the key, which another process of the same client does not have. */
function originAsked({ signer: _key, ...origin }: PromptOrigin): JsonObject {
  return JSON.parse(JSON.stringify(origin)) as JsonObject;
}

async function refuse(
  asker: Asker,
  reason: string,
  parts: LifecycleParts,
  error: RemitError = new Forbidden(reason),
): Promise<never> {
  await parts.log.append([refusedRecord(asker, { operation: 'task.create', subject: {}, reason }, parts)]);
  throw error;
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
