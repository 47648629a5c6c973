import type { MintConfig } from '../config/mint.ts';
import type { Action } from '../core/action.ts';
import type { TaskView } from '../core/decision.ts';
import type { JsonValue } from '../core/json.ts';
import type { Lease } from '../core/lease.ts';
import { delegatorId } from '../core/party.ts';
import { askedFor } from './template.ts';

/** A call that mints, on its way: the lease that it may bring, and what the target file says of it, if it does. */
export type Intended = { lease: Lease; mint: MintConfig | null };

export type Intending = {
  action: Action;
  /** The acting task first. */
  chain: readonly TaskView[];
  /** Id of the record of the permit. */
  decision: string;
  newId: () => string;
  now: number;
};

/** What may come to exist by an action, before it is done; `null` for one that mints nothing. */
export function intend(mint: MintConfig | undefined, intending: Intending): Intended | null {
  const { action, chain, decision, newId, now } = intending;
  const task = chain[0]?.task;
  if (task === undefined || (mint === undefined && action.effect !== 'mint')) return null;
  return {
    mint: mint ?? null,
    lease: {
      id: newId(),
      task: task.id,
      agent: task.agent.id,
      delegator: delegatorId(task.delegator),
      target: action.target,
      operation: action.operation,
      kind: mint?.kind ?? 'secret',
      state: 'intended',
      decision,
      usableAt: mint?.usableAt ?? [action.target],
      madeAt: now,
      identifier: null,
      expiresAt: null,
      end: { by: 'hand', step: stepInDoubt(action, mint, { decision, now }) },
      inputs: mint === undefined ? {} : askedFor(templatesOf(mint), action.arguments),
      attempts: 0,
      problem: null,
      overstaysSince: null,
      over: null,
    },
  };
}

function templatesOf({ revoke, find }: MintConfig): JsonValue[] {
  const taken = revoke.by === 'call' ? revoke.arguments : revoke.by === 'hand' ? revoke.step : revoke.why;
  return [taken, find?.arguments ?? null, find?.where ?? null];
}

/** For who has to find out what a call has made that was not answered, or not as declared. */
function stepInDoubt(
  { target, operation }: Action,
  mint: MintConfig | undefined,
  { decision, now }: { decision: string; now: number },
): string {
  const at = new Date(now).toISOString();
  const look = `look at \`${target}\` for what \`${operation}\` may have made at ${at} (record \`${decision}\`), and`;
  switch (mint?.revoke.by) {
    case undefined:
      return `${look} take it back; say under \`mints\` in its target file where it is in the answer and how it is revoked`;
    case 'call':
      return `${look} take it back as \`${mint!.revoke.operation}\` does`;
    case 'hand':
      return `${look} do this: ${mint!.revoke.step}`;
    case 'keeping':
      return `${look} see whether it is to be kept: ${mint!.revoke.why}`;
  }
}
