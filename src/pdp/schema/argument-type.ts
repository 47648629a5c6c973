import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';

/** A type in Cedar's JSON schema format. */
export type CedarType =
  | { type: 'String' | 'Long' | 'Boolean' }
  | { type: 'Set'; element: CedarType }
  | { type: 'Record'; attributes: Record<string, Attribute> }
  | { type: 'Entity' | 'Extension' | 'EntityOrCommon'; name: string };

export type Attribute = CedarType & { required?: boolean };

/**
 * The type of a value that the tool's schema leaves open. It is an entity type without attributes: policy may ask
 * whether the argument is there, and every comparison with it is refused.
 */
export const UNTYPED: CedarType = { type: 'Entity', name: 'Untyped' };

const MAX_DEPTH = 16;
const MAX_PARTS = 5000;
/** How often a definition that holds itself is followed into itself. */
const MAX_UNFOLDINGS = 3;

/**
 * The Cedar type of arguments under a JSON Schema (2020-12), as `arguments.ts` maps them. A `null` member is absent, so
 * what may be null is optional. A `number` is a `Long` here: a fraction reaches policy as a decimal, and a policy that
 * compares it as an integer errs, which denies.
 */
export function argumentsType(schema: JsonObject): CedarType {
  const type = new Reader(schema).typeOf(schema, 0);
  return type.type === 'Record' ? type : { type: 'Record', attributes: {} };
}

/**
 * Reads one schema, following its references. A few definitions that name each other would unfold without end: each is
 * followed MAX_UNFOLDINGS times into itself, and beyond MAX_PARTS altogether the rest is open.
 */
class Reader {
  readonly #root: JsonObject;
  #left = MAX_PARTS;
  /** How often each reference has been followed to come here. */
  readonly #within = new Map<string, number>();

  constructor(root: JsonObject) {
    this.#root = root;
  }

  typeOf(schema: JsonValue | undefined, depth: number): CedarType {
    if (!isJsonObject(schema) || depth > MAX_DEPTH || this.#left-- <= 0) return UNTYPED;
    if (typeof schema['$ref'] === 'string') return this.#typeOfReference(schema['$ref'], depth);
    const choices = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(choices)) return this.#commonType(choices, depth);
    if (Array.isArray(schema['enum'])) return typeOfValues(schema['enum']);
    if ('const' in schema) return typeOfValues([schema['const']!]);
    const names = (Array.isArray(schema['type']) ? schema['type'] : [schema['type']]).filter((name) => name !== 'null');
    switch (names.length === 1 ? JSON.stringify(names[0]) : '') {
      case '"string"':
        return { type: 'String' };
      case '"integer"':
      case '"number"':
        return { type: 'Long' };
      case '"boolean"':
        return { type: 'Boolean' };
      case '"array"': {
        const element = this.typeOf(schema['items'], depth + 1);
        return element === UNTYPED ? UNTYPED : { type: 'Set', element };
      }
      case '"object"':
        return isJsonObject(schema['properties']) || depth === 0 ? this.#recordType(schema, depth) : UNTYPED;
      default:
        return UNTYPED;
    }
  }

  #typeOfReference(reference: string, depth: number): CedarType {
    const before = this.#within.get(reference) ?? 0;
    if (before >= MAX_UNFOLDINGS) return UNTYPED;
    this.#within.set(reference, before + 1);
    const type = this.typeOf(resolve(reference, this.#root), depth + 1);
    this.#within.set(reference, before);
    return type;
  }

  #recordType(schema: JsonObject, depth: number): CedarType {
    const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
    const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
    return {
      type: 'Record',
      attributes: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [
          name,
          { ...this.typeOf(member, depth + 1), required: required.has(name) && !this.#mayBeNull(member, 0) },
        ]),
      ),
    };
  }

  /** The one type of all choices but null, if there is one. */
  #commonType(choices: readonly JsonValue[], depth: number): CedarType {
    const types = choices
      .filter((choice) => !isJsonObject(choice) || choice['type'] !== 'null')
      .map((choice) => this.typeOf(choice, depth + 1));
    const [first = UNTYPED] = types;
    return types.every((type) => JSON.stringify(type) === JSON.stringify(first)) ? first : UNTYPED;
  }

  #mayBeNull(schema: JsonValue | undefined, depth: number): boolean {
    if (!isJsonObject(schema) || depth > MAX_DEPTH || this.#left-- <= 0) return true;
    if (typeof schema['$ref'] === 'string') return this.#mayBeNull(resolve(schema['$ref'], this.#root), depth + 1);
    const choices = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(choices)) return choices.some((choice) => this.#mayBeNull(choice, depth + 1));
    if (Array.isArray(schema['enum'])) return schema['enum'].includes(null);
    if ('const' in schema) return schema['const'] === null;
    const { type } = schema;
    return type === undefined || type === 'null' || (Array.isArray(type) && type.includes('null'));
  }
}

function typeOfValues(values: readonly JsonValue[]): CedarType {
  const present = values.filter((value) => value !== null);
  if (present.length === 0) return UNTYPED;
  if (present.every((value) => typeof value === 'string')) return { type: 'String' };
  if (present.every((value) => typeof value === 'boolean')) return { type: 'Boolean' };
  return present.every((value) => Number.isSafeInteger(value)) ? { type: 'Long' } : UNTYPED;
}

/** A reference within the same schema (RFC 6901); others are not followed. */
function resolve(reference: string, root: JsonObject): JsonValue | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let value: JsonValue | undefined = root;
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value)) value = value[Number(name)];
    else value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}
