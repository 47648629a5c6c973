import type { HttpParts } from './parts.ts';
import type { HttpStep } from './request.ts';

/** Step 7, once the answer is through. */
export function observeWhenFinished({ steps, log }: Pick<HttpParts, 'steps' | 'log'>): HttpStep {
  return {
    name: 'observe',
    run: (exchange) => {
      if (exchange.answer?.kind !== 'passing') return undefined;
      exchange.answer.finished
        .then(async (outcome) => {
          exchange.outcome = outcome;
          await steps.observe.run(exchange);
        })
        .catch((error: unknown) => log.error({ err: error, request: exchange.id }, 'an outcome was not observed'));
      return undefined;
    },
  };
}
