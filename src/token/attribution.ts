import type { Action } from '../core/action.ts';
import type { TaskView } from '../core/decision.ts';
import { delegatorId } from '../core/party.ts';
import { actorOf } from './access-token.ts';
import { ATTRIBUTION_SECONDS, ATTRIBUTION_TYP } from './attribution-form.ts';
import type { TokenKey } from './signing-key.ts';

/** One governed call that is about to leave. The acting task is the first of the chain, the root the last. */
export type Attributed = { record: string; target: string; action: Action; chain: readonly TaskView[] };

/**
 * Says to a target who acts for whom, under which task, and which record permits it: a JWT for that target alone, signed with the
 * key of tokens. `jti` is the record of the decision; one call, one attribution. INVARIANT 14: arguments, tokens and
 * keys are not in it.
 */
export function attribute(
  { record, target, action, chain }: Attributed,
  parts: { key: Pick<TokenKey, 'sign'>; issuer: string; clock: () => number },
): Promise<string> {
  const acting = chain[0]?.task;
  const root = chain.at(-1)?.task;
  if (acting === undefined || root === undefined) throw new Error('a call is attributed without its task');
  const iat = Math.floor(parts.clock() / 1000);
  return parts.key.sign(ATTRIBUTION_TYP, {
    iss: parts.issuer,
    aud: target,
    jti: record,
    iat,
    exp: iat + ATTRIBUTION_SECONDS,
    sub: delegatorId(acting.delegator),
    act: actorOf(chain.map(({ task }) => task.agent))!,
    task: acting.id,
    txn: root.id,
    operation: action.operation,
    effect: action.effect,
  });
}
