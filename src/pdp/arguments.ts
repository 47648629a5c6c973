import type { JsonObject, JsonValue } from '../core/json.ts';
import { valueOf } from './cedar/literal.ts';
import { CedarSet, CedarRecord, type Value } from './cedar/value.ts';

/**
 * The one mapping of JSON into Cedar. Integers are `Long`; fractions of up to four digits are `decimal`; arrays are
 * sets; a `null` member is absent. What Cedar cannot hold exactly is refused and not approximated, since a policy that
 * does not see a value cannot forbid it: other fractions, integers beyond 2^53, `null` in arrays, members named like
 * Cedar's own escapes, and nesting beyond MAX_DEPTH.
 */
export class JsonRecord extends CedarRecord {
  readonly #json: Readonly<JsonObject>;
  #made: Map<string, Value> | undefined;

  /** `json` has passed `findUnmappable`. Members become values when a policy looks at them. */
  constructor(json: Readonly<JsonObject>) {
    super();
    this.#json = json;
  }

  override get(name: string): Value | undefined {
    // A name of `Object.prototype` is no member.
    const member = Object.hasOwn(this.#json, name) ? this.#json[name]! : null;
    if (member === null) return undefined;
    if (typeof member !== 'object') return jsonValue(member);
    let value = this.#made?.get(name);
    if (value === undefined) (this.#made ??= new Map()).set(name, (value = jsonValue(member)));
    return value;
  }

  override names(): readonly string[] {
    return Object.keys(this.#json).filter((name) => this.#json[name] !== null);
  }
}

/** Deeper arguments are refused; Remit's parsers stop earlier. */
const MAX_DEPTH = 64;

const RESERVED = new Set(['__entity', '__extn', '__expr', '__proto__']);

const UNDERSCORE = 0x5f;

const DECIMAL = /^-?\d{1,14}\.\d{1,4}$/;

/** Why policy cannot see the value as it is, with its place in the arguments, or `null`. */
export function findUnmappable(value: JsonObject, path = '', depth = 1): string | null {
  if (depth > MAX_DEPTH) return `argument \`${path}\` is nested deeper than ${MAX_DEPTH} levels`;
  for (const name in value) {
    if (name.charCodeAt(0) === UNDERSCORE && RESERVED.has(name))
      return `argument \`${path}/${name}\` has a reserved name`;
    const member = value[name]!;
    if (typeof member === 'string' || member === null) continue;
    if (typeof member === 'boolean' || Number.isSafeInteger(member)) continue;
    const problem = findInValue(member, `${path}/${name}`, depth);
    if (problem !== null) return problem;
  }
  return null;
}

function findInValue(value: JsonValue, path: string, depth: number): string | null {
  if (value === null) return `argument \`${path}\` is null inside an array`;
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) || DECIMAL.test(String(value))) return null;
    return `argument \`${path}\` is a number that policy cannot see exactly`;
  }
  if (typeof value !== 'object') return null;
  if (!Array.isArray(value)) return findUnmappable(value, path, depth + 1);
  if (depth >= MAX_DEPTH) return `argument \`${path}\` is nested deeper than ${MAX_DEPTH} levels`;
  for (let place = 0; place < value.length; place++) {
    const item = value[place]!;
    if (typeof item === 'string') continue;
    const problem = findInValue(item, `${path}/${place}`, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

function jsonValue(value: Exclude<JsonValue, null>): Value {
  if (typeof value === 'string') return value;
  // `+ 0`: an integer has no negative zero.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0;
  if (typeof value === 'number') return valueOf({ __extn: { fn: 'decimal', arg: String(value) } });
  if (Array.isArray(value)) return new CedarSet(value.map((item) => jsonValue(item!)));
  return typeof value === 'object' ? new JsonRecord(value) : value;
}
