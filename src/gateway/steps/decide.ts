import type { Step } from '../pipeline.ts';
import { decideNow, gathered, type StepParts } from './parts.ts';

/** Step 4: the decision, now and for this request only (invariant 2). */
export function decideStep<Request, Answer>(parts: StepParts): Step<Request, Answer> {
  return {
    name: 'decide',
    run: (exchange) => {
      decideNow(gathered(exchange), parts);
      return undefined;
    },
  };
}
