import type { GovernedCall } from './governed-call.ts';
import type { TargetEvent } from './target-event.ts';

/**
 * What does not agree.
 * - `bypass`: an effect with no record: somebody used the credential around Remit.
 * - `no_effect`: the target answered that it was done, and its log has nothing of it.
 * - `other_principal`: the credential came from elsewhere, or another credential spoke in a record's name.
 * - `not_permitted`: an effect whose record denies it or holds it.
 * - `differs`: an effect that names its record, which is of another operation or another time.
 */
export type Finding = {
  kind: 'bypass' | 'no_effect' | 'other_principal' | 'not_permitted' | 'differs';
  why: string;
  event: TargetEvent | null;
  call: GovernedCall | null;
};

export type Comparison = {
  findings: Finding[];
  /** Pairs of an event and the record that it is of. */
  matched: number;
  /** Of events: the same one again, such as the target refused, and such of credentials that are not Remit's. */
  duplicates: number;
  refused: number;
  others: number;
};

export type MatchRules = {
  skewMs: number;
  /** The credentials of Remit, as the target calls them; `null` where its log does not say. */
  credentials: ReadonlySet<string> | null;
  sources: ReadonlySet<string> | null;
  /** Effects that the target logs. */
  logs: ReadonlySet<string>;
};

/**
 * Compares a target's events with the records, one to one. An event that names its record, or carries its `traceparent`, is
 * of that record and no other. The others are paired by operation, resource and time, as many as can be: so where one of either
 * side is missing, one of the other side is left over, whatever the order.
 */
export function compare(events: readonly TargetEvent[], calls: readonly GovernedCall[], rules: MatchRules): Comparison {
  const counts = { matched: 0, duplicates: 0, refused: 0, others: 0 };
  const findings: Finding[] = [];
  const find = (kind: Finding['kind'], why: string, event: TargetEvent | null, call: GovernedCall | null) =>
    findings.push({ kind, why, event, call });
  const index = indexOf(calls);
  const free = new Set(calls);
  const seen = new Set<string>();
  const unnamed: TargetEvent[] = [];

  for (const event of events) {
    if (event.id !== null && seen.has(event.id)) {
      counts.duplicates++;
      continue;
    }
    if (event.id !== null) seen.add(event.id);
    if (event.refused) {
      counts.refused++;
      continue;
    }
    const named = callOf(event, index);
    const ours = rules.credentials === null || (event.credential !== null && rules.credentials.has(event.credential));
    if (!ours && named === undefined) {
      counts.others++;
      continue;
    }
    // What a task has minted is used through Remit under its own name, so such a record may be of another credential.
    if (!ours && named?.withLease !== true) {
      find('other_principal', 'another credential spoke in the name of this record', event, named ?? null);
      continue;
    }
    if (rules.sources !== null && (event.source === null || !rules.sources.has(event.source))) {
      find('other_principal', 'the credential was used from elsewhere', event, named ?? null);
      continue;
    }
    if (named === undefined) {
      if (namesAnything(event)) find('bypass', 'it names a record or trace that Remit does not have', event, null);
      else unnamed.push(event);
    } else if (named.outcome !== 'permit') {
      find('not_permitted', `its record says ${named.outcome}`, event, named);
    } else if (named.nothingDone) {
      free.delete(named);
      find('differs', 'its record says that nothing was done', event, named);
    } else if (!free.delete(named)) {
      find('bypass', 'its record has had its effect already', event, named);
    } else {
      const difference = differenceOf(event, named, rules.skewMs);
      if (difference === null) counts.matched++;
      else find('differs', difference, event, named);
    }
  }

  const left = pair(unnamed, free, rules.skewMs);
  counts.matched += unnamed.length - left.length;
  for (const event of left) find('bypass', 'no record permits it', event, null);
  for (const call of free) {
    if (call.outcome === 'permit' && call.status === 'ok' && rules.logs.has(call.effect))
      find('no_effect', 'the target said that it was done, and has logged nothing of it', null, call);
  }
  findings.sort((one, other) => timeOf(one) - timeOf(other));
  return { findings, ...counts };
}

