import type { Effect } from '../core/effect.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import { classify, type Classification } from './classify.ts';
import type { ImportedOperation } from './imported.ts';

/** An operation, what is guessed of it, and what somebody has said about that: `null` until they have. */
export type Guessed = {
  operation: ImportedOperation;
  guess: Classification;
  accepted: { effect: Effect; sensitivity: Sensitivity } | null;
};

export function guessed(operations: readonly ImportedOperation[]): Guessed[] {
  return operations.map((operation) => ({ operation, guess: classify(operation.described), accepted: null }));
}
