import { actionDigest } from '../core/action.ts';
import { approvalRequest } from '../core/approval.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { Decision, DecisionInput, GivenApproval, TaskView } from '../core/decision.ts';
import { ApprovalRequired, Conflict, Forbidden, InvalidRequest, Unavailable } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord } from '../core/record.ts';
import { sensitivityLevel } from '../core/sensitivity.ts';
import type { Task } from '../core/task.ts';
import type { ApprovalStore, TaskStore } from '../store/ports.ts';
import { ownInput, refusedRecord, type Asker, type AuthorizeParts, type OwnAction } from './authorize.ts';
import { unknownTask } from './party.ts';
import type { HopRequest } from './task-request.ts';

export type HopParts = AuthorizeParts & {
  store: TaskStore & ApprovalStore;
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
    const { input, digest, approval } = inputOf(asker, { chain, request, child }, parts);
    const decision = parts.pdp().decide(input);
    const recordId = parts.newId('rec');
    parts.referee.consider({ record: recordId, input, decision });
    const record = (about: { id: string; approvers: string[] } | null): DecisionRecord =>
      decisionRecord(
        {
          id: recordId,
          request: asker.request,
          input,
          decision,
          approval: about,
          token: asker.token === null ? null : { id: asker.token.id, key: asker.token.key },
        },
        parts.sha256,
      );
    if (decision.outcome !== 'permit') await refuse({ input, decision, digest, record }, parts);
    const spent = decision.liftedByApproval.length > 0 ? approval : null;
    const stated = spent === null ? null : { id: spent.id, approvers: spent.approvers.map(delegatorId) };
    const created = { ...child, decision: recordId };
    const outcome = await parts.store.createTask(created, [record(stated)], spent?.id ?? null);
    if (outcome === 'created') return created;
    if (outcome === 'parent_ended') throw new Conflict(`task \`${parentId}\` has ended`);
  }
  throw new Unavailable('the task is changing too fast to decide; try again');
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
  const objection = objectionTo(chain, request);
  if (objection === null) return;
  await refused(objection);
  throw new Forbidden(objection);
}

function objectionTo(chain: readonly TaskView[], { agent }: HopRequest): string | null {
  if (chain[0]!.task.maxHops < 1) return 'this task may not be handed on; ask for one with `max_hops`';
  if (chain.some(({ task }) => task.agent.id === agent.id)) {
    return `\`${agent.id}\` is in the chain of this task already`;
  }
  return null;
}

/** The child within what the chain has left. What is asked beyond that is refused, and never cut in silence. */
function childOf(chain: readonly TaskView[], request: HopRequest, parts: HopParts): Task {
  const parent = chain[0]!.task;
  const now = parts.clock();
  const ends = Math.min(...chain.map(({ task }) => task.window.expiresAt));
  const notBefore = Math.max(request.notBefore ?? now, now, ...chain.map(({ task }) => task.window.notBefore));
  const expiresAt = request.lifetimeSeconds === undefined ? ends : notBefore + request.lifetimeSeconds * 1000;
  if (notBefore >= ends) throw new InvalidRequest('`not_before`: the task above has ended by then');
  if (expiresAt > ends) {
    const left = Math.floor((ends - notBefore) / 1000);
    throw new InvalidRequest(`\`lifetime_seconds\`: the tasks above end ${left} seconds after the start of this one`);
  }
  const left = Math.min(...chain.map(({ task, used }) => task.budget.calls - used.calls));
  const calls = request.calls ?? left;
  if (left < 1 || calls > left) throw new InvalidRequest(`\`calls\`: the tasks above have ${left} calls left`);
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
    window: { notBefore, expiresAt },
    budget: { calls },
    maxHops,
    state: 'active',
    createdAt: now,
  };
}

/**
 * The decision's input. The arguments are what was asked, and hold neither the child's id nor a time: the same request
 * made again after an approval is the same action.
 */
function inputOf(
  asker: Asker,
  { chain, request, child }: { chain: readonly TaskView[]; request: HopRequest; child: Task },
  parts: HopParts,
): { input: DecisionInput; digest: string; approval: GivenApproval | null } {
  const parent = chain[0]!.task;
  const own: OwnAction = {
    operation: 'task.delegate',
    resources: [`task:${parent.id}`],
    arguments: argumentsOf(request),
    chain,
    creates: child,
  };
  const input = ownInput({ ...asker, delegator: parent.delegator }, own, parts);
  const digest = actionDigest(
    input.action,
    {
      agent: parent.agent.id,
      delegator: delegatorId(parent.delegator),
      chain: chain.map(({ task }) => task.id),
      policySet: parts.pdp().policySet,
    },
    parts.sha256,
  );
  const given = parts.store.givenApproval(parent.id, digest, parts.clock());
  const approval = given?.answeredBy === undefined ? null : { id: given.id, approvers: [given.answeredBy] };
  return { input: { ...input, approval }, digest, approval };
}

function argumentsOf(request: HopRequest): JsonObject {
  const { agent, purpose, grant, sensitivity, notBefore, lifetimeSeconds, calls, maxHops } = request;
  return {
    agent: agent.id,
    trust_domain: agent.trustDomain,
    purpose,
    grant: JSON.parse(JSON.stringify(grant)) as JsonObject[],
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(notBefore === undefined ? {} : { not_before: notBefore }),
    ...(lifetimeSeconds === undefined ? {} : { lifetime_seconds: lifetimeSeconds }),
    ...(calls === undefined ? {} : { calls }),
    ...(maxHops === undefined ? {} : { max_hops: maxHops }),
  };
}

/** Records the denial or the hold. @throws Forbidden or ApprovalRequired */
async function refuse(
  decided: {
    input: DecisionInput;
    decision: Decision;
    digest: string;
    record: (about: { id: string; approvers: string[] } | null) => DecisionRecord;
  },
  parts: HopParts,
): Promise<never> {
  const { input, decision, digest, record } = decided;
  const reasons = decision.reasons.map(({ message }) => message).join('; ');
  if (decision.outcome !== 'hold') {
    await parts.log.append([record(null)]);
    throw new Forbidden(reasons);
  }
  const request = approvalRequest({
    id: parts.newId('apr'),
    digest,
    input,
    decision,
    lifetimeMs: parts.approvalLifetimeMs,
  });
  const { id, approvers } = await parts.store.requestApproval(request, (kept) => [
    record({ id: kept.id, approvers: kept.approvers }),
  ]);
  const who = approvers.map((approver) => `\`${approver}\``).join(' and ');
  throw new ApprovalRequired(
    `approval \`${id}\` is needed from ${who} (${reasons}); ask again with the same request after it is approved`,
    id,
  );
}
