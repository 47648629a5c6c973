import { approvalRule, isMet } from '../core/approval-rule.ts';
import type { Decision, GivenApproval } from '../core/decision.ts';
import type { Policy } from './policy-set.ts';
import type { Said } from './said.ts';

/** A decision of policy without its words: what follows from it for the caller, the approver and the record. */
export type Ruling = Pick<Decision, 'outcome' | 'policies' | 'approvers' | 'observed' | 'liftedByApproval'>;

export const RULING = ['outcome', 'policies', 'approvers', 'observed', 'liftedByApproval'] as const;

/** The same, each member as a list of names. */
export type RulingNames = Record<(typeof RULING)[number], readonly string[]>;

type Policies = ReadonlyMap<string, Pick<Policy, 'approval'>>;
type Verdict = Pick<Ruling, 'outcome' | 'policies' | 'liftedByApproval'>;

/**
 * What follows from what was said in the evaluations of one decision, in their order. It is the meaning of `Evaluator`
 * once more, in plain words and without its code: what each says is held against the other.
 */
export function rulingOf(evaluations: readonly Said[], policies: Policies, approval: GivenApproval | null): Ruling {
  const verdicts = evaluations.map((said) => verdictOf(said, policies, approval));
  const decisive = decisiveOf(verdicts);
  const outcome = decisive[0]?.outcome ?? 'deny';
  const determining = unique(decisive.flatMap((verdict) => verdict.policies));
  return {
    outcome,
    policies: determining,
    approvers: outcome === 'hold' ? unique(determining.map((id) => policies.get(id)!.approval!)) : [],
    observed: unique(evaluations.flatMap(({ observed }) => observed)),
    liftedByApproval: unique(decisive.flatMap(({ liftedByApproval }) => liftedByApproval)),
  };
}

/** The first that denies alone; otherwise all that hold, or all. */
function decisiveOf(verdicts: readonly Verdict[]): readonly Verdict[] {
  const denying = verdicts.find(({ outcome }) => outcome === 'deny');
  if (denying !== undefined) return [denying];
  const holding = verdicts.filter(({ outcome }) => outcome === 'hold');
  return holding.length > 0 ? holding : verdicts;
}

function verdictOf(said: Said, policies: Policies, approval: GivenApproval | null): Verdict {
  const { permits, forbids, held, problems } = said;
  // INVARIANT 4: Cedar would skip what errs.
  if (problems.length > 0) return { outcome: 'deny', policies: [...problems], liftedByApproval: [] };
  if (forbids.length > 0) return { outcome: 'deny', policies: [...forbids, ...held], liftedByApproval: [] };
  if (permits.length === 0) return { outcome: 'deny', policies: [], liftedByApproval: [] };
  const lifted = held.every(
    (id) => approval !== null && isMet(approvalRule(policies.get(id)!.approval!), approval.approvers),
  );
  if (!lifted) return { outcome: 'hold', policies: [...held], liftedByApproval: [] };
  return { outcome: 'permit', policies: [...permits, ...held], liftedByApproval: [...held] };
}

export function rulingNames(ruling: Ruling): RulingNames {
  const { outcome, policies, approvers, observed, liftedByApproval } = ruling;
  return { outcome: [outcome], policies, approvers, observed, liftedByApproval };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
