import { EFFECTS, type Effect } from './effect.ts';
import { SENSITIVITIES, sensitivityLevel, type Sensitivity } from './sensitivity.ts';

/**
 * How often an operation was permitted, and how often it then succeeded, within a task and all that belongs with it: the
 * task that it was handed from, and whatever that was handed on to. Times in milliseconds since the epoch.
 */
export type Done = { effect: Effect; times: number; succeeded: number; firstAt: number; lastAt: number };

/** By `target:operation`. */
export type DoneByOperation = Readonly<Record<string, Done>>;

/** What was done, with one more permit. */
export function doneAfter(
  done: DoneByOperation,
  { target, operation, effect, at }: { target: string; operation: string; effect: Effect; at: number },
): DoneByOperation {
  const id = `${target}:${operation}`;
  const before = Object.hasOwn(done, id) ? done[id]! : { times: 0, succeeded: 0, firstAt: at };
  return { ...done, [id]: { ...before, effect, times: before.times + 1, lastAt: at } };
}

/** Labels that there were, and what is new among others. INVARIANT 11: they only accumulate. */
export function labelsWith(known: readonly string[], more: readonly string[]): readonly string[] {
  const added = more.filter((label) => !known.includes(label));
  return added.length === 0 ? known : [...known, ...new Set(added)];
}

/** How many actions of each effect were permitted. */
export function effectCounts(done: DoneByOperation): Record<Effect, number> {
  const counts = Object.fromEntries(EFFECTS.map((effect) => [effect, 0])) as Record<Effect, number>;
  for (const { effect, times } of Object.values(done)) counts[effect] += times;
  return counts;
}

/** The highest sensitivity of what was read, by the labels; `null` when nothing was. */
export function touched(labels: readonly string[]): Sensitivity | null {
  const found = SENSITIVITIES.filter((each) => labels.includes(sensitivityLabel(each)));
  return found.toSorted((a, b) => sensitivityLevel(b) - sensitivityLevel(a))[0] ?? null;
}

export function sensitivityLabel(sensitivity: Sensitivity): string {
  return `sensitivity:${sensitivity}`;
}
