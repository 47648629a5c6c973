import { gunzipSync } from 'node:zlib';
import type { JsonValue } from '../core/json.ts';
import type { Mapping } from './mapping.ts';
import { readTargetEvent, type TargetEvent } from './target-event.ts';

/** Largest file that is read, in bytes, and what it may unfold to. */
export const MOST_BYTES = 256 * 1024 * 1024;

/** A file of events that cannot be compared. The message says where and why. */
export class EventFileError extends Error {}

/**
 * The events of a target's log: one JSON object a line, or one JSON value that is the list or holds it; gzip or not. One that
 * cannot be read fails all of it: what was skipped in silence would look like what never happened.
 *
 * @throws EventFileError
 */
export function readTargetEvents(bytes: Uint8Array, mapping: Mapping): TargetEvent[] {
  const text = unfolded(bytes);
  const read: TargetEvent[] = [];
  for (const [place, event] of entries(text, mapping.events)) {
    const found = readTargetEvent(event, place, mapping);
    if (found === null) continue;
    if ('problem' in found) throw new EventFileError(`event ${place} ${found.problem}; check the mapping`);
    read.push(found);
  }
  return read;
}

function unfolded(bytes: Uint8Array): string {
  if (bytes.length > MOST_BYTES)
    throw new EventFileError(`the file is larger than ${MOST_BYTES} bytes; compare it in parts`);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return Buffer.from(bytes).toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES }).toString('utf8');
  } catch (cause) {
    throw new EventFileError('the file is damaged gzip, or unfolds to too much; compare it in parts', { cause });
  }
}

/** The events with their places: lines from 1, or entries of the list from 1. */
function entries(text: string, path: string | undefined): Iterable<[place: number, event: JsonValue]> {
  const whole = path !== undefined || text.trimStart().startsWith('[');
  if (!whole) return byLine(text);
  const value = parsed(text, 'the file is not JSON');
  const list = path === undefined ? value : memberOf(value, path);
  if (!Array.isArray(list))
    throw new EventFileError(`the file has no list in \`${path}\`; check \`events\` of the mapping`);
  return list.map((event, at) => [at + 1, event]);
}

function* byLine(text: string): Generator<[number, JsonValue]> {
  let [start, line] = [0, 1];
  while (start < text.length) {
    const next = text.indexOf('\n', start);
    const end = next === -1 ? text.length : next;
    const content = text.slice(start, end).trim();
    if (content !== '') yield [line, parsed(content, `line ${line} is not JSON`)];
    start = end + 1;
    line++;
  }
}

function parsed(text: string, problem: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new EventFileError(`${problem}; nothing was compared`, { cause });
  }
}

function memberOf(value: JsonValue, path: string): JsonValue | undefined {
  return path
    .split('.')
    .reduce<JsonValue | undefined>(
      (at, name) => (typeof at === 'object' && at !== null && !Array.isArray(at) ? at[name] : undefined),
      value,
    );
}
