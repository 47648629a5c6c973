import type { FindConfig } from '../config/mint.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { readPointer } from '../core/json-pointer.ts';
import type { Lease } from '../core/lease.ts';
import { fill } from './template.ts';

/** The call that lists what there is, complete; `null` when the call that minted had not what its templates ask for. */
export function findCall(find: FindConfig, { inputs }: Pick<Lease, 'inputs'>): JsonObject | null {
  const filled = fill(find.arguments, { id: null, value: null, arguments: inputs });
  return filled !== undefined && isJsonObject(filled) ? filled : null;
}

/**
 * Identifiers of the listed items that are what this call would have made. `null` when the answer is no such list: of what
 * was not understood nothing is concluded.
 */
export function foundIn(
  answer: JsonValue | undefined,
  find: FindConfig,
  { inputs }: Pick<Lease, 'inputs'>,
): string[] | null {
  const items = answer === undefined ? undefined : readPointer(answer, find.items);
  if (!Array.isArray(items)) return null;
  const wanted = Object.entries(find.where).map(
    ([pointer, template]) => [pointer, fill(template, { id: null, value: null, arguments: inputs })] as const,
  );
  if (wanted.some(([, value]) => value === undefined)) return null;
  const ids: string[] = [];
  for (const item of items) {
    if (!wanted.every(([pointer, value]) => same(readPointer(item, pointer), value!))) continue;
    const id = readPointer(item, find.id);
    // A number that was rounded names something else.
    if (typeof id === 'string') ids.push(id);
    else if (typeof id === 'number' && Number.isSafeInteger(id)) ids.push(String(id));
    else return null;
  }
  return ids;
}

/** A list may tell a number as a text. */
function same(found: JsonValue | undefined, wanted: JsonValue): boolean {
  if (found === undefined || typeof found === 'object' || typeof wanted === 'object') return false;
  return String(found) === String(wanted);
}