const timeOf = ({ event, call }: Finding) => event?.time ?? call?.time ?? 0;

type Index = {
  records: Map<string, GovernedCall>;
  parents: Map<string, GovernedCall>;
  traces: Map<string, GovernedCall>;
};

function indexOf(calls: readonly GovernedCall[]): Index {
  return {
    records: new Map(calls.map((call) => [call.record, call])),
    parents: new Map(calls.map((call) => [call.parentId, call])),
    traces: new Map(calls.map((call) => [call.traceId, call])),
  };
}

/** The record that an event names: itself, by the parent id that Remit gave the call, or by the trace that began with it. */
function callOf({ record, trace }: TargetEvent, index: Index): GovernedCall | undefined {
  if (record !== null) return index.records.get(record);
  if (trace === null) return undefined;
  return index.parents.get(trace.parentId) ?? index.traces.get(trace.traceId);
}

function namesAnything({ record, trace }: TargetEvent): boolean {
  return record !== null || trace !== null;
}

function differenceOf(event: TargetEvent, call: GovernedCall, skewMs: number): string | null {
  if (event.operation !== null && event.operation !== call.operation)
    return `the target did \`${event.operation}\`, the record permits \`${call.operation}\``;
  if (event.resource !== null && call.resources.length > 0 && !call.resources.includes(event.resource))
    return `the target did it to \`${event.resource}\`, the record permits \`${call.resources.join('`, `')}\``;
  if (!isWithin(event.time, call, skewMs)) return 'it happened at another time than was recorded';
  return null;
}

function isWithin(time: number, call: GovernedCall, skewMs: number): boolean {
  return time >= call.time - skewMs && time <= call.until + skewMs;
}

/** Permits of one kind, by when they ended; those before `head` are taken or too old for every event to come. */
type Group = { permits: GovernedCall[]; head: number };

/**
 * Pairs events that name no record with permits of the same operation and resource whose time holds theirs, as many as there can be:
 * by ascending time, each takes the permit that ends first. Takes the permits out of `free`; returns what is left over.
 */
function pair(events: readonly TargetEvent[], free: Set<GovernedCall>, skewMs: number): TargetEvent[] {
  const groups = new Map<string, Group>();
  for (const call of [...free].sort((one, other) => one.until - other.until || one.time - other.time)) {
    if (call.outcome !== 'permit' || call.nothingDone) continue;
    for (const key of groupsOf(call)) {
      const group = groups.get(key) ?? { permits: [], head: 0 };
      group.permits.push(call);
      groups.set(key, group);
    }
  }
  return [...events]
    .sort((one, other) => one.time - other.time)
    .filter((event) => {
      const call =
        takeFrom(groups.get(groupKey(event.operation, event.resource)), event.time, free, skewMs) ??
        takeFrom(groups.get(groupKey(event.operation, ANY)), event.time, free, skewMs);
      if (call === undefined) return true;
      free.delete(call);
      return false;
    });
}

const groupKey = (operation: string | null, resource: string | null) => JSON.stringify([operation, resource]);

/** The group of records that name no resource: an event of any may be theirs. No resource has this name. */
const ANY = '*';

/** An event may say neither its operation nor its resource. */
function groupsOf({ operation, resources }: GovernedCall): string[] {
  const of = resources.length === 0 ? [ANY] : resources;
  return [operation, null].flatMap((name) => [null, ...of].map((resource) => groupKey(name, resource)));
}

function takeFrom(
  group: Group | undefined,
  time: number,
  free: Set<GovernedCall>,
  skewMs: number,
): GovernedCall | undefined {
  if (group === undefined) return undefined;
  const { permits } = group;
  while (group.head < permits.length) {
    const first = permits[group.head]!;
    if (free.has(first) && first.until + skewMs >= time) break;
    group.head++;
  }
  for (let at = group.head; at < permits.length; at++) {
    const call = permits[at]!;
    if (free.has(call) && isWithin(time, call, skewMs)) return call;
  }
  return undefined;
}
