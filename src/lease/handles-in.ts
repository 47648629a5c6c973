/** Handles in texts, as they are and in Base64: one reading for the decision and for what is sent. */
import { HANDLE, idsIn, replaceHandles } from '../core/lease.ts';
import type { JsonValue } from '../core/json.ts';
import { mapBase64, needlesOf } from './base64-text.ts';

const NEEDLES = needlesOf(HANDLE);

/** Ids of the leases whose handles stand in any text of the value, names of members too, each once. */
export function handlesIn(value: JsonValue): string[] {
  const ids = new Set<string>();
  for (const text of allTexts(value)) {
    if (text.length < HANDLE.length) continue;
    for (const id of idsIn(text)) ids.add(id);
    mapBase64(text, NEEDLES, (bytes) => {
      for (const id of idsIn(bytes)) ids.add(id);
      return bytes;
    });
  }
  return [...ids];
}

/** Every text of the value, and every name of a member. */
export function* allTexts(value: JsonValue): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const item of value) yield* allTexts(item);
  else if (value !== null && typeof value === 'object') {
    for (const [name, member] of Object.entries(value)) {
      yield name;
      yield* allTexts(member);
    }
  }
}

/** The text with each handle replaced by what is given for its id; within Base64 the same, encoded again. */
export function swapHandles(text: string, by: (id: string, handle: string) => string): string {
  const inBytes = (id: string, handle: string) => Buffer.from(by(id, handle), 'utf8').toString('latin1');
  return replaceHandles(
    mapBase64(text, NEEDLES, (bytes) => replaceHandles(bytes, inBytes)),
    by,
  );
}
