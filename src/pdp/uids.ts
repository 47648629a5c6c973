/** The names of Cedar entities for what Remit knows. */
import type { Action } from '../core/action.ts';
import { delegatorId, type Delegator } from '../core/party.ts';
import { EntityUid } from './cedar/value.ts';

export function agentUid(id: string): EntityUid {
  return new EntityUid('Agent', id);
}

export function personUid(person: Pick<Delegator, 'issuer' | 'subject'>): EntityUid {
  return new EntityUid('Person', delegatorId(person));
}

export function targetUid(name: string): EntityUid {
  return new EntityUid('Target', name);
}

/** Operation names are free text; the target's name has no colon, so the pair is unambiguous. */
export function actionUid({ target, operation }: Pick<Action, 'target' | 'operation'>): EntityUid {
  const known = ACTIONS.get(target)?.get(operation);
  if (known !== undefined) return known;
  const uid = new EntityUid('Action', `${target}:${operation}`);
  // Operations come from callers too: what is remembered is bounded.
  if (remembered >= REMEMBERED) {
    ACTIONS.clear();
    remembered = 0;
  }
  let ofTarget = ACTIONS.get(target);
  if (ofTarget === undefined) ACTIONS.set(target, (ofTarget = new Map()));
  ofTarget.set(operation, uid);
  remembered += 1;
  return uid;
}

/** Kept so that the index hashes each id once and not at every decision. */
const ACTIONS = new Map<string, Map<string, EntityUid>>();
const REMEMBERED = 10_000;
let remembered = 0;

export function resourceUid(target: string, name: string): EntityUid {
  return new EntityUid('Resource', `${target}:${name}`);
}

export function groupUid(name: string): EntityUid {
  return new EntityUid('Group', name);
}
