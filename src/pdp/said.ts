/** What the policies of a set say to one principal about one resource, by what follows from it. */
export const WAYS = ['permits', 'forbids', 'held', 'observed', 'problems'] as const;

/**
 * Ids of policies, in any order; those that say nothing are in no list. `held`: forbids that an approval may lift.
 * `observed`: whatever says something, or errs, and is only observed. `problems`: what errs otherwise.
 */
export type Said = Readonly<Record<(typeof WAYS)[number], readonly string[]>>;

/** Where an engine and `cedar-wasm` part. Names of policies and outcomes only (invariant 14). */
export type Difference = {
  /** A list of `Said`, or a member of `Ruling`. */
  in: string;
  engine: string[];
  cedar: string[];
};

const MAX_SHOWN = 20;
const MAX_NAME = 200;

/** The first difference, or `null`. */
export function differenceOf<Name extends string>(
  names: readonly Name[],
  engine: Readonly<Record<Name, readonly string[]>>,
  cedar: Readonly<Record<Name, readonly string[]>>,
): Difference | null {
  const name = names.find((each) => !sameIds(engine[each], cedar[each]));
  return name === undefined ? null : { in: name, engine: shown(engine[name]), cedar: shown(cedar[name]) };
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted());
}

function shown(ids: readonly string[]): string[] {
  return ids
    .toSorted()
    .slice(0, MAX_SHOWN)
    .map((id) => id.slice(0, MAX_NAME).toWellFormed());
}
