import type { EndCause } from './closing.ts';
import type { DecisionInput } from './decision.ts';
import { delegatorId } from './party.ts';
import type { Task } from './task.ts';

export const SUSPENSION_KINDS = ['everything', 'delegator', 'target', 'trust_domain'] as const satisfies EndCause[];
export type SuspensionKind = (typeof SUSPENSION_KINDS)[number];

/** Something that may do nothing until it is resumed. Agents are not here: their registration has a state of its own. */
export type Suspension = {
  kind: SuspensionKind;
  /** Of `everything`: `everything`. Else `delegatorId`, name of a target, name of a trust domain. */
  id: string;
  /** Milliseconds since the epoch. */
  since: number;
  /** Who suspended it, as `askerName` says. */
  by: string;
  reason: string;
};

/** The one suspension of its kind. */
export const EVERYTHING = 'everything';

/** The suspension of exactly this, if there is one. From memory. */
export type FindSuspension = (kind: SuspensionKind, id: string) => Suspension | undefined;

/**
 * Whether a live task ends when this is suspended. One with a grant at another target goes on there; whoever is below a
 * task that ends, ends with it.
 */
export function endsWith(task: Task, { kind, id }: Pick<Suspension, 'kind' | 'id'>): boolean {
  switch (kind) {
    case 'everything':
      return true;
    case 'delegator':
      return delegatorId(task.delegator) === id;
    case 'trust_domain':
      return task.agent.trustDomain === id;
    case 'target':
      return task.grant.every((grant) => grant.target === id);
  }
}

/** What keeps a new task from being made, if anything does. */
export function suspensionOfTask(task: Task, find: FindSuspension): Suspension | undefined {
  const at = task.grant.map(({ target }) => find('target', target));
  return (
    find('everything', EVERYTHING) ??
    find('delegator', delegatorId(task.delegator)) ??
    find('trust_domain', task.agent.trustDomain) ??
    // As `endsWith`: a task that could do nothing but at targets that are cut off.
    (at.every((suspended) => suspended !== undefined) ? at[0] : undefined)
  );
}

/**
 * The suspension that an action falls under, if any: of everything, of its target, or of anybody in whose name it is done,
 * at whichever level. While everything is stopped a person can still sign in, look, and end or resume: the way back.
 */
export function suspensionOfAction(
  input: Pick<DecisionInput, 'action' | 'agent' | 'delegator' | 'chain'>,
  find: FindSuspension,
): Suspension | undefined {
  const { action, agent, delegator, chain } = input;
  const everything = find('everything', EVERYTHING);
  if (everything !== undefined && !leadsBack(input)) return everything;
  const target = find('target', action.target);
  if (target !== undefined) return target;
  const own =
    (delegator === null ? undefined : find('delegator', delegatorId(delegator))) ??
    (agent === null ? undefined : find('trust_domain', agent.trustDomain));
  // Somebody else may look at what somebody suspended did, and end what is left of it.
  if (own !== undefined || isLook(action)) return own;
  for (const { task } of chain) {
    const level = find('delegator', delegatorId(task.delegator)) ?? find('trust_domain', task.agent.trustDomain);
    if (level !== undefined) return level;
  }
  return undefined;
}

function leadsBack({ action, agent, chain }: Pick<DecisionInput, 'action' | 'agent' | 'chain'>): boolean {
  if (isLook(action)) return true;
  return action.target === 'remit' && action.operation === 'token.issue' && agent === null && chain.length === 0;
}

/** Reads and writes at Remit itself give no authority: they show, answer, end and resume. */
function isLook({ target, effect }: DecisionInput['action']): boolean {
  return target === 'remit' && (effect === 'read' || effect === 'write');
}
