import type { Action } from './action.ts';
import { formatAmount, parseAmount, type Amount } from './amount.ts';
import type { TaskView } from './decision.ts';
import { EFFECTS, type Effect } from './effect.ts';
import { isJsonObject, type JsonValue } from './json.ts';

/** How much a task may do. What a child does is taken from every task above it, too. */
export type Budget = {
  calls: number;
  /** Calls of operations with an effect. */
  effects?: Partial<Record<Effect, number>>;
  /** Calls of single operations, by `target:operation`. */
  operations?: Record<string, number>;
  sums?: SumLimit[];
};

/** What the values of one argument may come to altogether, over all calls of some operations of a target. */
export type SumLimit = {
  target: string;
  operations: string[];
  /** JSON Pointer (RFC 6901) into the arguments. */
  argument: string;
  atMost: Amount;
};

/** What was taken from a budget. `counters` is there for a task that has more of them than its calls. */
export type Used = { calls: number; counters?: Readonly<Record<string, number>> };

/**
 * One limit beside that of all calls. The name is unique in its task, and for all but sums the same in every task; sums
 * count in ten-thousandths. `member`: where it stands in the budget, `null` for a sum.
 */
export type Counter = { name: string; member: string | null; atMost: number };

export function countersOf({ effects = {}, operations = {}, sums = [] }: Omit<Budget, 'calls'>): Counter[] {
  return [
    ...EFFECTS.filter((effect) => effects[effect] !== undefined).map((effect) => ({
      name: effectCounter(effect),
      member: `effects.${effect}`,
      atMost: effects[effect]!,
    })),
    ...Object.entries(operations).map(([id, atMost]) => ({
      name: operationCounter(id),
      member: `operations.${id}`,
      atMost,
    })),
    ...sums.map(({ atMost }, place) => ({ name: sumCounter(place), member: null, atMost })),
  ];
}

export function effectCounter(effect: Effect): string {
  return `effect:${effect}`;
}
/** @param id `target:operation` */
export function operationCounter(id: string): string {
  return `operation:${id}`;
}
/** @param place in `Budget.sums` */
export function sumCounter(place: number): string {
  return `sum:${place}`;
}

/** What one action takes from one counter of one task of the chain. */
export type Draw = { task: string; counter: string; amount: number };

/** What was taken once one more call and these draws are taken, or given back. */
export function usedAfter(
  { calls, counters }: Used,
  taken: { calls: number; draws: readonly Draw[] },
  sign: 1 | -1,
): Used {
  const used: Used = { calls: calls + sign * taken.calls };
  if (counters === undefined) return used;
  const changed = taken.draws.map(
    ({ counter, amount }) => [counter, (counters[counter] ?? 0) + sign * amount] as const,
  );
  return { ...used, counters: changed.length === 0 ? counters : { ...counters, ...Object.fromEntries(changed) } };
}

export type DrawProblem = { code: 'over_budget' | 'uncountable_amount'; message: string; next: string };

/** What the action takes from the counters of its task and every task above, beside a call of each; or why it may not. */
export function drawsOf(chain: readonly TaskView[], action: Action): { draws: Draw[] } | { problem: DrawProblem } {
  const draws: Draw[] = [];
  if (!isCounted(action)) return { draws };
  for (const view of chain) {
    if (view.used.counters === undefined) continue;
    for (const limit of limitsOn(view, action)) {
      if ('problem' in limit) return limit;
      if (limit.amount > limit.left) return { problem: overBudget(view, limit) };
      draws.push({ task: view.task.id, counter: limit.counter, amount: limit.amount });
    }
  }
  return { draws };
}

/** Handshakes and lists, and Remit's own operations, take from no budget. */
export function isCounted({ protocol, target }: Pick<Action, 'protocol' | 'target'>): boolean {
  return !protocol && target !== 'remit';
}

type Limit = {
  counter: string;
  left: number;
  amount: number;
  atMost: number;
  what: string;
  show: (n: number) => string;
};

