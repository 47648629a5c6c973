import type { McpParts } from './parts.ts';
import type { McpStep } from './request.ts';

/** Step 7, once the upstream is through: for a stream that is after the answer has begun. */
export function observeWhenFinished({ steps, log }: Pick<McpParts, 'steps' | 'log'>): McpStep {
  return {
    name: 'observe',
    run: (exchange) => {
      const finished = exchange.answer?.finished;
      if (finished === undefined) return undefined;
      finished
        .then(async (outcome) => {
          exchange.outcome = outcome;
          try {
            await steps.observe.run(exchange);
          } catch {
            // A result without canonical form (a lone surrogate, an infinite number) has no digest; the outcome stays.
            exchange.outcome = { ...outcome, result: undefined, read: { value: outcome.result ?? null } };
            await steps.observe.run(exchange);
          }
        })
        .catch((error: unknown) => log.error({ err: error, request: exchange.id }, 'an outcome was not observed'));
      return undefined;
    },
  };
}
