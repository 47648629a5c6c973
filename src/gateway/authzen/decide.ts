import type { Decision } from '../../core/decision.ts';
import { settleInOrder } from '../steps/in-order.ts';
import type { StepParts } from '../steps/parts.ts';
import type { Semantics } from './questions.ts';
import type { AskedExchange, AuthzenStep } from './request.ts';

/** Steps 3 to 5 of each question, in their order, until the semantics of the call say that it is over. */
export function decideStep(parts: StepParts): AuthzenStep {
  return {
    name: 'decide',
    run: async ({ request }) => {
      const { semantics } = request.questions!;
      const decidable = until(request.asked!, semantics).filter(isReadable);
      request.settled = await settleInOrder(decidable, { stopsAfter: stopsAfter(semantics), parts });
      return undefined;
    },
  };
}

export function stopsAfter(semantics: Semantics): (decision: Pick<Decision, 'outcome'>) => boolean {
  switch (semantics) {
    case 'execute_all':
      return () => false;
    case 'deny_on_first_deny':
      return ({ outcome }) => outcome !== 'permit';
    case 'permit_on_first_permit':
      return ({ outcome }) => outcome === 'permit';
  }
}

/** Up to an entry that cannot be read, where that counts as the first denial. */
function until<Asked extends AskedExchange | { problem: string }>(
  asked: readonly Asked[],
  semantics: Semantics,
): readonly Asked[] {
  const first = semantics === 'deny_on_first_deny' ? asked.findIndex((each) => 'problem' in each) : -1;
  return first === -1 ? asked : asked.slice(0, first);
}

export function isReadable(asked: AskedExchange | { problem: string }): asked is AskedExchange {
  return !('problem' in asked);
}
