/**
 * Handles in the text of a request that leaves, replaced as the place of each demands: what is around them stays as it is, byte
 * for byte, and whatever the decision has read as a handle is one here, however it was written.
 */
import { replaceHandles } from '../../core/lease.ts';
import { endOfString } from './json-text.ts';

/** What a text is after the swap; the same for one that has nothing to swap. */
export type Swap = (text: string) => string;

/** An absolute URL: in the path each segment by itself, in the query each name and value. */
export function swapInUrl(url: string, swap: Swap): string {
  const [path = '', ...query] = url.split('?');
  const segments = path.split('/').map((segment) => swapEncoded(segment, decodeURIComponent, swap));
  return [segments.join('/'), ...query.map((fields) => swapInFields(fields, swap))].join('?');
}

/** A query, or a form (`application/x-www-form-urlencoded`). */
export function swapInFields(fields: string, swap: Swap): string {
  return fields.replace(/[^&=]+/g, (field) => swapEncoded(field, decodeField, swap));
}

function decodeField(field: string): string {
  return decodeURIComponent(field.replaceAll('+', '%20'));
}

function swapEncoded(encoded: string, decode: (text: string) => string, swap: Swap): string {
  const before = decode(encoded);
  const after = swap(before);
  if (after === before) return encoded;
  const inPlace = replaceHandles(encoded, (_id, handle) => encodeURIComponent(swap(handle)));
  return decode(inPlace) === after ? inPlace : encodeURIComponent(after);
}

/** A text of JSON: in each string of it, names of members too. */
export function swapInJson(json: string, swap: Swap): string {
  let swapped = '';
  let from = 0;
  for (let start = json.indexOf('"'); start >= 0; start = json.indexOf('"', from)) {
    const end = endOfString(json, start) + 1;
    swapped += json.slice(from, start) + swapInString(json.slice(start, end), swap);
    from = end;
  }
  return swapped + json.slice(from);
}

function swapInString(literal: string, swap: Swap): string {
  const before = JSON.parse(literal) as string;
  const after = swap(before);
  if (after === before) return literal;
  const inPlace = replaceHandles(literal, (_id, handle) => JSON.stringify(swap(handle)).slice(1, -1));
  return JSON.parse(inPlace) === after ? inPlace : JSON.stringify(after);
}
