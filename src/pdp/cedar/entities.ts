import type { CedarRecord, EntityUid } from './value.ts';

/** What a request knows of an entity. */
export type Entity = {
  attrs: CedarRecord;
  tags: CedarRecord;
  /** All ancestors, without the entity itself, each once. */
  ancestors: readonly EntityUid[];
};

export interface Entities {
  /** `undefined` for an entity that the request does not know: it has no attributes and no ancestors. */
  get(uid: EntityUid): Entity | undefined;
}

/** Cedar's `in`: reflexive, over the ancestors. */
export function isIn(entities: Entities, uid: EntityUid, group: EntityUid): boolean {
  if (uid.is(group)) return true;
  const ancestors = entities.get(uid)?.ancestors;
  if (ancestors === undefined) return false;
  for (let place = 0; place < ancestors.length; place++) if (ancestors[place]!.is(group)) return true;
  return false;
}

/** Whether it is in any of the groups. */
export function isInAny(entities: Entities, uid: EntityUid, groups: readonly EntityUid[]): boolean {
  for (let place = 0; place < groups.length; place++) if (isIn(entities, uid, groups[place]!)) return true;
  return false;
}
