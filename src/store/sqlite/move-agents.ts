import { isOf, type AgentState, type RegisteredAgent } from '../../core/agent.ts';
import type { AgentTable } from './agent-table.ts';
import { endTree, type EndedTree, type EndTables } from './end-tree.ts';

/** INVARIANT 6: in the open transaction. Another state, and unless that is `active` the end of every live task of theirs. */
export function moveAgents(
  all: readonly RegisteredAgent[],
  { to, at, reason }: { to: AgentState; at: number; reason: string },
  ended: EndedTree,
  tables: EndTables & { agents: AgentTable },
): RegisteredAgent[] {
  const moved = all.map((agent) => tables.agents.move(agent, to, reason));
  for (const { id, state } of to === 'active' ? [] : moved) {
    for (const task of tables.tasks.liveOf((agent) => isOf(id, agent))) {
      // A task of it may have ended as the descendant of another one before its turn comes.
      endTree(
        { id: task, to: 'revoked', at, reason: `its agent is ${state}: ${reason}`, cause: 'agent' },
        ended,
        tables,
      );
    }
  }
  return moved;
}
