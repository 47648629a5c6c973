import type { Grant } from '../../core/grant.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';

/**
 * `{parameters.NAME}` in a profile stands for a parameter of the task. INVARIANT 3: a value can only ever stand for itself.
 * In a text it is letters, digits and a few signs, so it is no wildcard, no path and no other segment; in a JSON Schema it
 * stands in `const` and `enum` alone, where a value is compared and nothing is read into it.
 */
const PLACEHOLDER = /\{parameters\.([A-Za-z_][A-Za-z0-9_-]*)\}/g;
const WHOLE = /^\{parameters\.([A-Za-z_][A-Za-z0-9_-]*)\}$/;

const PLAIN = /^[\p{L}\p{N}_.@+=,~ -]{1,256}$/u;

/** The names of the parameters in a text, or why it is no template. */
export function placeholdersIn(text: string): { names: string[] } | { problem: string } {
  const names = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name!);
  const rest = text.replace(PLACEHOLDER, '');
  if (!/[{}]/.test(rest)) return { names };
  return { problem: 'has a brace that belongs to no placeholder; write `{parameters.NAME}`' };
}

/** The names of the parameters in a grant, or why it is no template. */
export function placeholdersInGrant({
  resources = [],
  arguments: schema,
}: Grant): { names: string[] } | { problem: string } {
  const all: string[] = [];
  for (const pattern of resources) {
    const found = placeholdersIn(pattern);
    if ('problem' in found) return { problem: `\`${pattern}\` ${found.problem}` };
    all.push(...found.names);
  }
  if (schema === undefined) return { names: all };
  const problems: string[] = [];
  eachText(schema, false, (text, mayHold) => {
    const names = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name!);
    if (names.length > 0 && !mayHold)
      problems.push(`\`${text}\` stands where a schema is read; use \`const\` or \`enum\``);
    all.push(...names);
    return text;
  });
  return problems.length === 0 ? { names: all } : { problem: problems[0]! };
}

/** @throws RangeError naming a parameter whose value cannot stand there. */
export function filledText(text: string, parameters: JsonObject): string {
  return text.replace(PLACEHOLDER, (_placeholder, name: string) => plainText(name, parameters));
}

/** @throws RangeError naming a parameter whose value cannot stand there. */
export function filledGrant(grant: Grant, parameters: JsonObject): Grant {
  const { resources, arguments: schema } = grant;
  return {
    ...grant,
    ...(resources === undefined ? {} : { resources: resources.map((pattern) => filledText(pattern, parameters)) }),
    ...(schema === undefined ? {} : { arguments: filledSchema(schema, parameters) }),
  };
}

function filledSchema(schema: JsonObject, parameters: JsonObject): JsonObject {
  return eachText(schema, false, (text, mayHold) => {
    if (!mayHold) return text;
    const [, name] = WHOLE.exec(text) ?? [];
    return name === undefined ? filledText(text, parameters) : valueOf(name, parameters);
  }) as JsonObject;
}

/** Keywords whose members are named by the author, and are schemas. */
const NAMED = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);

/** The schema with each text replaced; `mayHold`: it is a value, or part of one, that is compared. */
function eachText(
  value: JsonValue,
  mayHold: boolean,
  replace: (text: string, mayHold: boolean) => JsonValue,
  named = false,
): JsonValue {
  if (typeof value === 'string') return replace(value, mayHold);
  if (Array.isArray(value)) return value.map((item) => eachText(item, mayHold, replace));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const isKeyword = !mayHold && !named;
      const compared = mayHold || (isKeyword && (key === 'const' || key === 'enum'));
      return [key, eachText(member, compared, replace, isKeyword && NAMED.has(key))];
    }),
  );
}

function plainText(name: string, parameters: JsonObject): string {
  const value = valueOf(name, parameters);
  if (typeof value === 'object') throw new RangeError(`\`parameters.${name}\`: expected a text or a number`);
  const text = String(value);
  if (!PLAIN.test(text) || text === '.' || text === '..' || text.trim() !== text) {
    throw new RangeError(
      `\`parameters.${name}\`: stands in a name, so it may hold letters, digits, spaces and \`_.@+=,~-\` only`,
    );
  }
  return text;
}

function valueOf(name: string, parameters: JsonObject): JsonValue {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (value === undefined) throw new RangeError(`\`parameters.${name}\`: is missing, and the profile needs it`);
  return value;
}
