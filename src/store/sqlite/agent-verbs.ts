import { agentMayBecome, isFleet, isOf, type AgentState, type RegisteredAgent } from '../../core/agent.ts';
import type { Task } from '../../core/task.ts';
import type { AgentStore } from '../ports.ts';
import type { AgentTable } from './agent-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { endTree, forgetTree, nothingEnded, type EndedTree, type EndTables } from './end-tree.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';

type Tables = EndTables & { log: RecordLog; agents: AgentTable };

/** What a move of agents has changed: nothing of it is in memory before it is durable. */
type Moved = { agents: RegisteredAgent[]; ended: EndedTree; tasks: Task[] };

/** The registry. A state and the end of the live tasks that it puts an end to are one transaction. */
export function agentVerbs(queue: CommitQueue, tables: Tables): AgentStore {
  const { log, tasks, agents } = tables;
  const remember = (moved: Moved) => {
    for (const agent of moved.agents) agents.remember(agent);
    forgetTree(moved.ended, tables);
  };

  function move(all: readonly RegisteredAgent[], to: AgentState, at: number, reason: string): Moved {
    const moved = all.map((agent) => agents.move(agent, to, reason));
    const ended = nothingEnded();
    for (const agent of to === 'active' ? [] : moved) endTasksOf(agent, { at, reason }, ended);
    return { agents: moved, ended, tasks: ended.tasks };
  }

  function endTasksOf({ id, state }: RegisteredAgent, why: { at: number; reason: string }, ended: EndedTree): void {
    const reason = `its agent is ${state}: ${why.reason}`;
    for (const task of tasks.liveOf((agent) => isOf(id, agent))) {
      // A task of it may have ended as the descendant of another one before its turn comes.
      endTree({ id: task, to: 'revoked', at: why.at, reason, cause: 'agent' }, ended, tables);
    }
  }

  return {
    registerAgent: (agent, records) =>
      queue.add(
        () => {
          checkIdentifiers(agent.id);
          if (agents.stored(agent.id) !== undefined) return 'exists' as const;
          agents.insert(agent, isFleet(agent.id));
          log.append(records);
          return 'registered' as const;
        },
        (outcome) => {
          if (outcome === 'registered') agents.remember(structuredClone(agent));
        },
      ),
    changeAgent: (change, records) =>
      queue
        .add(
          () => {
            const { id, revision, ...changed } = change;
            const known = agents.stored(id);
            if (known === undefined) return { outcome: 'unknown' as const };
            if (known.state === 'retired') return { outcome: 'retired' as const };
            if (known.revision !== revision) return { outcome: 'changed_meanwhile' as const };
            const agent = agents.update({ ...known, ...changed });
            log.append(records);
            return { outcome: 'changed' as const, agent };
          },
          (result) => {
            if (result.outcome === 'changed') agents.remember(result.agent);
          },
        )
        .then(({ outcome }) => outcome),
    moveAgent: ({ id, to, at, reason }, records) =>
      queue
        .add(
          () => {
            checkIdentifiers(id);
            const known = agents.stored(id);
            if (known === undefined) return { outcome: 'unknown' as const };
            if (!agentMayBecome(known.state, to)) return { outcome: 'not_from' as const, state: known.state };
            const moved = move([known], to, at, reason);
            log.append(records(moved.agents[0]!, moved.tasks));
            return { outcome: 'moved' as const, moved };
          },
          (result) => {
            if (result.outcome === 'moved') remember(result.moved);
          },
        )
        .then((result) =>
          result.outcome === 'moved'
            ? { outcome: 'moved', agent: result.moved.agents[0]!, tasks: result.moved.tasks }
            : result,
        ),
    suspendAgentsOf: (owner, { at, reason }, records) =>
      queue
        .add(() => {
          checkIdentifiers(owner.issuer, owner.subject);
          const active = agents.ownedBy(owner).filter(({ state }) => state === 'active');
          const moved = move(active, 'suspended', at, reason);
          log.append(records(moved.agents, moved.tasks));
          return moved;
        }, remember)
        .then((moved) => ({ agents: moved.agents, tasks: moved.tasks })),
    noteAgentUse: (uses) =>
      queue.add(
        () => {
          for (const { id, at } of uses) agents.use(id, at);
        },
        () => {
          for (const { id, at } of uses) agents.rememberUse(id, at);
        },
      ),
    agent: (id) => agents.get(id),
    agents: () => agents.list(),
    agentChanges: () => agents.changes,
  };
}
