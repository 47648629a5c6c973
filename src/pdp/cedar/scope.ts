import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isIn, isInAny } from './entities.ts';
import type { Test } from './compile.ts';
import { uidOf, type ValueJson } from './literal.ts';
import type { EntityUid } from './value.ts';

/** What a policy's head says of one variable. An empty list of groups matches nothing. */
export type Constraint =
  | { kind: 'any' }
  | { kind: 'equals'; uid: EntityUid }
  | { kind: 'in'; groups: readonly EntityUid[]; type?: string }
  | { kind: 'is'; type: string };

/** The variables of a head. */
export type Variable = 'principal' | 'action' | 'resource';

export type Scope = Record<Variable, Constraint>;

/** The values of a template's slots, `?principal` and `?resource`. */
export type SlotValues = Readonly<Record<string, EntityUid>>;

/** @throws TypeError when a slot has no value, or for a constraint that is not of Cedar 4.5. */
export function scopeOf(policy: Pick<PolicyJson, 'principal' | 'action' | 'resource'>, slots: SlotValues = {}): Scope {
  return {
    principal: constraintOf(policy.principal as ConstraintJson, slots),
    action: constraintOf(policy.action as ConstraintJson, slots),
    resource: constraintOf(policy.resource as ConstraintJson, slots),
  };
}

type UidSource = { entity?: ValueJson; slot?: string };
type ConstraintJson = { op: string; entities?: readonly ValueJson[]; entity_type?: string; in?: UidSource } & UidSource;

function constraintOf(json: ConstraintJson, slots: SlotValues): Constraint {
  switch (json.op) {
    case 'All':
      return { kind: 'any' };
    case '==':
      return { kind: 'equals', uid: uidFrom(json, slots) };
    case 'in':
      return { kind: 'in', groups: json.entities?.map(uidOf) ?? [uidFrom(json, slots)] };
    case 'is': {
      const type = json.entity_type!;
      return json.in === undefined ? { kind: 'is', type } : { kind: 'in', type, groups: [uidFrom(json.in, slots)] };
    }
    default:
      throw new TypeError(`Cedar's constraint \`${json.op}\` is not known`);
  }
}

function uidFrom({ entity, slot }: UidSource, slots: SlotValues): EntityUid {
  if (slot === undefined) return uidOf(entity!);
  const value = Object.hasOwn(slots, slot) ? slots[slot] : undefined;
  if (value === undefined) throw new TypeError(`the slot \`${slot}\` has no value`);
  return value;
}

const VARIABLES: readonly Variable[] = ['principal', 'action', 'resource'];

/** The tests of a head, without those that hold for every request, and those of variables that are `tested` already. */
export function scopeTests(scope: Scope, tested: readonly Variable[] = []): Test[] {
  return VARIABLES.flatMap((variable): Test[] => {
    const constraint = scope[variable];
    if (tested.includes(variable)) return [];
    switch (constraint.kind) {
      case 'any':
        return [];
      case 'equals':
        return [(request) => request[variable].is(constraint.uid)];
      case 'is':
        return [(request) => request[variable].type === constraint.type];
      case 'in': {
        const { groups, type } = constraint;
        const ofType: Test[] = type === undefined ? [] : [(request) => request[variable].type === type];
        const [only] = groups;
        if (groups.length === 1) return [...ofType, (request) => isIn(request.entities, request[variable], only!)];
        return [...ofType, (request) => isInAny(request.entities, request[variable], groups)];
      }
    }
  });
}
