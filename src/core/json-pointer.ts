import { isJsonObject, type JsonValue } from './json.ts';

/** What a JSON Pointer (RFC 6901) leads to; `undefined` where there is nothing, and for a pointer that is none. */
export function readPointer(value: JsonValue, pointer: string): JsonValue | undefined {
  if (pointer === '') return value;
  if (!pointer.startsWith('/')) return undefined;
  let found: JsonValue | undefined = value;
  for (const token of pointer.slice(1).split('/')) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = /^(?:0|[1-9][0-9]*)$/.test(name) ? found[Number(name)] : undefined;
    else if (isJsonObject(found)) found = Object.hasOwn(found, name) ? found[name] : undefined;
    else return undefined;
  }
  return found;
}
