import { isOf, ownerName, type AgentOwner, type AgentState, type RegisteredAgent } from '../core/agent.ts';
import { Conflict, Forbidden, InvalidRequest, NotFound } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { DecisionRecord, EventRecord } from '../core/record.ts';
import type { Task } from '../core/task.ts';
import type { AgentStore, SuspensionStore } from '../store/ports.ts';
import { askerName, authorize, refusedRecord, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import type { OwnOperation } from '../task/authorize.ts';
import { endedRecord } from '../task/end.ts';
import type { Registration, RegistrationChange } from './registration.ts';
import type { AgentRegistry } from './registry.ts';

export type AgentsParts = AuthorizeParts & {
  store: AgentStore & Pick<SuspensionStore, 'suspension'>;
  registry: Pick<AgentRegistry, 'lastUseOf'>;
  /** INVARIANT 6: hears of all tasks that a suspension has ended, right after it is durable, and cuts. Must not throw. */
  onEnded: (tasks: readonly Task[], reason: string) => void;
};

/** Looking after registered agents: operations like any other, decided and recorded. */
export interface Agents {
  /** `owner`: those of this owner alone. @throws Forbidden */
  list(asker: Asker, filter: { state?: AgentState; owner?: AgentOwner }): Promise<RegisteredAgent[]>;
  /** @throws Forbidden, NotFound */
  show(asker: Asker, id: string): Promise<RegisteredAgent>;
  /** Without an `owner` the asking person is it. @throws Forbidden, InvalidRequest, Conflict */
  register(asker: Asker, registration: Registration): Promise<RegisteredAgent>;
  /** @throws Forbidden, NotFound; Conflict when it was changed since `revision`, or is retired */
  change(asker: Asker, id: string, change: RegistrationChange, revision?: number): Promise<RegisteredAgent>;
  /** Suspends, resumes or retires it; with the first and the last its tasks end. @throws Forbidden, NotFound, Conflict */
  move(asker: Asker, id: string, move: { to: AgentState; reason: string }): Promise<RegisteredAgent>;
}

const MOVES = {
  active: { operation: 'agent.resume', event: 'agent.resumed' },
  suspended: { operation: 'agent.suspend', event: 'agent.suspended' },
  retired: { operation: 'agent.retire', event: 'agent.retired' },
} as const satisfies Record<AgentState, { operation: OwnOperation; event: EventRecord['event'] }>;

export function createAgents(parts: AgentsParts): Agents {
  const { store, registry, log } = parts;
  const withUse = (agent: RegisteredAgent): RegisteredAgent => {
    const lastUsedAt = registry.lastUseOf(agent);
    return lastUsedAt === undefined ? agent : { ...agent, lastUsedAt };
  };
  return {
    list: async (asker, filter) => {
      const own: JsonObject = filter.owner === undefined ? {} : { owner: ownerArgument(filter.owner) };
      await log.append([await authorize(asker, { operation: 'agent.read', resources: [], arguments: own }, parts)]);
      const wanted = filter.owner === undefined ? null : ownerName(filter.owner);
      return store
        .agents()
        .filter(({ state }) => filter.state === undefined || filter.state === state)
        .filter(({ owner }) => wanted === null || wanted === ownerName(owner))
        .map(withUse);
    },
    show: async (asker, id) => {
      await log.append([await permitOn(asker, { operation: 'agent.read', id, arguments: {} }, parts)]);
      return withUse(known(id, parts));
    },
    register: (asker, registration) => registerAgent(asker, registration, parts),
    change: async (asker, id, change, revision) => {
      const permit = await permitOn(
        asker,
        { operation: 'agent.update', id, arguments: changeArguments(change) },
        parts,
      );
      const before = await knownOr(id, permit, parts);
      if (change.owner !== undefined) await refuseGone(change.owner, permit, parts);
      const record = agentRecord('agent.changed', { ...before, ...change }, { ...askedBy(asker) }, parts);
      const outcome = await store.changeAgent({ id, revision: revision ?? before.revision, ...change }, [
        permit,
        record,
      ]);
      if (outcome === 'changed') return withUse(known(id, parts));
      await log.append([permit]);
      if (outcome === 'retired') throw new Conflict(`agent \`${id}\` is retired`);
      throw new Conflict(`agent \`${id}\` was changed by somebody else; look at it again`);
    },
    move: async (asker, id, { to, reason }) => {
      const { operation, event } = MOVES[to];
      const permit = await permitOn(asker, { operation, id, arguments: { reason } }, parts);
      const before = await knownOr(id, permit, parts);
      if (to === 'active') await refuseGone(before.owner, permit, parts);
      const result = await store.moveAgent({ id, to, at: parts.clock(), reason }, (agent, ended) => [
        permit,
        agentRecord(event, agent, { ...askedBy(asker), reason }, parts),
        ...ended.map((task) => endedRecord(task, parts)),
      ]);
      if (result.outcome === 'moved') {
        parts.onEnded(result.tasks, reason);
        return withUse(result.agent);
      }
      await log.append([permit]);
      const state = result.outcome === 'not_from' ? result.state : 'unknown';
      throw new Conflict(`agent \`${id}\` is ${state === 'active' ? 'active already' : state}`);
    },
  };
}

async function registerAgent(asker: Asker, registration: Registration, parts: AgentsParts): Promise<RegisteredAgent> {
  const owner = registration.owner ?? personOf(asker);
  const agent: RegisteredAgent = {
    ...registration,
    owner,
    state: 'active',
    createdAt: parts.clock(),
    createdBy: askerName(asker),
    revision: 1,
  };
  await refuseItself(asker, { operation: 'agent.register', id: agent.id }, parts);
  const own = {
    operation: 'agent.register' as const,
    resources: [resourceOf(agent.id)],
    arguments: { agent: agent.id, owner: ownerArgument(owner), ...changeArguments(registration) },
  };
  const permit = await authorize(asker, own, parts);
  await refuseGone(owner, permit, parts);
  const records = [permit, agentRecord('agent.registered', agent, { ...askedBy(asker) }, parts)];
  if ((await parts.store.registerAgent(agent, records)) === 'registered') return agent;
  await parts.log.append([permit]);
  throw new Conflict(`agent \`${agent.id}\` is registered already; change it with \`remit agent set\``);
}

function personOf({ delegator }: Asker): AgentOwner {
  if (delegator === null) throw new InvalidRequest('`owner` is missing; an agent is owned by a person or a group');
  return { issuer: delegator.issuer, subject: delegator.subject };
}

/** Decides an operation on one registration, whether or not it exists: who may not, does not learn of it. */
async function permitOn(
  asker: Asker,
  own: { operation: OwnOperation; id: string; arguments: JsonObject },
  parts: AgentsParts,
): Promise<DecisionRecord> {
  const { operation, id } = own;
  if (operation !== 'agent.read') await refuseItself(asker, { operation, id }, parts);
  const agent = parts.store.agent(id);
  const about: JsonObject = { agent: id, ...(agent === undefined ? {} : { owner: ownerArgument(agent.owner) }) };
  return authorize(asker, { operation, resources: [resourceOf(id)], arguments: { ...own.arguments, ...about } }, parts);
}

/** Whatever policy says, an agent changes nothing about itself: not its groups, not its owner, not its state. */
async function refuseItself(
  asker: Asker,
  { operation, id }: { operation: OwnOperation; id: string },
  parts: AgentsParts,
): Promise<void> {
  if (asker.agent === null || !isOf(id, asker.agent.id)) return;
  const reason = 'an agent does not change its own registration';
  await parts.log.append([refusedRecord(asker, { operation, subject: { agent: id }, reason }, parts)]);
  throw new Forbidden(reason);
}

function known(id: string, { store }: AgentsParts): RegisteredAgent {
  const agent = store.agent(id);
  if (agent === undefined) {
    throw new NotFound(`nothing is registered as \`${id.slice(0, 200)}\`; see \`remit agent list\``);
  }
  return agent;
}

async function knownOr(id: string, permit: DecisionRecord, parts: AgentsParts): Promise<RegisteredAgent> {
  if (parts.store.agent(id) === undefined) await parts.log.append([permit]);
  return known(id, parts);
}

/** Nobody answers for an agent whose owner has gone: it is handed over first. */
async function refuseGone(owner: AgentOwner, permit: DecisionRecord, parts: AgentsParts): Promise<void> {
  if ('group' in owner || parts.store.suspension('delegator', ownerName(owner)) === undefined) return;
  await parts.log.append([permit]);
  throw new Conflict(`\`${owner.subject}\` is offboarded and cannot own an active agent; name another owner`);
}

function resourceOf(id: string): string {
  return `agent:${id}`;
}

function ownerArgument(owner: AgentOwner): JsonObject {
  return 'group' in owner ? { group: owner.group } : { issuer: owner.issuer, subject: owner.subject };
}

/** What policy sees of what would be new; `owner` is the owner as it is. */
function changeArguments({ owner, purpose, groups, profiles }: RegistrationChange): JsonObject {
  return {
    ...(owner === undefined ? {} : { new_owner: ownerArgument(owner) }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(groups === undefined ? {} : { groups }),
    ...(profiles === undefined || profiles === null ? {} : { profiles }),
  };
}

function askedBy(asker: Asker): { by: string; request: string } {
  return { by: askerName(asker), request: asker.request };
}

export function agentRecord(
  event: EventRecord['event'],
  agent: RegisteredAgent,
  why: { by: string; request?: string | undefined; reason?: string | undefined },
  parts: Pick<AuthorizeParts, 'newId' | 'clock'>,
): EventRecord {
  const { id, owner, purpose, groups, profiles, state } = agent;
  return {
    version: 1,
    id: parts.newId('rec'),
    time: parts.clock(),
    kind: 'event',
    event,
    subject: {
      ...(why.request === undefined ? {} : { request: why.request }),
      agent: id,
      state,
      owner: ownerName(owner),
      purpose,
      groups,
      profiles,
      ...(why.reason === undefined ? {} : { reason: why.reason }),
      by: why.by,
    },
  };
}
