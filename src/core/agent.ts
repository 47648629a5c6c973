import { delegatorId } from './party.ts';
import { matchesPattern } from './resource.ts';
import { parseWorkloadId, type SpiffeId } from './spiffe-id.ts';

export const AGENT_STATES = ['active', 'suspended', 'retired'] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** Who answers for an agent: a person (issuer and `sub`), or everybody of a group. */
export type AgentOwner = { issuer: string; subject: string } | { group: string };

/** An agent, or a fleet of agents, that somebody has registered. Times are milliseconds since the epoch. */
export type RegisteredAgent = {
  /** A SPIFFE ID, or for a fleet a pattern of them (`*` within a path segment, `**` across). */
  id: string;
  owner: AgentOwner;
  purpose: string;
  groups: string[];
  /** Names of the profiles that its tasks may be of; `null` for any task. */
  profiles: string[] | null;
  state: AgentState;
  /** Why it is in its state; absent while it is active and was never otherwise. */
  reason?: string;
  createdAt: number;
  /** Who registered it. */
  createdBy: string;
  /** 1 at first, one more with each change but its use. */
  revision: number;
  lastUsedAt?: number;
};

const TRANSITIONS: Record<AgentState, readonly AgentState[]> = {
  active: ['suspended', 'retired'],
  suspended: ['active', 'retired'],
  retired: [],
};

export function agentMayBecome(from: AgentState, to: AgentState): boolean {
  return TRANSITIONS[from].includes(to);
}

export function isFleet(id: string): boolean {
  return id.includes('*');
}

/** The trust domain of the ID or pattern of a registration, or why the text is neither. */
export function parseRegistrationId(text: string): { trustDomain: string } | { problem: string } {
  const [, , trustDomain = ''] = text.split('/', 3);
  if (trustDomain.includes('*')) return { problem: 'has a pattern for its trust domain; write the domain out' };
  return parseWorkloadId(text.replaceAll('**', 'x').replaceAll('*', 'x'));
}

/** What the registry says of one agent. */
export type Standing = {
  /** `null` when no registration is of this agent. */
  state: AgentState | null;
  /** Of the registration that the state is of. */
  by: RegisteredAgent | null;
  /** The registration that says who answers for the agent: its own, or the narrowest fleet that it is of. */
  registration: RegisteredAgent | null;
};

/**
 * What the registrations that are of an agent say together: one that is retired or suspended counts for all, so that a
 * whole fleet is stopped at once, whoever of it has a registration of its own.
 */
export function standingOf(registrations: readonly RegisteredAgent[]): Standing {
  const [narrowest = null] = registrations.toSorted(byNarrowness);
  const worst =
    registrations.find(({ state }) => state === 'retired') ??
    registrations.find(({ state }) => state === 'suspended') ??
    narrowest;
  return { state: worst?.state ?? null, by: worst, registration: narrowest };
}

/** An ID before patterns, then the pattern that says most; of two that say as much, the first in the order of bytes. */
function byNarrowness(a: RegisteredAgent, b: RegisteredAgent): number {
  const wild = Number(isFleet(a.id)) - Number(isFleet(b.id));
  if (wild !== 0) return wild;
  const literal = (id: string) => id.replaceAll('*', '').length;
  return literal(b.id) - literal(a.id) || (a.id < b.id ? -1 : 1);
}

export function isOf(registration: string, agent: SpiffeId): boolean {
  return matchesPattern(registration, agent);
}

/** Why an agent that stands so may be given nothing, or `null`. */
export function agentObjection(
  agent: string,
  state: AgentState | 'unregistered' | null | undefined,
): { message: string; next: string } | null {
  switch (state) {
    case 'suspended':
      return { message: `agent \`${agent}\` is suspended`, next: 'ask its owner to have it resumed' };
    case 'retired':
      return { message: `agent \`${agent}\` is retired`, next: 'use another agent; this one does not come back' };
    case 'unregistered':
      return { message: `agent \`${agent}\` is not registered`, next: 'have it registered with `remit agent add`' };
    case 'active':
    case null:
    case undefined:
      return null;
  }
}

/** One text that names an owner. No issuer starts so: it is a URL. */
export function ownerName(owner: AgentOwner): string {
  return 'group' in owner ? `group:${owner.group}` : delegatorId(owner);
}
