import { evaluationAnswer, unreadableAnswer, type EvaluationAnswer } from './answer.ts';
import { isReadable, stopsAfter } from './decide.ts';
import type { AuthzenRequest, AuthzenStep } from './request.ts';

/** Step 6: there is nothing to send, since whoever asked carries out what is permitted. They get the decisions. */
export function actStep({ publicUrl }: { publicUrl: string }): AuthzenStep {
  return {
    name: 'act',
    run: (exchange) => {
      const answers = answersOf(exchange.request, publicUrl);
      exchange.answer = exchange.request.questions!.single ? answers[0]! : { evaluations: answers };
      return undefined;
    },
  };
}

/** In the order of the questions, up to where the call was over. */
function answersOf({ questions, asked, settled }: AuthzenRequest, publicUrl: string): EvaluationAnswer[] {
  const { semantics } = questions!;
  const isLast = stopsAfter(semantics);
  const answers: EvaluationAnswer[] = [];
  let left = settled!;
  for (const each of asked!) {
    if (!isReadable(each)) {
      answers.push(unreadableAnswer(each.problem));
      if (semantics === 'deny_on_first_deny') break;
      continue;
    }
    if (left-- === 0) break;
    answers.push(evaluationAnswer(each, publicUrl));
    if (isLast(each.decision!)) break;
  }
  return answers;
}
