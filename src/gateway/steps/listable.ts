import type { Action } from '../../core/action.ts';
import type { Effect } from '../../core/effect.ts';
import type { Sensitivity } from '../../core/sensitivity.ts';
import { suspensionOfAction } from '../../core/suspension.ts';
import type { Caller } from '../../identity/caller.ts';
import type { StepParts } from './parts.ts';

export type Listed = { name: string; effect: Effect; sensitivity: Sensitivity };

/** Whether a list may show an operation to this caller: some call of it could be permitted or held. Fails closed. */
export function listable(caller: Caller, target: string, operation: Listed, parts: StepParts): boolean {
  if (caller.taskId === null || caller.agent === null) return false;
  const action: Action = {
    target,
    operation: operation.name,
    effect: operation.effect,
    sensitivity: operation.sensitivity,
    resources: [],
    arguments: {},
    protocol: false,
    definition: 'pinned',
  };
  const chain = parts.store.chain(caller.taskId);
  const { agent, delegator } = caller;
  if (suspensionOfAction({ action, agent, delegator, chain }, parts.suspension) !== undefined) return false;
  return parts.pdp().couldPermit({
    now: parts.clock(),
    fresh: parts.fresh(),
    action,
    agent,
    delegator,
    chain,
    token: { issuedAt: caller.token.issuedAt, binding: caller.token.binding, narrowedTo: caller.grants },
    approval: null,
  });
}
