import { TooLarge } from '../../../core/errors.ts';

/** Values pushed on one side, iterated once on the other. */
export type EventQueue<T> = AsyncIterable<T> & {
  push(value: T): void;
  /** Ends the iteration, with an error when given, after what was pushed before. */
  end(error?: Error): void;
};

/** What waits for a reader that does not come is bounded; an upstream that floods is failed. */
const MAX_WAITING = 10_000;

export function createEventQueue<T>(): EventQueue<T> {
  const values: T[] = [];
  let ended: { error?: Error } | null = null;
  let wake: (() => void) | null = null;

  function changed(): void {
    wake?.();
    wake = null;
  }

  async function* iterate(): AsyncGenerator<T> {
    for (;;) {
      if (values.length > 0) yield values.shift()!;
      else if (ended === null) await new Promise<void>((resolve) => (wake = resolve));
      else if (ended.error !== undefined) throw ended.error;
      else return;
    }
  }

  return {
    push: (value) => {
      if (ended !== null) return;
      values.push(value);
      if (values.length > MAX_WAITING) {
        values.length = 0;
        ended = { error: new TooLarge('the target sends faster than it is read') };
      }
      changed();
    },
    end: (error) => {
      if (ended !== null) return;
      ended = error === undefined ? {} : { error };
      changed();
    },
    [Symbol.asyncIterator]: iterate,
  };
}
