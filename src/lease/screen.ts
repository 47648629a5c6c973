import type { FoundSecrets } from '../config/mint.ts';
import type { TaskView } from '../core/decision.ts';
import type { Action } from '../core/action.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { handleOf, idsIn, type Lease } from '../core/lease.ts';
import { delegatorId } from '../core/party.ts';
import type { EventRecord } from '../core/record.ts';
import { REDACTED } from '../core/redact.ts';
import type { LeaseStore, LogStore } from '../store/ports.ts';
import type { HeldValues } from './held-values.ts';
import type { LeaseEvent } from './lease-event.ts';
import { mapTexts, textsOf } from './map-texts.ts';
import { formsOf, mask, type Masked } from './mask.ts';
import type { ValueSeal } from './value-seal.ts';

/** Where in a text secrets are: UTF-16 offsets, `end` exclusive, and by which rule. Linear in the length of the text. */
export type FindSecrets = (
  text: string,
) => readonly { start: number; end: number; rule: string; certainty: 'certain' | 'likely' | 'possible' }[];

/** The answer to an action, before the agent sees it. */
export type Screened = { action: Action; chain: readonly TaskView[]; decision: string; mode: FoundSecrets };

export type ScreenParts = {
  store: LeaseStore & Pick<LogStore, 'append'>;
  values: HeldValues;
  seal: ValueSeal;
  findSecrets: FindSecrets;
  newLeaseId: () => string;
  clock: () => number;
  event: (name: LeaseEvent, lease: Lease, about?: JsonObject) => EventRecord;
};

/** So many are kept of one answer, each as a lease that waits; the rest is masked for good. */
const MAX_KEPT = 20;

/**
 * The answer with whatever looks like a secret replaced: by the handle of a lease that waits for a person, or by nothing
 * that leads back to it. What the agent has said itself it may hear again.
 */
export async function screen(whole: JsonValue, screened: Screened, parts: ScreenParts): Promise<JsonValue> {
  if (screened.mode === 'pass') return whole;
  const found = secretsIn(whole, screened.action.arguments, parts.findSecrets);
  if (found.size === 0) return whole;
  const task = screened.chain[0]?.task;
  const known = new Map<string, string>();
  const fresh: { value: string; lease: Lease }[] = [];
  for (const [value, rule] of found) {
    const before = task === undefined ? undefined : parts.values.find(task.id, value);
    if (before !== undefined) known.set(value, handleOf(before));
    else if (task !== undefined)
      fresh.push({ value, lease: waiting(screened, { id: parts.newLeaseId(), rule }, parts.clock()) });
  }
  const kept = screened.mode === 'hold' ? fresh.slice(0, MAX_KEPT) : [];
  if (fresh.length > 0) {
    const outcome = await keep(kept, fresh.length - kept.length, fresh[0]!.lease, parts);
    for (const { value, lease } of outcome === 'kept' ? kept : []) {
      parts.values.add(lease, value);
      known.set(value, handleOf(lease.id));
    }
  }
  // The longest first: one secret may stand within another.
  const masked: Masked[] = [...found.keys()]
    .sort((a, b) => b.length - a.length)
    .map((value) => ({ forms: formsOf(value), by: known.get(value) ?? REDACTED }));
  return mapTexts(whole, (text) => mask(text, masked));
}

async function keep(
  kept: readonly { value: string; lease: Lease }[],
  more: number,
  about: Lease,
  { store, seal, event }: ScreenParts,
): Promise<'kept' | 'task_ended'> {
  const records = kept.map(({ lease }) => event('lease.found', lease, { kept: true }));
  // Not each by itself: an answer may be full of them.
  if (more > 0) records.push(event('lease.found', { ...about, id: '' }, { kept: false, count: more }));
  const sealed = kept.map(async ({ value, lease }) => ({ lease, sealed: await seal.seal(lease.id, value) }));
  return store.keepFound(await Promise.all(sealed), records);
}

/** Values, each with the rule that found it. Of the whole answer as well: a name beside it may be what tells. */
function secretsIn(whole: JsonValue, said: JsonObject, findSecrets: FindSecrets): Map<string, string> {
  const found = new Map<string, string>();
  const look = (text: string, read: (slice: string) => string) => {
    for (const { start, end, rule, certainty } of findSecrets(text)) {
      const value = read(text.slice(start, end));
      if (certainty === 'possible' || value === '' || idsIn(value).length > 0 || heard.includes(value)) continue;
      found.set(value, rule);
    }
  };
  const heard = [...textsOf(said)].join('\n');
  for (const text of textsOf(whole)) look(text, (slice) => slice);
  look(JSON.stringify(whole), fromJson);
  return found;
}

function fromJson(slice: string): string {
  try {
    return String(JSON.parse(`"${slice}"`));
  } catch {
    return slice;
  }
}

function waiting(
  { action, chain, decision }: Screened,
  { id, rule }: { id: string; rule: string },
  now: number,
): Lease {
  const { task } = chain[0]!;
  return {
    id,
    task: task.id,
    agent: task.agent.id,
    delegator: delegatorId(task.delegator),
    target: action.target,
    operation: action.operation,
    kind: 'found',
    state: 'waiting',
    decision,
    usableAt: [action.target],
    madeAt: now,
    identifier: null,
    expiresAt: null,
    end: { by: 'forgetting' },
    inputs: {},
    attempts: 0,
    problem: `found by the rule \`${rule}\``,
    overstaysSince: null,
    over: null,
  };
}
