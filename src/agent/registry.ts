import {
  agentObjection,
  isFleet,
  isOf,
  standingOf,
  type AgentState,
  type RegisteredAgent,
  type Standing,
} from '../core/agent.ts';
import type { Agent } from '../core/party.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { AgentStore } from '../store/ports.ts';

/** What the registry says of agents, from memory. */
export interface AgentRegistry {
  /**
   * The agent, whose identity has just been proven, with its state, its owner and the groups of its registration. Called
   * at every request, so that what an operator does to an agent holds for the next one; counts as a use.
   */
  describe(agent: Agent): Agent;
  /** Why nothing may be given to this agent, or `null`. `profile`: of the task that it is to be given. */
  objectionTo(agent: SpiffeId, profile?: string): { message: string; next: string } | null;
  /** Stores what was used since the last time. Rejects when that fails, and keeps it for the next time. */
  storeUses(): Promise<void>;
  /** When a registration was last used, whether or not that is stored yet; ms since the epoch. */
  lastUseOf(registration: RegisteredAgent): number | undefined;
}

export type RegistryParts = {
  store: Pick<AgentStore, 'agent' | 'agents' | 'agentChanges' | 'noteAgentUse'>;
  /** Whether an agent that nobody has registered may do anything. */
  unregistered: 'allow' | 'deny';
  clock: () => number;
};

type Described = { changes: number; agent: Agent; registration: RegisteredAgent | null };

export function createAgentRegistry({ store, unregistered, clock }: RegistryParts): AgentRegistry {
  // One agent with its facts for each agent of a remembered token: what is made of it later is made once too.
  const known = new WeakMap<Agent, Described>();
  let fleets: { changes: number; of: RegisteredAgent[] } = { changes: -1, of: [] };
  let uses = new Map<string, number>();

  function standing(id: SpiffeId): Standing {
    const changes = store.agentChanges();
    if (fleets.changes !== changes) fleets = { changes, of: store.agents().filter((agent) => isFleet(agent.id)) };
    const own = store.agent(id);
    return standingOf([...(own === undefined ? [] : [own]), ...fleets.of.filter((fleet) => isOf(fleet.id, id))]);
  }

  function stateOf({ state }: Standing): AgentState | 'unregistered' | null {
    return state ?? (unregistered === 'deny' ? 'unregistered' : null);
  }

  function describeAnew(agent: Agent): Described {
    const found = standing(agent.id);
    const { registration } = found;
    const state = stateOf(found);
    const groups = [...new Set([...(agent.groups ?? []), ...(registration?.groups ?? [])])];
    return {
      changes: store.agentChanges(),
      registration,
      agent: {
        ...agent,
        ...(agent.groups === undefined && groups.length === 0 ? {} : { groups }),
        ...(state === null ? {} : { state }),
        ...(registration === null ? {} : { owner: registration.owner }),
      },
    };
  }

  return {
    describe: (agent) => {
      let described = known.get(agent);
      if (described?.changes !== store.agentChanges()) known.set(agent, (described = describeAnew(agent)));
      const { registration } = described;
      if (registration !== null && described.agent.state === 'active') uses.set(registration.id, clock());
      return described.agent;
    },
    objectionTo: (agent, profile) => {
      const found = standing(agent);
      return agentObjection(agent, stateOf(found)) ?? profileObjection(agent, found.registration, profile);
    },
    storeUses: async () => {
      const stored = uses;
      if (stored.size === 0) return;
      uses = new Map();
      try {
        await store.noteAgentUse(Array.from(stored, ([id, at]) => ({ id, at })));
      } catch (error) {
        uses = new Map([...stored, ...uses]);
        throw error;
      }
    },
    lastUseOf: ({ id, lastUsedAt }) => {
      const since = uses.get(id);
      return since === undefined ? lastUsedAt : Math.max(since, lastUsedAt ?? 0);
    },
  };
}

/** A registration that lists profiles is for tasks of one of them, and for none without a profile. */
function profileObjection(
  agent: SpiffeId,
  registration: RegisteredAgent | null,
  profile: string | undefined,
): { message: string; next: string } | null {
  const profiles = registration?.profiles ?? null;
  if (profiles === null || (profile !== undefined && profiles.includes(profile))) return null;
  const names = profiles.map((name) => `\`${name}\``).join(', ');
  const asked = profile === undefined ? 'a task without a profile' : `a task of the profile \`${profile}\``;
  const next = profiles.length === 0 ? 'have its registration changed' : `ask for a task of ${names}`;
  return { message: `agent \`${agent}\` is not registered for ${asked}`, next };
}
