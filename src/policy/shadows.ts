import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Policy } from '../pdp/policy-set.ts';
import { headActions, type KnownActions } from './never-applies.ts';

type Parsed = { policy: Policy; json: PolicyJson };

/** A set with thousands of forbids that ask for nothing is odd in another way. */
const MAX_FORBIDS = 100;

/** The forbids that stop whatever their heads match, and no approval lifts. */
export class Shadows {
  readonly #forbids: readonly Parsed[];
  readonly #actions: KnownActions | null;

  constructor(all: readonly Parsed[], actions: KnownActions | null) {
    this.#forbids = all
      .filter(({ policy, json }) => {
        const isFirm = policy.effect === 'forbid' && policy.approval === undefined && !policy.observe;
        return isFirm && policy.slots === undefined && json.conditions.length === 0;
      })
      .slice(0, MAX_FORBIDS);
    this.#actions = actions;
  }

  /** The forbid that leaves nothing of a permit. */
  of({ policy, json }: Parsed): Policy | null {
    if (policy.effect !== 'permit' || policy.observe || policy.slots !== undefined) return null;
    const head = headActions(json);
    const found = this.#forbids.find(
      ({ json: forbid }) =>
        this.#coversActions(headActions(forbid), head) &&
        covers(forbid.principal, json.principal) &&
        covers(forbid.resource, json.resource),
    );
    return found?.policy ?? null;
  }

  #coversActions(outer: readonly string[] | null, inner: readonly string[] | null): boolean {
    if (this.#actions !== null) return this.#actions.covers(outer, inner);
    return outer === null || (inner !== null && inner.every((id) => outer.includes(id)));
  }
}

type Constraint = PolicyJson['principal'] | PolicyJson['resource'];

/** Whether a part of a head matches whatever the other does, as far as their texts show. */
function covers(outer: Constraint, inner: Constraint): boolean {
  if (outer.op === 'All' || JSON.stringify(outer) === JSON.stringify(inner)) return true;
  if (outer.op === 'is' && outer.in === undefined) {
    if (inner.op === 'is') return inner.entity_type === outer.entity_type;
    return inner.op === '==' && 'entity' in inner && typeOf(inner.entity) === outer.entity_type;
  }
  return outer.op === 'in' && inner.op === 'is' && JSON.stringify({ op: 'in', ...inner.in }) === JSON.stringify(outer);
}

function typeOf(entity: { type: string } | { __entity: { type: string } }): string {
  return '__entity' in entity ? entity.__entity.type : entity.type;
}
