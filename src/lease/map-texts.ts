import type { JsonValue } from '../core/json.ts';

/** The value with every text of it, names of members too, as `change` has it; the same value where that changes nothing. */
export function mapTexts(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => mapTexts(item, change));
    return items.some((item, place) => item !== value[place]) ? items : value;
  }
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(
    ([name, member]) => [change(name), mapTexts(member, change), name] as const,
  );
  const same = members.every(([name, member, before]) => name === before && member === value[before]);
  // `fromEntries` defines own members, so that a member named `__proto__` stays data.
  return same ? value : Object.fromEntries(members.map(([name, member]) => [name, member]));
}

/** Every text of the value that is not a name. */
export function* textsOf(value: JsonValue): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item);
  else if (value !== null && typeof value === 'object')
    for (const member of Object.values(value)) yield* textsOf(member);
}

/** The value with what stands as a number in it, and has this text, replaced by another text. */
export function replaceNumber(value: JsonValue, digits: string, by: string): JsonValue {
  if (typeof value === 'number') return String(value) === digits ? by : value;
  if (Array.isArray(value)) return value.map((item) => replaceNumber(item, digits, by));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, replaceNumber(member, digits, by)] as const),
  );
}
