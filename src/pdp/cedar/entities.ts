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
  for (const ancestor of ancestors) if (ancestor.is(group)) return true;
  return false;
}
