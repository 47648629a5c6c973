import type { Action } from './action.ts';
import type { Effect } from './effect.ts';
import type { JsonObject } from './json.ts';
import { matchesPattern } from './resource.ts';

/**
 * What a task may do at one target: one element of RFC 9396 `authorization_details` with `type` `remit_grant`.
 * An action satisfies a grant when the target is the same, its operation is listed or its effect is, every one of its
 * resources matches a pattern, and its arguments satisfy the JSON Schema. A list of grants is satisfied by any one.
 */
export type Grant = {
  type: 'remit_grant';
  target: string;
  /** Operation names. At least one of `operations` and `effects` is present. */
  operations?: string[];
  effects?: Effect[];
  /** Patterns (see resource.ts). Absent: any resource of the target, and operations without one. */
  resources?: string[];
  /** JSON Schema (2020-12) over the arguments. */
  arguments?: JsonObject;
  /** Ids of leases of the tasks above that may be used here: what an agent has minted is not handed on unsaid. */
  leases?: string[];
};

/** Problems of `value` under `schema`, in words; empty when it satisfies the schema. Passed in: core holds no library. */
export type CheckArguments = (schema: JsonObject, value: JsonObject) => string[];

export type GrantVerdict = { satisfied: true } | { satisfied: false; problem: string };

/** Whether any grant of the list covers the action; otherwise the nearest miss, in words for a person or a model. */
export function satisfies(grants: readonly Grant[], action: Action, check: CheckArguments): GrantVerdict {
  let nearest: Miss | null = null;
  for (const grant of grants) {
    const miss = firstMiss(grant, action, check);
    if (miss === null) return SATISFIED;
    if (nearest === null || miss.nearness > nearest.nearness) nearest = miss;
  }
  return { satisfied: false, problem: nearest?.problem ?? elsewhere(action) };
}

const SATISFIED: GrantVerdict = { satisfied: true };

type Miss = { nearness: number; problem: string };

function firstMiss(grant: Grant, action: Action, check: CheckArguments): Miss | null {
  if (grant.target !== action.target) return { nearness: 0, problem: elsewhere(action) };
  // Handshakes and lists tell a caller what the target is; holding any grant at the target covers them.
  if (action.protocol) return null;
  const { operations, effects, resources } = grant;
  if (operations?.includes(action.operation) !== true && effects?.includes(action.effect) !== true) {
    return { nearness: 1, problem: `\`${action.operation}\` (${action.effect}) is not among the task's operations` };
  }
  if (resources !== undefined) {
    if (action.resources.length === 0) {
      return {
        nearness: 2,
        problem: `\`${action.operation}\` names no resource, and the grant is for named ones only`,
      };
    }
    for (const name of action.resources) {
      if (matchesAny(resources, name)) continue;
      const inside = resources.map((pattern) => `\`${pattern}\``).join(', ');
      return { nearness: 3, problem: `\`${action.operation}\` on \`${name}\` is outside ${inside}` };
    }
  }
  if (grant.arguments !== undefined) {
    const problems = check(grant.arguments, action.arguments);
    if (problems.length > 0) {
      return { nearness: 4, problem: `the arguments of \`${action.operation}\` are outside the grant: ${problems[0]}` };
    }
  }
  return null;
}

function matchesAny(patterns: readonly string[], name: string): boolean {
  for (const pattern of patterns) if (matchesPattern(pattern, name)) return true;
  return false;
}

function elsewhere({ target }: Action): string {
  return `the task grants nothing at target \`${target}\``;
}

/** Whether some call of the operation could be covered, whatever its arguments: what a list of operations may show. */
export function couldSatisfy(grants: readonly Grant[], target: string, operation: string, effect: Effect): boolean {
  return grants.some(
    (grant) =>
      grant.target === target &&
      ((grant.operations?.includes(operation) ?? false) || (grant.effects?.includes(effect) ?? false)),
  );
}
