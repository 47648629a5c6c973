import { approvalRule, isMet } from './approval-rule.ts';
import type { Decision, DecisionInput, Reason } from './decision.ts';

/** Where people have to agree whatever policy says, because the profile of the task has it so. */
export type ApprovalPoint = {
  /** Name of the profile. */
  profile: string;
  /** As `@approval` has them (`readApprovalRule`); each must be met. */
  rules: string[];
};

/** Stands among what an approval has lifted, beside ids of policies: no policy has a space in its id. */
const LIFTED = 'profile ';

/** What policy decided, held where the point asks for more yes than there are. What policy denies stays denied. */
export function atApprovalPoint(decision: Decision, { approvalPoint, approval }: DecisionInput): Decision {
  if (approvalPoint === undefined || decision.outcome === 'deny') return decision;
  const { profile, rules } = approvalPoint;
  const met = rules.every((rule) => isMet(approvalRule(rule), approval?.approvers ?? []));
  if (met && decision.outcome === 'hold') return decision;
  if (met) return { ...decision, liftedByApproval: [...decision.liftedByApproval, `${LIFTED}${profile}`] };
  const reason: Reason = {
    code: 'approval_required',
    message: `the profile \`${profile}\` asks for an approval`,
    next: `wait for ${rules.map((rule) => `\`${rule}\``).join(' and ')} to approve, then ask again with the same request`,
  };
  return {
    ...decision,
    outcome: 'hold',
    reasons: decision.outcome === 'hold' ? [...decision.reasons, reason] : [reason],
    approvers: [...new Set([...decision.approvers, ...rules])],
    liftedByApproval: [],
  };
}
