/** JSON as Remit handles it: no `undefined`, no lossy integers, one canonical form. */

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * RFC 8785 canonical form: members sorted by UTF-16 code units, no white space, ECMAScript number and string
 * serialisation. Two values that are equal as JSON have the same text, so a digest over it names the value.
 *
 * @throws RangeError for a number that JSON cannot carry (`NaN`, an infinity) and for a lone surrogate.
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('a number must be finite to be written as JSON');
    return JSON.stringify(value);
  }
  // Every record passes here: text is put together as it comes, without lists in between.
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** Most texts of a record need no escape. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new RangeError('a string must be well-formed Unicode to be written as JSON');
  return JSON.stringify(text);
}

/** The few members that an object has most often are sorted in place quicker than by the general way. */
const FEW = 16;

function sortedKeys(value: JsonObject): string[] {
  const keys = Object.keys(value);
  if (keys.length > FEW) return keys.sort();
  for (let next = 1; next < keys.length; next++) {
    const key = keys[next]!;
    let place = next;
    while (place > 0 && keys[place - 1]! > key) keys[place] = keys[--place]!;
    keys[place] = key;
  }
  return keys;
}

/** Why a parsed value must not be decided on, or `null` when it is fine. */
export type JsonHazard = { path: string; problem: string };

export type JsonLimits = { maxDepth: number };

/**
 * Finds what a policy could be misled by: an integer that `JSON.parse` has rounded (beyond ±2^53−1), nesting deeper
 * than `maxDepth`, a lone surrogate, or a member named `__proto__`. The value is refused, never repaired.
 */
export function findJsonHazard(value: JsonValue, limits: JsonLimits): JsonHazard | null {
  const problem = scalarProblem(value);
  if (problem !== null) return { path: '', problem };
  // Only what holds others waits here: a list may be millions long.
  const pending: { value: JsonValue; path: string; depth: number }[] = [{ value, path: '', depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: current, path, depth } = next;
    if (typeof current !== 'object' || current === null) continue;
    if (depth > limits.maxDepth) return { path, problem: `is nested deeper than ${limits.maxDepth} levels` };
    const isArray = Array.isArray(current);
    for (const key of isArray ? current.keys() : Object.keys(current)) {
      if (key === '__proto__') return { path: `${path}/__proto__`, problem: 'is a reserved member name' };
      if (typeof key === 'string' && !key.isWellFormed())
        return { path, problem: 'has a member name that is not well-formed Unicode' };
      const member = (current as Record<string | number, JsonValue>)[key]!;
      const memberProblem = scalarProblem(member);
      if (memberProblem !== null) return { path: `${path}/${key}`, problem: memberProblem };
      if (typeof member === 'object' && member !== null)
        pending.push({ value: member, path: `${path}/${key}`, depth: depth + 1 });
    }
  }
  return null;
}

function scalarProblem(value: JsonValue): string | null {
  if (typeof value === 'number') {
    const rounded = Number.isInteger(value) && !Number.isSafeInteger(value);
    return rounded || !Number.isFinite(value) ? 'is a number that cannot be kept exactly' : null;
  }
  return typeof value === 'string' && !value.isWellFormed() ? 'is not well-formed Unicode' : null;
}
