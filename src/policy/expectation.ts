import type { Decision } from '../core/decision.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import type { DecisionRecord } from '../core/record.ts';
import type { Expectation } from './case-form.ts';

/** Where a decision and its record differ from what a case expects, one line each; empty when they do not. */
export function mismatches(expected: Expectation, decision: Decision, record: DecisionRecord): string[] {
  const found: string[] = [];
  if (decision.outcome !== expected.outcome) {
    found.push(`outcome: expected ${expected.outcome}, got ${decision.outcome}`);
  }
  for (const words of expected.reasons ?? []) {
    const met = decision.reasons.some(({ code, message }) => code === words || message.includes(words));
    if (!met) found.push(`reasons: expected \`${words}\`, which is neither a code nor part of a message`);
  }
  for (const field of ['policies', 'controls', 'approvers', 'observed'] as const) {
    const wanted = expected[field];
    if (wanted !== undefined && !sameSet(wanted, decision[field])) {
      found.push(`${field}: expected ${listed(wanted)}, got ${listed(decision[field])}`);
    }
  }
  if (expected.record !== undefined) found.push(...differences(expected.record, asJson(record), 'record'));
  return found;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return canonicalJson([...new Set(a)].sort()) === canonicalJson([...new Set(b)].sort());
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

/** Of an object, the expected members must be as expected, and others may be there; a list must be as long. */
function differences(expected: JsonValue, got: JsonValue | undefined, path: string): string[] {
  if (isJsonObject(expected) && isJsonObject(got)) {
    return Object.entries(expected).flatMap(([name, value]) =>
      differences(value, Object.hasOwn(got, name) ? got[name] : undefined, `${path}.${name}`),
    );
  }
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    return expected.flatMap((value, place) => differences(value, got[place], `${path}.${place}`));
  }
  if (got !== undefined && canonicalJson(expected) === canonicalJson(got)) return [];
  const shown = got === undefined ? 'no such field' : canonicalJson(got);
  return [`${path}: expected ${canonicalJson(expected)}, got ${shown}`];
}

/** The record as a reader of the log sees it: through its text, without what is `undefined`. */
function asJson(record: DecisionRecord): JsonObject {
  return JSON.parse(JSON.stringify(record)) as JsonObject;
}
