import type { Effect } from './effect.ts';
import type { Grant } from './grant.ts';
import { canonicalJson } from './json.ts';
import { patternWithin } from './resource.ts';

/** What an operation of a target does; `undefined` for an unknown one. */
export type EffectOf = (target: string, operation: string) => Effect | undefined;

/**
 * What of `asked` no single grant covers, in words; `null` when every action that satisfies `asked` satisfies one of
 * `granted` too. Errs on the side of "not covered": two JSON Schemas are compared for being the same, and no more.
 */
export function beyondGrants(asked: Grant, granted: readonly Grant[], effectOf: EffectOf): string | null {
  const wide = granted.filter((grant) => grant.target === asked.target);
  // What an action is granted by, its operation or its effect, is looked for one by one: any of them may carry it.
  for (const name of asked.operations ?? []) {
    const effect = effectOf(asked.target, name);
    const naming = wide.filter(
      ({ operations, effects }) =>
        operations?.includes(name) === true || (effect !== undefined && effects?.includes(effect) === true),
    );
    const beyond = beyondAll(name, asked, naming);
    if (beyond !== null) return beyond;
  }
  for (const effect of asked.effects ?? []) {
    const naming = wide.filter(({ effects }) => effects?.includes(effect) === true);
    const beyond = beyondAll(effect, asked, naming);
    if (beyond !== null) return beyond;
  }
  return null;
}

function beyondAll(what: string, asked: Grant, naming: readonly Grant[]): string | null {
  if (naming.length === 0) return `\`${what}\``;
  const reaching = naming.filter((grant) => resourcesWithin(asked.resources, grant.resources));
  if (reaching.length === 0) return `\`${what}\` on all of these resources`;
  return reaching.some((grant) => sameOrFree(asked, grant)) ? null : `\`${what}\` with all of these arguments`;
}

/** Absent: any resource. An action may name several, and one grant has to cover them all. */
function resourcesWithin(asked: readonly string[] | undefined, granted: readonly string[] | undefined): boolean {
  if (granted === undefined) return true;
  return asked?.every((inner) => granted.some((outer) => patternWithin(inner, outer))) === true;
}

function sameOrFree(asked: Grant, granted: Grant): boolean {
  if (granted.arguments === undefined) return true;
  return asked.arguments !== undefined && canonicalJson(asked.arguments) === canonicalJson(granted.arguments);
}
