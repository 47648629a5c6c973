import { hasLimits } from '../core/budget.ts';
import { limitsToWire } from '../core/budget-wire.ts';
import { scheduleToWire } from '../core/schedule-wire.ts';
import type { TaskView } from '../core/decision.ts';
import { Conflict, Forbidden, InvalidRequest, Unavailable } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { sensitivityLevel } from '../core/sensitivity.ts';
import type { Task } from '../core/task.ts';
import type { AgentRegistry } from '../agent/registry.ts';
import type { ApprovalStore, TaskStore } from '../store/ports.ts';
import { authorizeOrAsk } from './authorize-or-ask.ts';
import { refusedRecord, type Asker, type AuthorizeParts, type OwnAction } from './authorize.ts';
import { unknownTask } from './party.ts';
import { childBudget, childWindow } from './child-limits.ts';
import type { HopRequest } from './task-request.ts';

export type HopParts = AuthorizeParts & {
  store: TaskStore & ApprovalStore;
  agents: Pick<AgentRegistry, 'objectionTo'>;
  /** Milliseconds. */
  approvalLifetimeMs: number;
};

/** How often a hop is decided anew when the store finds that its approval was used up meanwhile. */
const ATTEMPTS = 3;

/**
 * An agent hands a part of its task to another agent: a child task of its own grant, purpose, window and budget, decided
 * as the operation `task.delegate` for agent and delegator both, over the chain as it stands. INVARIANT 3: what the child
 * may do is checked at every level at every action; nothing here has to compare grants.
 *
 * @throws NotFound for a task that is not the asker's own; Forbidden; InvalidRequest for more than the chain has left;
 *   ApprovalRequired; Conflict when the task ended meanwhile.
 */
export async function handOn(asker: Asker, parentId: string, request: HopRequest, parts: HopParts): Promise<Task> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const chain = parts.store.chain(parentId);
    await checkStructure(asker, { chain, parentId, request }, parts);
    const child = childOf(chain, request, parts);
    const { record, approval } = await authorizeOrAsk(
      { ...asker, delegator: chain[0]!.task.delegator },
      {
        operation: 'task.delegate',
        resources: [`task:${parentId}`],
        arguments: argumentsOf(request),
        chain,
        ...approvalPointOf(chain[0]!.task),
        creates: child,
      },
      parts,
    );
    const created = { ...child, decision: record.id };
    const outcome = await parts.store.createTask(created, [record], approval);
    if (outcome === 'created') return created;
    if (outcome === 'parent_ended') throw new Conflict(`task \`${parentId}\` has ended`);
  }
  throw new Unavailable('the task is changing too fast to decide; try again');
}

/** Where the profile of the whole piece of work has people agree to each hop. */
function approvalPointOf({ profile }: Task): Pick<OwnAction, 'approvalPoint'> {
  const rules = profile?.hopApproval;
  return rules === undefined ? {} : { approvalPoint: { profile: profile!.name, rules } };
}

/** What holds whatever policy says. A refusal is recorded. */
async function checkStructure(
  asker: Asker,
  hop: { chain: readonly TaskView[]; parentId: string; request: HopRequest },
  parts: HopParts,
): Promise<void> {
  const { chain, parentId, request } = hop;
  const parent = chain[0]?.task;
  const refused = async (reason: string) =>
    parts.log.append([
      refusedRecord(asker, { operation: 'task.delegate', subject: { task: parentId.slice(0, 64) }, reason }, parts),
    ]);
  if (parent === undefined) throw unknownTask(parentId);
  if (asker.agent === null || asker.agent.id !== parent.agent.id) {
    await refused('the asker is not the agent of the task');
    throw unknownTask(parentId);
  }
  const objection = objectionTo(chain, request, parts);
  if (objection === null) return;
  await refused(objection);
  throw new Forbidden(objection);
}

function objectionTo(chain: readonly TaskView[], { agent }: HopRequest, parts: HopParts): string | null {
  if (chain[0]!.task.maxHops < 1) return 'this task may not be handed on; ask for one with `max_hops`';
  if (chain.some(({ task }) => task.agent.id === agent.id)) {
    return `\`${agent.id}\` is in the chain of this task already`;
  }
  const objection = parts.agents.objectionTo(agent.id, chain[0]!.task.profile?.name);
  return objection === null ? null : `${objection.message}; ${objection.next}`;
}

/** The child within what the chain has left. What is asked beyond that is refused, and never cut in silence. */
function childOf(chain: readonly TaskView[], request: HopRequest, parts: HopParts): Task {
  const parent = chain[0]!.task;
  const now = parts.clock();
  const budget = childBudget(chain, request.budget);
  const sensitivity = request.sensitivity ?? parent.sensitivity;
  if (sensitivityLevel(sensitivity) > sensitivityLevel(parent.sensitivity)) {
    throw new InvalidRequest(`\`sensitivity\`: the ceiling of the task above is \`${parent.sensitivity}\``);
  }
  const maxHops = request.maxHops ?? parent.maxHops - 1;
  if (maxHops >= parent.maxHops) {
    throw new InvalidRequest(`\`max_hops\`: the task above leaves at most ${parent.maxHops - 1}`);
  }
  return {
    id: parts.newId('task'),
    parent: parent.id,
    delegator: parent.delegator,
    agent: { id: request.agent.id, trustDomain: request.agent.trustDomain },
    purpose: request.purpose,
    parameters: parent.parameters,
    grant: request.grant,
    sensitivity,
    origin: { channel: 'agent', author: parent.agent.id, trust: parent.origin.trust },
    window: childWindow(chain, request.window, now),
    budget,
    maxHops,
    ...(parent.profile === undefined ? {} : { profile: parent.profile }),
    state: 'active',
    createdAt: now,
  };
}

/**
 * What was asked, with neither the child's id nor a time: the same request made again after an approval is the same
 * action.
 */
function argumentsOf(request: HopRequest): JsonObject {
  const { agent, purpose, grant, sensitivity, window, budget, maxHops } = request;
  const { notBefore, expiresAt, lifetimeSeconds, schedules } = window;
  const { calls } = budget;
  return {
    agent: agent.id,
    trust_domain: agent.trustDomain,
    purpose,
    grant: JSON.parse(JSON.stringify(grant)) as JsonObject[],
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(notBefore === undefined ? {} : { not_before: notBefore }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(lifetimeSeconds === undefined ? {} : { lifetime_seconds: lifetimeSeconds }),
    ...(schedules.length === 0 ? {} : { schedules: schedules.map(scheduleToWire) }),
    ...(calls === undefined ? {} : { calls }),
    ...(hasLimits(budget) ? { budget: limitsToWire(budget) as JsonObject } : {}),
    ...(maxHops === undefined ? {} : { max_hops: maxHops }),
  };
}
