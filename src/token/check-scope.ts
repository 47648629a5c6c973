import { EFFECTS, type Effect } from '../core/effect.ts';
import { InvalidRequest, InvalidScope } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/**
 * RFC 6749, section 3.3: scopes are effects, and leave of the task's grants what has one of them. All that is asked for is
 * granted or the request is refused, so the scope of the answer is the scope of the request.
 */
export function checkScope(exchange: Exchange, { catalogue }: TokenEndpointParts): void {
  const { form, subject } = exchange;
  if (form.scope === undefined) return;
  if (subject.kind !== 'task') throw new InvalidScope('scopes are for tokens of a task');
  if (form.authorization_details !== undefined) {
    throw new InvalidRequest('narrow a token with `scope` or with `authorization_details`, not with both');
  }
  const asked = readScope(form.scope);
  const grants = subject.grants.flatMap((grant) => {
    const left = narrowed(grant, (operation) => has(asked, catalogue.effectOf(grant.target, operation)), asked);
    return left === null ? [] : [left];
  });
  const missing = asked.find((effect) => !grants.some((grant) => hasEffect(grant, effect, catalogue.effectOf)));
  if (missing !== undefined) throw new InvalidScope(`the task does not grant \`${missing}\``);
  exchange.subject = { ...subject, grants, scope: asked.join(' ') };
}

function readScope(text: string): Effect[] {
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

function hasEffect(
  { target, operations, effects }: Grant,
  effect: Effect,
  effectOf: TokenEndpointParts['catalogue']['effectOf'],
): boolean {
  return effects?.includes(effect) === true || operations?.some((name) => effectOf(target, name) === effect) === true;
}

function has(asked: readonly Effect[], effect: Effect | undefined): boolean {
  return effect !== undefined && asked.includes(effect);
}
