import type { Effect } from '../core/effect.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import { classify, type Classification } from './classify.ts';
import type { ImportedOperation } from './imported.ts';
import { proposeArguments, type ProposedArguments } from './propose-arguments.ts';

/**
 * An operation, what is guessed of it, and what somebody has said about that: `null` until they have. What is proposed of its
 * arguments is `agreed` by somebody as well, or says nothing.
 */
export type Guessed = {
  operation: ImportedOperation;
  guess: Classification;
  accepted: { effect: Effect; sensitivity: Sensitivity } | null;
  agreed: boolean;
};

/** What is proposed of the arguments, given what the operation does as far as that is known. */
export function argumentsOf({ operation, guess, accepted }: Guessed): ProposedArguments {
  return proposeArguments(operation, (accepted ?? guess).effect);
}

export function guessed(operations: readonly ImportedOperation[]): Guessed[] {
  return operations.map((operation) => ({
    operation,
    guess: classify(operation.described),
    accepted: null,
    agreed: false,
  }));
}
