import type { AskedExchange, AuthzenExchange, AuthzenStep } from './request.ts';
import { describeEvaluation } from './describe-evaluation.ts';
import type { AuthzenParts } from './parts.ts';
import { readMany, readOne, type Question } from './questions.ts';
import { readCall } from './read-body.ts';

/** Step 2: the questions of the call, each as an action of its own. What cannot be read is no action, and is answered alone. */
export function describeStep({ maxBodyBytes, steps }: Pick<AuthzenParts, 'maxBodyBytes' | 'steps'>): AuthzenStep {
  return {
    name: 'describe',
    run: async (exchange) => {
      const { request } = exchange;
      const body = await readCall(request.http, maxBodyBytes);
      const questions = request.endpoint === 'evaluation' ? readOne(body) : readMany(body);
      request.questions = questions;
      request.asked = questions.asked.map((question) =>
        'problem' in question ? question : exchangeOf(question, exchange, steps.newId),
      );
      return undefined;
    },
  };
}

/** An exchange of its own, with the caller of the call: its records are told apart. */
function exchangeOf(
  evaluation: Exclude<Question, { problem: string }>,
  { request, receivedAt, signal, caller }: AuthzenExchange,
  newId: (prefix: string) => string,
): AskedExchange {
  if (caller === undefined || request.target === undefined)
    throw new Error('a pipeline describes before it knows who asks');
  return {
    id: newId('req'),
    receivedAt,
    request: evaluation,
    signal,
    enforcedBy: 'caller',
    caller,
    action: describeEvaluation(evaluation, request.target, caller),
  };
}
