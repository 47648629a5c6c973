import { EFFECTS, type Effect } from '../core/effect.ts';
import { InvalidScope } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import type { Catalogue } from '../task/grant-form.ts';

/** What is left of the grants for these effects, all of which they have to have. @throws InvalidScope */
export function withinScope(
  grants: readonly Grant[],
  asked: readonly Effect[],
  { effectOf }: Pick<Catalogue, 'effectOf'>,
): Grant[] {
  const kept = grants.flatMap((grant) => {
    const left = narrowed(grant, (operation) => has(asked, effectOf(grant.target, operation)), asked);
    return left === null ? [] : [left];
  });
  const missing = asked.find((effect) => !kept.some((grant) => hasEffect(grant, effect, effectOf)));
  if (missing !== undefined) throw new InvalidScope(`\`${missing}\` is not granted`);
  return kept;
}

/** The effects of a scope. @throws InvalidScope for one that is none. */
export function readScope(text: string): Effect[] {
  const names = [...new Set(text.split(' '))];
  const effects = EFFECTS.filter((effect) => names.includes(effect));
  if (effects.length < names.length) throw new InvalidScope(`\`scope\`: expected some of ${EFFECTS.join(', ')}`);
  return effects;
}

/** The grant, for what is left of its operations and effects; `null` for nothing. */
function narrowed(grant: Grant, keeps: (operation: string) => boolean, asked: readonly Effect[]): Grant | null {
  const { operations: _operations, effects: _effects, ...rest } = grant;
  const operations = grant.operations?.filter(keeps) ?? [];
  const effects = grant.effects?.filter((effect) => asked.includes(effect)) ?? [];
  if (operations.length + effects.length === 0) return null;
  return {
    ...rest,
    ...(operations.length === 0 ? {} : { operations }),
    ...(effects.length === 0 ? {} : { effects }),
  };
}

function hasEffect({ target, operations, effects }: Grant, effect: Effect, effectOf: Catalogue['effectOf']): boolean {
  return effects?.includes(effect) === true || operations?.some((name) => effectOf(target, name) === effect) === true;
}

function has(asked: readonly Effect[], effect: Effect | undefined): boolean {
  return effect !== undefined && asked.includes(effect);
}
