import { matchesPattern } from '../core/resource.ts';
import type { Agent } from '../core/party.ts';

/** Group names with the SPIFFE ID patterns of the agents in them (`*` within a path segment, `**` across). */
export type AgentGroups = Readonly<Record<string, readonly string[]>>;

/** Puts an agent, whose identity has been proven, into its groups, and adds what else is known of it (`AgentRegistry`). */
export type WithGroups = (agent: Agent) => Agent;

export function createAgentGroups(groups: AgentGroups): WithGroups {
  const withAgents = Object.entries(groups).filter(([, patterns]) => patterns.length > 0);
  if (withAgents.length === 0) return (agent) => agent;
  // One agent in its groups for each agent of a remembered token: what is made of it later is made once too.
  const known = new WeakMap<Agent, Agent>();
  return (agent) => {
    const before = known.get(agent);
    if (before !== undefined) return before;
    const groups = withAgents
      .filter(([, patterns]) => patterns.some((pattern) => matchesPattern(pattern, agent.id)))
      .map(([name]) => name);
    const grouped: Agent = { ...agent, groups };
    known.set(agent, grouped);
    return grouped;
  };
}
