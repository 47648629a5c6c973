import { agentMayBecome, isFleet } from '../../core/agent.ts';
import type { AgentStore } from '../ports.ts';
import type { AgentTable } from './agent-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { forgetTree, nothingEnded, type EndTables } from './end-tree.ts';
import { checkIdentifiers } from './identifier.ts';
import { moveAgents } from './move-agents.ts';
import type { RecordLog } from './record-log.ts';

type Tables = EndTables & { log: RecordLog; agents: AgentTable };

/** The registry. A state and the end of the live tasks that it puts an end to are one transaction. */
export function agentVerbs(queue: CommitQueue, tables: Tables): AgentStore {
  const { log, agents } = tables;
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
            const ended = nothingEnded();
            const agent = moveAgents([known], { to, at, reason }, ended, tables)[0]!;
            log.append(records(agent, ended.tasks));
            return { outcome: 'moved' as const, agent, ended };
          },
          (result) => {
            if (result.outcome !== 'moved') return;
            agents.remember(result.agent);
            forgetTree(result.ended, tables);
          },
        )
        .then((result) =>
          result.outcome === 'moved' ? { outcome: 'moved', agent: result.agent, tasks: result.ended.tasks } : result,
        ),
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
