import { canonicalJson, isJsonObject, type JsonValue } from '../core/json.ts';
import type { LogRecord } from '../core/record.ts';

const KINDS: readonly unknown[] = ['decision', 'outcome', 'event'] satisfies LogRecord['kind'][];

export type ReadRecord = { entry: string; record: LogRecord } | { problem: string };

/** Reads an entry of the log. Only what every record has is checked: the tree vouches for the rest. */
export function readRecord(bytes: Uint8Array): ReadRecord {
  let entry: string;
  let value: JsonValue;
  try {
    entry = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(entry) as JsonValue;
    if (canonicalJson(value) !== entry) return { problem: 'is not in the canonical form of RFC 8785' };
  } catch {
    return { problem: 'is not JSON in UTF-8' };
  }
  if (!isJsonObject(value) || value.version !== 1 || !KINDS.includes(value.kind)) {
    return { problem: 'is not a record of a known kind and version' };
  }
  if (typeof value.id !== 'string' || typeof value.time !== 'number') return { problem: 'has no id or no time' };
  if (value.kind === 'outcome' && typeof value.decision !== 'string') return { problem: 'names no decision' };
  // Only what was checked above is certain; whoever needs more has it parsed (server/record-form.ts).
  return { entry, record: value as unknown as LogRecord };
}

/** What holds between records: ids are unique, and an outcome comes after the decision that it is of. */
export class RecordOrder {
  readonly #seen = new Map<string, { index: number; kind: LogRecord['kind'] }>();
  readonly counts: Record<LogRecord['kind'], number> = { decision: 0, outcome: 0, event: 0 };

  /** Why the record cannot stand at `index`, in words that follow `record N`; `null` when it can. */
  add(index: number, record: LogRecord): string | null {
    const same = this.#seen.get(record.id);
    if (same !== undefined) return `has the id \`${record.id}\` of record ${same.index}`;
    if (record.kind === 'outcome' && this.#seen.get(record.decision)?.kind !== 'decision') {
      return `is the outcome of \`${record.decision}\`, which is no earlier decision`;
    }
    this.#seen.set(record.id, { index, kind: record.kind });
    this.counts[record.kind] += 1;
    return null;
  }
}
