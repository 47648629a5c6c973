import type { DecisionInput, Reason } from './decision.ts';
import { handleOf, type NamedLease } from './lease.ts';

type About = Pick<DecisionInput, 'action' | 'chain'>;

/**
 * Why a lease that the arguments name may not be used by this action. INVARIANT 13: a lease is of one task; a task below it
 * may use it where each grant between them says so.
 */
export function leaseObjection({ action, chain }: About): Reason | null {
  for (const named of action.leases ?? []) {
    const objection = objectionTo(named, { action, chain });
    if (objection !== null) return { code: 'lease_not_usable', ...objection };
  }
  return null;
}

function objectionTo({ id, lease }: NamedLease, { action, chain }: About): Omit<Reason, 'code'> | null {
  const handle = `\`${handleOf(id)}\``;
  const level = lease === null ? -1 : chain.findIndex(({ task }) => task.id === lease.task);
  // Whether another task has such a lease is nobody else's business; the facts of the record say it.
  if (lease === null || level < 0) {
    return { message: `${handle} is no lease of this task`, next: 'use the handle that this task was given' };
  }
  if (lease.state === 'waiting') {
    return {
      message: `${handle} stands for something that looks like a secret, and waits for a person to release it`,
      next: `ask an operator to run \`remit lease release ${id}\``,
    };
  }
  if (lease.state !== 'held') {
    return { message: `${handle} has ended, and what it stood for with it`, next: 'have a new one made' };
  }
  const below = chain.slice(0, level);
  const refusing = below.find(
    ({ task }) => !task.grant.some(({ target, leases }) => target === action.target && leases?.includes(id) === true),
  );
  if (refusing !== undefined) {
    return {
      message: `${handle} is of a task above, and the grant of task \`${refusing.task.id}\` does not hand it on`,
      next: `name \`${id}\` under \`leases\` of the grant when the task is handed on`,
    };
  }
  if (!lease.usableAt.includes(action.target)) {
    return {
      message: `${handle} may be sent to ${lease.usableAt.map((name) => `\`${name}\``).join(', ')} only`,
      next: 'use it at its own target',
    };
  }
  return null;
}
