import type { Sha256Hex } from '../core/action.ts';
import { decide as decideInCore, type DecideParts } from '../core/decide.ts';
import type { Decision, DecisionInput, EvaluatePolicy } from '../core/decision.ts';
import { couldSatisfy, type CheckArguments } from '../core/grant.ts';
import { notLive } from '../core/task.ts';
import type { Request } from './cedar/compile.ts';
import { decideDistrusted } from './distrusted.ts';
import { buildEvaluator, type Evaluator, type Verdict } from './evaluate.ts';
import { parsePolicySet, type Policy, type PolicySet } from './policy-set.ts';
import { CedarRequest } from './request.ts';
import type { Said } from './said.ts';
import { finish, finishInSteps } from './steps.ts';

/** The policy decision point for one immutable policy set. Every decision of Remit is one call of `decide`. */
export interface Pdp {
  /** `sha256:` hash of the policy set. */
  readonly policySet: string;
  readonly files: Readonly<Record<string, string>>;
  readonly policies: ReadonlyMap<string, Policy>;
  decide(input: DecisionInput): Decision;
  /**
   * Whether some call of the operation could be permitted or held under this task, whatever its resources and
   * arguments. For lists only: what is listed is still decided when it is called.
   */
  couldPermit(input: DecisionInput): boolean;
  /** What policy says for each resource and principal, before one decision is made of it. For explaining. */
  verdicts(input: DecisionInput): Verdict[];
  /** The policies whose head may match. For explaining. */
  candidates(request: Request): Policy[];
  /** What the policies say in the evaluations that `decide` makes; `null` for an input that policy is not asked about. */
  said(input: DecisionInput): Said[] | null;
  /** The same set once nothing is believed of it any more: it denies, but for the way out. See distrusted.ts. */
  distrusted(): Pdp;
}

export type PdpParts = { checkArguments: CheckArguments };

/** @throws InvalidConfig for a policy set that cannot be used. */
export function createPdp(files: Record<string, string>, parts: PdpParts & { sha256: Sha256Hex }): Pdp {
  const set = parsePolicySet(files, parts.sha256);
  return pdpOf(set, finish(buildEvaluator(set)), parts);
}

/** As `createPdp`, with `pause` awaited between steps of some milliseconds, so that decisions go on meanwhile. */
export async function createPdpInSteps(set: PolicySet, parts: PdpParts, pause: () => Promise<void>): Promise<Pdp> {
  return pdpOf(set, await finishInSteps(buildEvaluator(set), pause), parts);
}

export function pdpOf(set: PolicySet, evaluator: Evaluator, { checkArguments }: PdpParts): Pdp {
  const decideBy = (evaluatePolicy: EvaluatePolicy): Pdp['decide'] => {
    const decideParts: DecideParts = { evaluatePolicy, checkArguments, policySet: set.hash };
    return (input) => decideInCore(input, decideParts);
  };
  const pdp: Pdp = {
    policySet: set.hash,
    files: set.files,
    policies: set.policies,
    decide: decideBy((input) => evaluator.decide(input)),
    couldPermit: (input) => couldBeGranted(input) && evaluator.couldPermit(input),
    verdicts: (input) => evaluator.verdicts(new CedarRequest(input), input.approval),
    candidates: (request) => evaluator.candidates(request),
    said: (input) => evaluator.said(input),
    distrusted: () => {
      const distrusted: Pdp = {
        ...pdp,
        decide: decideBy(decideDistrusted(set, evaluator)),
        couldPermit: () => false,
        said: () => null,
        distrusted: () => distrusted,
      };
      return distrusted;
    },
  };
  return pdp;
}

function couldBeGranted({ chain, token, action, now }: DecisionInput): boolean {
  const levels = [...chain.map(({ task }) => task.grant), ...(token === null ? [] : [token.narrowedTo])];
  return (
    chain.length > 0 &&
    chain.every(({ task }) => notLive(task, now) === null) &&
    levels.every((grants) => couldSatisfy(grants, action.target, action.operation, action.effect))
  );
}
