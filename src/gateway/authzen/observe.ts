import type { StepParts } from '../steps/parts.ts';
import { isReadable } from './decide.ts';
import type { AuthzenStep } from './request.ts';

/**
 * Step 7: what the agent will read by what was permitted does not pass here, so from now on it is known that there is
 * something which is not. No outcome is recorded: the decision's record says that there will be none.
 */
export function observeStep({ sources }: Pick<StepParts, 'sources'>): AuthzenStep {
  return {
    name: 'observe',
    run: ({ request }) => {
      for (const { decision, recordId, looked, chain } of request.asked!.filter(isReadable)) {
        if (decision?.outcome !== 'permit' || recordId === undefined || looked === undefined) continue;
        sources.read(looked, { id: recordId, chain: chain ?? [], value: undefined });
      }
      return undefined;
    },
  };
}
