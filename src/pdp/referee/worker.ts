import { parentPort, workerData } from 'node:worker_threads';
import type { DecisionInput } from '../../core/decision.ts';
import { Oracle, Unaskable } from '../oracle.ts';
import { parsePolicies } from '../policy-set.ts';
import { RULING, rulingNames, rulingOf } from '../ruling.ts';
import { differenceOf, WAYS, type Difference, type Said } from '../said.ts';
import type { Question, RefereeMessage, RefereeTask } from './thread.ts';

/**
 * Evaluates decisions again with `cedar-wasm`, on a thread of its own. It reads the set from its files, so that what is
 * lost between parsing and compiling is missed here.
 */
const { files } = workerData as RefereeTask;
const port = parentPort!;
const say = (message: RefereeMessage) => port.postMessage(message);

const policies = new Map(Array.from(parsePolicies(files), (policy) => [policy.id, policy]));
const oracle = new Oracle('referee', policies);

port.on('message', (question: Question) => {
  try {
    say({ kind: 'answer', difference: differenceIn(question) });
  } catch (error) {
    // Whatever else it is may have broken Cedar's instance: this thread dies of it, and another one starts.
    if (!(error instanceof Unaskable)) throw error;
    say({ kind: 'unaskable' });
  }
});
say({ kind: 'ready' });

function differenceIn({ input: text, said, ruling }: Question): Difference | null {
  const input = JSON.parse(text) as DecisionInput;
  const evaluations: Said[] = [];
  for (const cedar of oracle.said(input)) {
    const engine = said[evaluations.length] ?? NOTHING;
    const difference = differenceOf(WAYS, engine, cedar);
    if (difference !== null) return difference;
    evaluations.push(cedar);
    say({ kind: 'progress' });
  }
  if (said.length !== evaluations.length) {
    return { in: 'evaluations', engine: [String(said.length)], cedar: [String(evaluations.length)] };
  }
  return differenceOf(RULING, ruling, rulingNames(rulingOf(evaluations, policies, input.approval)));
}

const NOTHING: Said = { permits: [], forbids: [], held: [], observed: [], problems: [] };
