import type { Sha256Hex } from '../core/action.ts';
import type { LogRecord } from '../core/record.ts';
import { governedCalls } from './governed-call.ts';
import type { Mapping } from './mapping.ts';
import { compare, type Comparison, type Finding } from './match.ts';
import type { TargetEvent } from './target-event.ts';

/** `from` and `to`: what lies outside is compared, and no finding is made of it. Milliseconds since the epoch. */
export type Window = { from: number; to: number };

export type Reconciled = Comparison & { events: number; permits: number };

/** Compares what a target says was done with what Remit recorded. */
export function reconcile(
  given: {
    target: string;
    events: readonly TargetEvent[];
    records: Iterable<LogRecord>;
    mapping: Mapping;
    window: Window;
  },
  sha256: Sha256Hex,
): Reconciled {
  const { events, mapping, window } = given;
  const calls = governedCalls(given.records, given.target, sha256);
  const compared = compare(events, calls, {
    skewMs: mapping.skew_seconds * 1000,
    credentials: mapping.credential === undefined ? null : new Set(mapping.credential.is),
    sources: mapping.source === undefined ? null : new Set(mapping.source.is),
    logs: new Set(mapping.logs),
  });
  const inside = ({ event, call }: Finding) => {
    const time = event?.time ?? call?.time ?? 0;
    return time >= window.from && time <= window.to;
  };
  return {
    ...compared,
    findings: compared.findings.filter(inside),
    events: events.length,
    permits: calls.filter(({ outcome }) => outcome === 'permit').length,
  };
}
