import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { JsonObject, JsonValue } from '../core/json.ts';

/**
 * The one mapping of JSON into Cedar. Integers are `Long`; fractions of up to four digits are `decimal`; a `null` member
 * is absent. What Cedar cannot hold exactly is refused and not approximated, since a policy that does not see a value
 * cannot forbid it: other fractions, integers beyond 2^53, `null` in arrays, and members named like Cedar's own escapes.
 *
 * @throws CannotMap with the place in the arguments.
 */
export function toCedarRecord(value: JsonObject): Record<string, CedarValueJson> {
  return mapObject(value, '');
}

/** An argument that policy cannot see as it is. The action is denied. */
export class CannotMap extends Error {}

const RESERVED = new Set(['__entity', '__extn', '__expr', '__proto__']);

function mapObject(value: JsonObject, path: string): Record<string, CedarValueJson> {
  const members: [string, CedarValueJson][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (RESERVED.has(name)) throw new CannotMap(`argument \`${path}/${name}\` has a reserved name`);
    if (member !== null) members.push([name, mapValue(member, `${path}/${name}`)]);
  }
  return Object.fromEntries(members);
}

function mapValue(value: JsonValue, path: string): CedarValueJson {
  if (value === null) throw new CannotMap(`argument \`${path}\` is null inside an array`);
  if (typeof value === 'number') return mapNumber(value, path);
  if (Array.isArray(value)) return value.map((item, place) => mapValue(item, `${path}/${place}`));
  if (typeof value === 'object') return mapObject(value, path);
  return value;
}

function mapNumber(value: number, path: string): CedarValueJson {
  if (Number.isSafeInteger(value)) return value;
  const text = String(value);
  if (!/^-?\d{1,14}\.\d{1,4}$/.test(text)) {
    throw new CannotMap(`argument \`${path}\` is a number that policy cannot see exactly`);
  }
  return { __extn: { fn: 'decimal', arg: text } };
}
