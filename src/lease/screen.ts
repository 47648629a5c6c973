import { setImmediate } from 'node:timers/promises';
import type { FoundSecrets } from '../config/mint.ts';
import type { TaskView } from '../core/decision.ts';
import type { Action } from '../core/action.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { handleOf, idsIn, type Lease } from '../core/lease.ts';
import { delegatorId } from '../core/party.ts';
import type { EventRecord } from '../core/record.ts';
import { REDACTED } from '../core/redact.ts';
import { findSecretFields } from '../secrets/find-secret-fields.ts';
import type { FoundSecret } from '../secrets/found.ts';
import type { LeaseStore, LogStore } from '../store/ports.ts';
import type { HeldValues } from './held-values.ts';
import type { LeaseEvent } from './lease-event.ts';
import { mapTexts, namedTexts, textsOf } from './map-texts.ts';
import { mask, masked, MIN_LOOKED_FOR } from './mask.ts';
import type { ValueSeal } from './value-seal.ts';

/** The answer to an action, before the agent sees it. */
export type Screened = { action: Action; chain: readonly TaskView[]; decision: string; mode: FoundSecrets };

export type ScreenParts = {
  store: LeaseStore & Pick<LogStore, 'append'>;
  values: HeldValues;
  seal: ValueSeal;
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
  const found = await secretsIn(whole, screened.action.arguments);
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
  const sought = [...found.keys()]
    .sort((a, b) => b.length - a.length)
    .map((value) => masked(value, known.get(value) ?? REDACTED));
  return mapTexts(whole, (text) => mask(text, sought));
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
  const sealed = kept.map(({ value, lease }) => ({ lease, sealed: seal.seal(lease.id, value) }));
  return store.keepFound(sealed, records);
}

/** More text than this is looked into in pieces, and others get their turn in between. */
const AT_ONCE = 64 * 1024;
/** What looking into a text costs beside its length, in characters. */
const PER_TEXT = 32;

/** Values, each with the rule that found it; also of JSON that stands in a text. */
async function secretsIn(whole: JsonValue, said: JsonObject): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const heard = [...textsOf(said)].join('\n');
  const take = (value: string, { rule, certainty }: Pick<FoundSecret, 'rule' | 'certainty'>): void => {
    if (certainty === 'possible' || value.length < MIN_LOOKED_FOR) return;
    if (idsIn(value).length === 0 && !heard.includes(value)) found.set(value, rule);
  };
  const texts = [...namedTexts(whole)];
  const size = texts.reduce((sum, { text }) => sum + text.length, 0);
  if (size <= AT_ONCE) {
    for (const piece of [whole, ...texts.flatMap(({ text }) => jsonIn(text))]) {
      for (const field of findSecretFields(piece)) take(textAt(piece, field.path).slice(field.start, field.end), field);
    }
    return found;
  }
  let looked = 0;
  for (const { name, text } of texts) {
    for (const piece of piecesOf(text)) {
      for (const { start, end, ...field } of findSecretFields({ [name]: piece })) take(piece.slice(start, end), field);
      looked += piece.length + PER_TEXT;
      if (looked < AT_ONCE) continue;
      looked = 0;
      await setImmediate();
    }
  }
  return found;
}

/** Whole lines, as many as fit; of a longer line as much as fits. */
function* piecesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const line = text.length - from <= AT_ONCE ? text.length : text.lastIndexOf('\n', from + AT_ONCE) + 1;
    const to = line > from ? line : from + AT_ONCE;
    yield text.slice(from, to);
    from = to;
  }
}

function jsonIn(text: string): JsonValue[] {
  if (!/^\s*[[{]/.test(text)) return [];
  try {
    return [JSON.parse(text) as JsonValue];
  } catch {
    return [];
  }
}

function textAt(value: JsonValue, path: readonly (string | number)[]): string {
  const found = path.reduce<unknown>((place, step) => (place as Record<string | number, unknown>)[step], value);
  return typeof found === 'string' ? found : '';
}

/** A lease for something that was found, before anybody has said anything about it. */
export function waiting(
  { action, chain, decision }: Omit<Screened, 'mode'>,
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
