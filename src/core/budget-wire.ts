import { formatAmount, parseAmount } from './amount.ts';
import { effectCounter, operationCounter, sumCounter, type Budget, type Used } from './budget.ts';
import type { Effect } from './effect.ts';

/** Budgets as records and the API show them: amounts as decimal texts, so that no reader rounds them. */
export type BudgetWire = LimitsWire & { calls: number };
export type LimitsWire = {
  effects?: Partial<Record<Effect, number>>;
  /** By `target:operation`. */
  operations?: Record<string, number>;
  sums?: { target: string; operations: string[]; argument: string; at_most: string }[];
};

/** What was taken of each limit that there is; the sums in their order. */
export type UsedWire = UsedLimitsWire & { calls: number };
export type UsedLimitsWire = Pick<LimitsWire, 'effects' | 'operations'> & { sums?: string[] };

export function limitsToWire({ effects, operations, sums }: Omit<Budget, 'calls'>): LimitsWire {
  return {
    ...(effects === undefined ? {} : { effects }),
    ...(operations === undefined ? {} : { operations }),
    ...(sums === undefined
      ? {}
      : { sums: sums.map(({ atMost, ...sum }) => ({ ...sum, at_most: formatAmount(atMost) })) }),
  };
}

export function usedLimitsToWire({ effects, operations, sums }: Budget, { counters = {} }: Used): UsedLimitsWire {
  const taken = (counter: string) => counters[counter] ?? 0;
  return {
    ...(effects === undefined ? {} : { effects: mapped(effects, (name) => taken(effectCounter(name as Effect))) }),
    ...(operations === undefined ? {} : { operations: mapped(operations, (id) => taken(operationCounter(id))) }),
    ...(sums === undefined ? {} : { sums: sums.map((_sum, place) => formatAmount(taken(sumCounter(place)))) }),
  };
}

/** The way back from `limitsToWire`. */
export function limitsOfWire({ effects, operations, sums }: LimitsWire): Omit<Budget, 'calls'> {
  return {
    ...(effects === undefined ? {} : { effects }),
    ...(operations === undefined ? {} : { operations }),
    ...(sums === undefined ? {} : { sums: sums.map(({ at_most, ...sum }) => ({ ...sum, atMost: exactly(at_most) })) }),
  };
}

/** The way back from `usedLimitsToWire`. */
export function countersOfWire({ effects = {}, operations = {}, sums = [] }: UsedLimitsWire): Record<string, number> {
  return Object.fromEntries([
    ...Object.entries(effects).map(([name, used]) => [effectCounter(name as Effect), used]),
    ...Object.entries(operations).map(([id, used]) => [operationCounter(id), used]),
    ...sums.map((used, place) => [sumCounter(place), exactly(used)]),
  ]) as Record<string, number>;
}

function mapped(limits: object, used: (name: string) => number): Record<string, number> {
  return Object.fromEntries(Object.keys(limits).map((name) => [name, used(name)]));
}

/** @throws RangeError for what no amount was ever written as. */
function exactly(text: string): number {
  const read = parseAmount(text);
  if ('problem' in read) throw new RangeError(`an amount ${read.problem}`);
  return read.amount;
}
