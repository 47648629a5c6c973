import type { JsonObject, JsonValue } from '../core/json.ts';
import { readPointer } from '../core/json-pointer.ts';

/** What placeholders stand for. `{id}` and `{value}` may be unknown; `{/pointer}` leads into the arguments of the call. */
export type Filling = { id: string | null; value: string | null; arguments: JsonObject };

const PLACEHOLDER = /\{(id|value|\/[^{}]*)\}/g;

/**
 * The template filled in; `undefined` when something that it asks for is not there. A text that is one placeholder takes the
 * value as it is, so that a number stays one; within a longer text only what can be written as text.
 */
export function fill(template: JsonValue, filling: Filling): JsonValue | undefined {
  if (typeof template === 'string') return fillText(template, filling);
  if (Array.isArray(template)) {
    const items = template.map((item) => fill(item, filling));
    return items.includes(undefined) ? undefined : (items as JsonValue[]);
  }
  if (template === null || typeof template !== 'object') return template;
  const members = Object.entries(template).map(([name, member]) => [name, fill(member, filling)] as const);
  return members.some(([, member]) => member === undefined)
    ? undefined
    : (Object.fromEntries(members) as Record<string, JsonValue>);
}

function fillText(template: string, filling: Filling): JsonValue | undefined {
  const whole = /^\{(id|value|\/[^{}]*)\}$/.exec(template);
  if (whole !== null) return standsFor(whole[1]!, filling);
  let missing = false;
  const text = template.replace(PLACEHOLDER, (_, name: string) => {
    const found = standsFor(name, filling);
    if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') return String(found);
    missing = true;
    return '';
  });
  return missing ? undefined : text;
}

function standsFor(name: string, { id, value, arguments: args }: Filling): JsonValue | undefined {
  if (name === 'id') return id ?? undefined;
  if (name === 'value') return value ?? undefined;
  return readPointer(args, name);
}

/** The part of the arguments that templates ask for: what has to be kept to fill them in later. */
export function askedFor(templates: readonly JsonValue[], args: JsonObject): JsonObject {
  const pointers = JSON.stringify(templates).matchAll(/\{(\/[^{}"\\]*)\}/g);
  const found: JsonObject = {};
  for (const [, pointer] of pointers) {
    const value = readPointer(args, pointer!);
    if (value !== undefined) put(found, pointer!, value);
  }
  return found;
}

function put(into: JsonObject, pointer: string, value: JsonValue): void {
  const names = pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  let place = into;
  for (const name of names.slice(0, -1)) {
    const next = Object.hasOwn(place, name) ? place[name] : undefined;
    if (next === null || typeof next !== 'object' || Array.isArray(next)) {
      Object.defineProperty(place, name, { value: {}, enumerable: true, configurable: true, writable: true });
    }
    place = place[name] as JsonObject;
  }
  Object.defineProperty(place, names.at(-1)!, { value, enumerable: true, configurable: true, writable: true });
}
