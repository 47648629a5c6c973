import { EVERYTHING, type FindSuspension, type Suspension } from '../core/suspension.ts';

/**
 * The kill switch, in memory before it is in the store: it holds from the moment at which it is decided, however long the
 * store takes, and also when the store cannot be written at all.
 */
export interface Halt {
  /** The suspensions of the store, and the halt. */
  find: FindSuspension;
  begin(everything: Suspension): void;
  lift(): void;
}

export function createHalt(stored: FindSuspension): Halt {
  let halted: Suspension | undefined;
  return {
    find: (kind, id) => (halted !== undefined && kind === EVERYTHING && id === EVERYTHING ? halted : stored(kind, id)),
    begin: (everything) => void (halted = everything),
    lift: () => void (halted = undefined),
  };
}