function* limitsOn(view: TaskView, action: Action): Generator<Limit | { problem: DrawProblem }> {
  const { effects, operations, sums = [] } = view.task.budget;
  const id = `${action.target}:${action.operation}`;
  const calls = (counter: string, atMost: number, what: string): Limit => ({
    counter,
    left: leftOf(view, counter, atMost),
    amount: 1,
    atMost,
    what,
    show: String,
  });
  const ofEffect = effects?.[action.effect];
  if (ofEffect !== undefined) yield calls(effectCounter(action.effect), ofEffect, `calls that ${action.effect}`);
  const ofOperation = operations?.[id];
  if (ofOperation !== undefined) yield calls(operationCounter(id), ofOperation, `calls of \`${id}\``);
  for (const [place, sum] of sums.entries()) {
    if (!sumCovers(sum, action)) continue;
    const read = parseAmount(argumentAt(action.arguments, sum.argument));
    if ('problem' in read) {
      yield { problem: uncountable(sum, action, read.problem) };
      continue;
    }
    const counter = sumCounter(place);
    const left = leftOf(view, counter, sum.atMost);
    const what = `\`${sum.argument}\` in all`;
    yield { counter, left, amount: read.amount, atMost: sum.atMost, what, show: formatAmount };
  }
}

function sumCovers(sum: SumLimit, { target, operation }: Action): boolean {
  return sum.target === target && sum.operations.includes(operation);
}

function leftOf({ used }: TaskView, counter: string, atMost: number): number {
  return Math.max(0, atMost - (used.counters?.[counter] ?? 0));
}

function overBudget({ task }: TaskView, { left, atMost, amount, what, show }: Limit): DrawProblem {
  const budget = `task \`${task.id}\` may have ${show(atMost)} ${what}`;
  return left === 0
    ? { code: 'over_budget', message: `${budget}, and has used them up`, next: 'ask for a new task' }
    : {
        code: 'over_budget',
        message: `${budget}; ${show(left)} are left, and this call takes ${show(amount)}`,
        next: `stay within ${show(left)}, or ask for a new task`,
      };
}

function uncountable({ argument }: SumLimit, { operation }: Action, problem: string): DrawProblem {
  return {
    code: 'uncountable_amount',
    message: `\`${argument}\` of \`${operation}\` is counted by the task's budget, and ${problem}`,
    next: `send \`${argument}\` as a number that is not negative, with at most four digits after the point`,
  };
}

/** RFC 6901, over own members only; `undefined` where nothing is. */
function argumentAt(value: JsonValue, pointer: string): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = /^(0|[1-9]\d*)$/.test(name) ? found[Number(name)] : undefined;
    else found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}

/** Whether anything but calls is bounded. */
export function hasLimits(budget: Omit<Budget, 'calls'>): boolean {
  return countersOf(budget).length > 0;
}

/** The least that any task of the chain has left of a counter that is no sum; `undefined` where none bounds it. */
export function counterLeft(chain: readonly TaskView[], name: string): number | undefined {
  const left = chain.flatMap((view) =>
    countersOf(view.task.budget)
      .filter((counter) => counter.name === name)
      .map(({ atMost }) => leftOf(view, name, atMost)),
  );
  return left.length === 0 ? undefined : Math.min(...left);
}

/** What the chain has left for this action, whichever of its tasks has least; absent where nothing bounds it. */
export type Left = { calls: number; effect?: number; operation?: number; sum?: Amount };

export function leftFor(chain: readonly TaskView[], action: Action): Left {
  const left: Left = { calls: Infinity };
  const least = (part: keyof Left, amount: number) => void (left[part] = Math.min(left[part] ?? Infinity, amount));
  const id = `${action.target}:${action.operation}`;
  for (const view of chain) {
    const { budget } = view.task;
    least('calls', Math.max(0, budget.calls - view.used.calls));
    const ofEffect = budget.effects?.[action.effect];
    if (ofEffect !== undefined) least('effect', leftOf(view, effectCounter(action.effect), ofEffect));
    const ofOperation = budget.operations?.[id];
    if (ofOperation !== undefined) least('operation', leftOf(view, operationCounter(id), ofOperation));
    for (const [place, sum] of (budget.sums ?? []).entries()) {
      if (sumCovers(sum, action)) least('sum', leftOf(view, sumCounter(place), sum.atMost));
    }
  }
  return left;
}
