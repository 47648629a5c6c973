/** Work that may be left at each `yield` for something else, and gone on with later. */
export type Steps<Result> = Generator<void, Result>;

export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Finishes the work with `pause` awaited between its steps. */
export async function finishInSteps<Result>(steps: Steps<Result>, pause: () => Promise<void>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await pause();
  }
}
