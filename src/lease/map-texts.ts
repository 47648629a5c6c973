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

/** Every text of the value that is not a name, in order, each with the name that it stands under. */
export function* namedTexts(whole: JsonValue): Generator<{ name: string; text: string }> {
  // A stack of its own: a generator within a generator costs as much for each text as the value is deep.
  const pending: { name: string; value: JsonValue }[] = [{ name: '', value: whole }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { name, value } = next;
    if (typeof value === 'string') yield { name, text: value };
    else if (Array.isArray(value)) for (const item of value.toReversed()) pending.push({ name, value: item });
    else if (value !== null && typeof value === 'object')
      for (const [member, inner] of Object.entries(value).toReversed()) pending.push({ name: member, value: inner });
  }
}

/** Every text of the value that is not a name. */
export function* textsOf(value: JsonValue): Generator<string> {
  for (const { text } of namedTexts(value)) yield text;
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
