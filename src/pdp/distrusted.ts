import { deny } from '../core/decide.ts';
import type { DecisionInput, EvaluatePolicy, Reason } from '../core/decision.ts';
import type { Evaluator } from './evaluate.ts';
import { Oracle } from './oracle.ts';
import type { PolicySet } from './policy-set.ts';
import { rulingOf } from './ruling.ts';

const DISTRUSTED: Reason = {
  code: 'policy_set_distrusted',
  message:
    'the policy set in force is distrusted, because its policies were evaluated otherwise than Cedar says; ' +
    'ask an operator to publish another policy set or to roll back',
  next: 'see `remit policy status`',
};

/** What leads out of the distrust, shows why it is, or only takes authority away. */
const WAY_OUT = new Set([
  'policy.publish',
  'policy.rollback',
  'policy.read',
  'log.read',
  'task.revoke',
  'access.read',
  'access.stop',
  'access.suspend',
]);

/**
 * Policy's decision where the set is distrusted: everything is denied, but what leads out. That is decided by Remit's
 * engine and by `cedar-wasm`, here and now, and permitted when both permit it: either alone may be the one at fault.
 */
export function decideDistrusted(set: PolicySet, evaluator: Pick<Evaluator, 'decide'>): EvaluatePolicy {
  // Mostly nobody asks, so it is made when somebody does.
  let oracle: Oracle | undefined;
  const oraclePermits = (input: DecisionInput): boolean => {
    try {
      oracle ??= new Oracle(`distrusted ${set.hash}`, set.policies);
      return rulingOf([...oracle.said(input)], set.policies, input.approval).outcome === 'permit';
    } catch {
      // INVARIANT 4: an engine that cannot say permits nothing. The policy folder and a restart are the way out then.
      return false;
    }
  };
  return (input) => {
    if (!leadsOut(input)) return deny(DISTRUSTED, set.hash);
    const decision = evaluator.decide(input);
    if (decision.outcome === 'deny') return decision;
    return decision.outcome === 'permit' && oraclePermits(input) ? decision : deny(DISTRUSTED, set.hash);
  };
}

function leadsOut({ action, chain, agent }: DecisionInput): boolean {
  if (action.target !== 'remit') return false;
  if (WAY_OUT.has(action.operation)) return true;
  // A person needs a token to ask for any of it, and this one is for Remit's own API alone.
  return action.operation === 'token.issue' && chain.length === 0 && agent === null;
}
