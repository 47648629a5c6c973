import type { JsonValue } from '../core/json.ts';
import { readTraceparent } from '../telemetry/traceparent.ts';
import type { Mapping, Test } from './mapping.ts';

/** One event of a target's own log, as its mapping reads it. Bounded: nothing of the event is kept but this. */
export type TargetEvent = {
  /** Its place in the file, from 1: a line, or an entry of an array. */
  place: number;
  /** Milliseconds since the epoch. */
  time: number;
  id: string | null;
  credential: string | null;
  source: string | null;
  /** From its `traceparent`. */
  trace: { traceId: string; parentId: string } | null;
  record: string | null;
  operation: string | null;
  resource: string | null;
  /** The target refused it. */
  refused: boolean;
};

/** Longest text of a field that is looked at; what is longer is cut. */
const MOST_TEXT = 2048;

/** @returns the event, `null` for one to be left out, or what is wrong with it. */
export function readTargetEvent(
  event: JsonValue,
  place: number,
  mapping: Mapping,
): TargetEvent | null | { problem: string } {
  const text = (path: string | undefined) => (path === undefined ? null : textAt(event, path));
  if (mapping.ignore.some((test) => holds(event, test))) return null;
  const time = timeAt(event, mapping.time);
  if (time === null) return { problem: `has no time in \`${mapping.time}\`` };
  const trace = readTraceparent(text(mapping.traceparent));
  return {
    place,
    time,
    id: text(mapping.id),
    credential: text(mapping.credential?.field),
    source: text(mapping.source?.field),
    trace: trace === null ? null : { traceId: trace.traceId, parentId: trace.parentId },
    record: text(mapping.record),
    ...operationOf(event, mapping),
    refused: mapping.refused.some((test) => holds(event, test)),
  };
}

function operationOf(event: JsonValue, mapping: Mapping): Pick<TargetEvent, 'operation' | 'resource'> {
  for (const { when, operation, resource } of mapping.operations) {
    const found = Object.entries(when).map(([path, pattern]) =>
      new RegExp(pattern, 'u').exec(textAt(event, path) ?? ''),
    );
    if (found.some((match) => match === null)) continue;
    const groups = Object.assign({}, ...found.map((match) => match!.groups ?? {})) as Record<string, string>;
    return { operation, resource: resource?.replace(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? '') ?? null };
  }
  return { operation: mapping.operation === undefined ? null : textAt(event, mapping.operation), resource: null };
}

function holds(event: JsonValue, test: Test): boolean {
  const text = textAt(event, test.field);
  if (text === null) return false;
  if ('matches' in test) return new RegExp(test.matches, 'u').test(text);
  return typeof test.is === 'string' ? test.is === text : test.is.includes(text);
}

/** `a.b`, and `[a.b].c` for a name with a dot in it. */
function valueAt(value: JsonValue, path: string): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const [, bracketed, plain] of path.matchAll(/\[([^\]]+)\]|([^.[\]]+)/g)) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return undefined;
    const name: string = bracketed ?? plain!;
    at = Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

/** A text, a number or a truth value as text; anything else is as if it were not there. */
export function textAt(value: JsonValue, path: string): string | null {
  const found = valueAt(value, path);
  if (found === undefined || found === null || typeof found === 'object') return null;
  return String(found).slice(0, MOST_TEXT);
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/;

/** The unit of a number is seen by its size: each of them covers the years 2001 to 5138 by itself. */
function timeAt(event: JsonValue, path: string): number | null {
  const found = valueAt(event, path);
  if (typeof found === 'string' && ISO.test(found)) {
    const time = Date.parse(found.replace(',', '.'));
    return Number.isNaN(time) ? null : time;
  }
  const number =
    typeof found === 'number'
      ? found
      : typeof found === 'string' && /^\d{9,19}(\.\d+)?$/.test(found)
        ? Number(found)
        : NaN;
  for (const [least, perMs] of [
    [1e17, 1e6],
    [1e14, 1e3],
    [1e11, 1],
    [1e9, 1e-3],
  ] as const)
    if (number >= least) return Math.round(number / perMs);
  return null;
}
