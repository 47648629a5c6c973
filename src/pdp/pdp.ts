import type { Sha256Hex } from '../core/action.ts';
import { decide as decideInCore, type DecideParts } from '../core/decide.ts';
import type { Decision, DecisionInput } from '../core/decision.ts';
import { couldSatisfy, type CheckArguments } from '../core/grant.ts';
import { notLive } from '../core/task.ts';
import { Evaluator } from './evaluate.ts';
import { parsePolicySet } from './policy-set.ts';

/** The policy decision point for one immutable policy set. Every decision of Remit is one call of `decide`. */
export interface Pdp {
  /** `sha256:` hash of the policy set. */
  readonly policySet: string;
  readonly files: Readonly<Record<string, string>>;
  decide(input: DecisionInput): Decision;
  /**
   * Whether some call of the operation could be permitted or held under this task, whatever its resources and
   * arguments. For lists only: what is listed is still decided when it is called.
   */
  couldPermit(input: DecisionInput): boolean;
}

/** @throws InvalidConfig for a policy set that cannot be used. */
export function createPdp(
  files: Record<string, string>,
  parts: { sha256: Sha256Hex; checkArguments: CheckArguments },
): Pdp {
  const set = parsePolicySet(files, parts.sha256);
  const evaluator = new Evaluator(set);
  const decideParts: DecideParts = {
    evaluatePolicy: (input) => evaluator.decide(input),
    checkArguments: parts.checkArguments,
    policySet: set.hash,
  };
  return {
    policySet: set.hash,
    files: set.files,
    decide: (input) => decideInCore(input, decideParts),
    couldPermit: (input) => couldBeGranted(input) && evaluator.couldPermit(input),
  };
}

function couldBeGranted({ chain, token, action, now }: DecisionInput): boolean {
  const levels = [...chain.map(({ task }) => task.grant), ...(token === null ? [] : [token.narrowedTo])];
  return (
    chain.length > 0 &&
    chain.every(({ task }) => notLive(task, now) === null) &&
    levels.every((grants) => couldSatisfy(grants, action.target, action.operation, action.effect))
  );
}
