import type { Exchange } from './exchange.ts';

/**
 * One step: one small file. It returns an answer to stop with (a refusal, a hold, a finished answer), or `undefined` to
 * go on. An expected failure is thrown as a `RemitError`; the PEP turns it into the protocol's error.
 */
export type Step<Request, Answer> = {
  name: 'authenticate' | 'describe' | 'gather' | 'decide' | 'record' | 'act' | 'observe';
  run(exchange: Exchange<Request, Answer>): Promise<Answer | undefined> | Answer | undefined;
};

/** Runs the steps in order and returns the first answer. */
export async function runPipeline<Request, Answer>(
  steps: readonly Step<Request, Answer>[],
  exchange: Exchange<Request, Answer>,
): Promise<Answer> {
  for (const step of steps) {
    const answer = await step.run(exchange);
    if (answer !== undefined) return answer;
  }
  if (exchange.answer === undefined) throw new Error('the pipeline ended without an answer');
  return exchange.answer;
}
