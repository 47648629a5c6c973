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

/**
 * The Cedar type of arguments under a JSON Schema (2020-12), as `arguments.ts` maps them. A `null` member is absent, so
 * what may be null is optional. A `number` is a `Long` here: a fraction reaches policy as a decimal, and a policy that
 * compares it as an integer errs, which denies.
 */
export function argumentsType(schema: JsonObject): CedarType {
  const type = typeOf(schema, schema, 0);
  return type.type === 'Record' ? type : { type: 'Record', attributes: {} };
}

function typeOf(schema: JsonValue | undefined, root: JsonObject, depth: number): CedarType {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return UNTYPED;
  if (typeof schema['$ref'] === 'string') return typeOf(resolve(schema['$ref'], root), root, depth + 1);
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return commonType(choices, root, depth);
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
      const element = typeOf(schema['items'], root, depth + 1);
      return element === UNTYPED ? UNTYPED : { type: 'Set', element };
    }
    case '"object"':
      return isJsonObject(schema['properties']) || depth === 0 ? recordType(schema, root, depth) : UNTYPED;
    default:
      return UNTYPED;
  }
}

function recordType(schema: JsonObject, root: JsonObject, depth: number): CedarType {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return {
    type: 'Record',
    attributes: Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [
        name,
        { ...typeOf(member, root, depth + 1), required: required.includes(name) && !mayBeNull(member, root, 0) },
      ]),
    ),
  };
}

/** The one type of all choices but null, if there is one. */
function commonType(choices: readonly JsonValue[], root: JsonObject, depth: number): CedarType {
  const types = choices
    .filter((choice) => !isJsonObject(choice) || choice['type'] !== 'null')
    .map((choice) => typeOf(choice, root, depth + 1));
  const [first = UNTYPED] = types;
  return types.every((type) => JSON.stringify(type) === JSON.stringify(first)) ? first : UNTYPED;
}

function typeOfValues(values: readonly JsonValue[]): CedarType {
  const present = values.filter((value) => value !== null);
  if (present.length === 0) return UNTYPED;
  if (present.every((value) => typeof value === 'string')) return { type: 'String' };
  if (present.every((value) => typeof value === 'boolean')) return { type: 'Boolean' };
  return present.every((value) => Number.isSafeInteger(value)) ? { type: 'Long' } : UNTYPED;
}

function mayBeNull(schema: JsonValue, root: JsonObject, depth: number): boolean {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return true;
  if (typeof schema['$ref'] === 'string') return mayBeNull(resolve(schema['$ref'], root) ?? true, root, depth + 1);
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return choices.some((choice) => mayBeNull(choice, root, depth + 1));
  if (Array.isArray(schema['enum'])) return schema['enum'].includes(null);
  if ('const' in schema) return schema['const'] === null;
  const { type } = schema;
  return type === undefined || type === 'null' || (Array.isArray(type) && type.includes('null'));
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
