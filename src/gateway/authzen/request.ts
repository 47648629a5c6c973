import type { Peer } from '../../identity/peer.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from '../pipeline.ts';
import type { EvaluationAnswer } from './answer.ts';
import type { AskedTarget } from './asked-target.ts';
import type { Evaluation } from './evaluation.ts';
import type { Questions } from './questions.ts';

/** One call of an endpoint of the Authorization API. */
export type AuthzenRequest = {
  readonly http: Request;
  readonly endpoint: Endpoint;
  readonly peer: Peer;
  /** The target whose decision point is asked; `null` at that of the whole server, where the access token says which. */
  readonly named: AskedTarget | null;
  /** From step 1. */
  target?: AskedTarget;
  /** From step 2. */
  questions?: Questions;
  /** From step 2: of each question, in order; `problem` for those that could not be read. */
  asked?: readonly (AskedExchange | { problem: string })[];
  /** From steps 3 to 5: how many of the readable ones were decided before the call was over. */
  settled?: number;
};

export type Endpoint = 'evaluation' | 'evaluations';

/** Each question is decided by itself, and has a record of its own. */
export type AskedExchange = Exchange<Evaluation, EvaluationAnswer>;

/** The whole answer: one decision, or a list of them. */
export type AuthzenAnswer = EvaluationAnswer | { evaluations: EvaluationAnswer[] };
export type AuthzenExchange = Exchange<AuthzenRequest, AuthzenAnswer>;
export type AuthzenStep = Step<AuthzenRequest, AuthzenAnswer>;
