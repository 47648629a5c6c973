import type { RegisteredAgent } from '../../core/agent.ts';
import { delegatorOf } from '../../core/party.ts';
import { endsWith, type Suspension } from '../../core/suspension.ts';
import type { SuspensionStore } from '../ports.ts';
import type { AgentTable } from './agent-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { endTree, forgetTree, nothingEnded, type EndedTree, type EndTables } from './end-tree.ts';
import { checkIdentifiers } from './identifier.ts';
import { moveAgents } from './move-agents.ts';
import type { RecordLog } from './record-log.ts';
import type { SuspensionTable } from './suspension-table.ts';

type Tables = EndTables & { log: RecordLog; suspensions: SuspensionTable; agents: AgentTable };

export function suspensionVerbs(queue: CommitQueue, tables: Tables): SuspensionStore {
  const { log, suspensions } = tables;

  /** Nobody answers any more for the agents of a person who has gone. */
  function suspendAgentsOf({ kind, id, since: at, reason }: Suspension, ended: EndedTree): RegisteredAgent[] {
    if (kind !== 'delegator') return [];
    const active = tables.agents.ownedBy(delegatorOf(id)).filter(({ state }) => state === 'active');
    const why = `their owner is offboarded: ${reason}`;
    return moveAgents(active, { to: 'suspended', at, reason: why }, ended, tables);
  }

  return {
    suspend: (suspension, records) =>
      queue
        .add(
          () => {
            const { kind, id, by, reason, since: at } = suspension;
            checkIdentifiers(id, by, reason);
            if (!suspensions.insert(suspension)) return { outcome: 'already_suspended' as const };
            const ended = nothingEnded();
            for (const task of tables.tasks.liveUnder(suspension)) {
              if (!endsWith(task, suspension)) continue;
              // One whose ancestor is among them has ended with it, and is not found any more.
              endTree({ id: task.id, to: 'revoked', at, reason, cause: kind, by }, ended, tables);
            }
            const agents = suspendAgentsOf(suspension, ended);
            log.append(records(ended.tasks, agents));
            return { outcome: 'suspended' as const, ended, agents };
          },
          (result) => {
            if (result.outcome !== 'suspended') return;
            suspensions.remember(suspension);
            for (const agent of result.agents) tables.agents.remember(agent);
            forgetTree(result.ended, tables);
          },
        )
        .then((result) =>
          result.outcome === 'suspended'
            ? { outcome: result.outcome, tasks: result.ended.tasks, agents: result.agents }
            : result,
        ),
    resume: ({ kind, id }, records) =>
      queue.add(
        () => {
          checkIdentifiers(id);
          if (!suspensions.delete(kind, id)) return 'not_suspended' as const;
          log.append(records);
          return 'resumed' as const;
        },
        (outcome) => {
          if (outcome === 'resumed') suspensions.forget(kind, id);
        },
      ),
    suspension: suspensions.find,
    suspensions: () => suspensions.all(),
  };
}
