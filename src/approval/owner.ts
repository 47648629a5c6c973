import { isOf, standingOf } from '../core/agent.ts';
import type { Approval } from '../core/approval.ts';
import { samePerson, type Delegator } from '../core/party.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { AgentStore } from '../store/ports.ts';

/**
 * Whether this person answers for an agent of the chain that asks, by themselves or as one of the group that does. Nobody
 * answers for an agent that is not registered.
 */
export function ownsOneOf(
  person: Delegator,
  { card, requester }: Pick<Approval, 'card' | 'requester'>,
  store: Pick<AgentStore, 'agents'>,
): boolean {
  const agents = new Set([
    ...card.chain.map(({ agent }) => agent),
    ...(requester.agent === null ? [] : [requester.agent]),
  ]);
  const registered = store.agents();
  return [...agents].some((agent) => {
    const { registration } = standingOf(registered.filter(({ id }) => isOf(id, agent as SpiffeId)));
    if (registration === null) return false;
    const { owner } = registration;
    return 'group' in owner ? person.groups.includes(owner.group) : samePerson(person, owner);
  });
}
