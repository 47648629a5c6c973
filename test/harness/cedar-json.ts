import type { Entities, Entity } from '../../src/pdp/cedar/entities.ts';
import { uidOf, valueOf, type ValueJson } from '../../src/pdp/cedar/literal.ts';
import { EagerRecord, keyOf, type EntityUid, type Value } from '../../src/pdp/cedar/value.ts';

/** An entity in Cedar's JSON form. */
export type EntityJson = {
  uid: ValueJson;
  attrs?: Record<string, ValueJson>;
  parents?: readonly ValueJson[];
  tags?: Record<string, ValueJson>;
};

/** `JSON.parse` that keeps each digit of an integer: as a bigint where a number would round it. */
export function parseJson(text: string): unknown {
  const keep = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

/** Entities as Cedar keeps them, their ancestors found once. Loops in the hierarchy end. */
export function entitiesOf(list: readonly EntityJson[]): Entities {
  const parents = new Map<string, EntityUid[]>();
  for (const { uid, parents: own = [] } of list) parents.set(keyOf(uidOf(uid)), own.map(uidOf));
  const known = new Map<string, Entity>();
  for (const { uid, attrs = {}, tags = {} } of list) {
    const key = keyOf(uidOf(uid));
    known.set(key, { attrs: recordOf(attrs), tags: recordOf(tags), ancestors: ancestorsOf(key, parents) });
  }
  return { get: (uid) => known.get(keyOf(uid)) };
}

export function recordOf(members: Record<string, ValueJson>): EagerRecord {
  return new EagerRecord(Object.entries(members).map(([name, member]): [string, Value] => [name, valueOf(member)]));
}

function ancestorsOf(start: string, parents: ReadonlyMap<string, EntityUid[]>): EntityUid[] {
  const found = new Map<string, EntityUid>();
  const pending = [...(parents.get(start) ?? [])];
  while (pending.length > 0) {
    const uid = pending.pop()!;
    const key = keyOf(uid);
    if (key === start || found.has(key)) continue;
    found.set(key, uid);
    pending.push(...(parents.get(key) ?? []));
  }
  return [...found.values()];
}
