import type { Effect } from '../core/effect.ts';
import type { Grant } from '../core/grant.ts';
import { canonicalJson, type JsonValue } from '../core/json.ts';
import type { DecisionRecord } from '../core/record.ts';
import { matchesPattern } from '../core/resource.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import type { Task } from '../core/task.ts';
import type { Catalogue } from './grant-form.ts';

/** One permitted action that was not given back. Times are milliseconds since the epoch. */
export type ActionUse = {
  /** The task that it counts for: the one that was asked about, or one of the agent's. */
  task: string;
  at: number;
  target: string;
  operation: string;
  effect: Effect;
  sensitivity: Sensitivity;
  resources: string[];
  /** How many hops below that task it was done. */
  depth: number;
};

/** What one grant allows, beside what was done within it. */
export type GrantUsage = {
  grant: Grant;
  operations: {
    operation: string;
    times: number;
    lastAt: number | null;
    resources: { name: string; times: number }[];
  }[];
  /** Patterns of resources that nothing was done on. */
  unusedResources: string[];
};

/** Of each operation, so many resources are named. */
const MOST_NAMED = 50;

/** What was granted to these tasks against what was done under them, grant by grant. */
export function usageOf(
  tasks: readonly Task[],
  uses: readonly ActionUse[],
  catalogue: Pick<Catalogue, 'operations' | 'effectOf'>,
) {
  const grants = new Map(
    tasks.flatMap(({ grant }) => grant).map((grant) => [canonicalJson(grant as JsonValue), grant]),
  );
  return [...grants.values()].map((grant): GrantUsage => {
    const within = uses.filter((use) => covers(grant, use));
    return {
      grant,
      operations: grantedOperations(grant, catalogue).map((operation) => {
        const own = within.filter((use) => use.operation === operation);
        const names = Map.groupBy(
          own.flatMap(({ resources }) => resources),
          (name) => name,
        );
        return {
          operation,
          times: own.length,
          lastAt: own.length === 0 ? null : Math.max(...own.map(({ at }) => at)),
          resources: [...names]
            .map(([name, all]) => ({ name, times: all.length }))
            .toSorted((a, b) => b.times - a.times || (a.name < b.name ? -1 : 1))
            .slice(0, MOST_NAMED),
        };
      }),
      unusedResources: (grant.resources ?? []).filter(
        (pattern) => !within.some(({ resources }) => resources.some((name) => matchesPattern(pattern, name))),
      ),
    };
  });
}

/** Whether the grant would carry the use, as far as a record tells: arguments were checked when it was permitted. */
export function covers({ target, operations, effects, resources }: Grant, use: ActionUse): boolean {
  if (target !== use.target) return false;
  if (operations?.includes(use.operation) !== true && effects?.includes(use.effect) !== true) return false;
  if (resources === undefined) return true;
  return (
    use.resources.length > 0 && use.resources.every((name) => resources.some((each) => matchesPattern(each, name)))
  );
}

/** Those it names, and those of the target that have an effect it names. */
function grantedOperations(
  { target, operations = [], effects = [] }: Grant,
  catalogue: Pick<Catalogue, 'operations' | 'effectOf'>,
) {
  const known = catalogue.operations(target) ?? [];
  const byEffect = known.filter((operation) => effects.includes(catalogue.effectOf(target, operation)!));
  return [...new Set([...operations, ...byEffect])].toSorted();
}

/** What a record says was done under one of these tasks, or `null`. */
export function actionUse(record: DecisionRecord, tasks: ReadonlySet<string>): ActionUse | null {
  const { action, decision, chain } = record;
  if (decision.outcome !== 'permit' || action.target === 'remit' || record.facts?.action.protocol === true) return null;
  const depth = chain.findIndex(({ task }) => tasks.has(task));
  if (depth === -1) return null;
  const { target, operation, effect, sensitivity, resources } = action;
  return { task: chain[depth]!.task, at: record.time, target, operation, effect, sensitivity, resources, depth };
}
