import type { ApprovalPoint } from './approval-point.ts';
import type { Action, Undescribed } from './action.ts';
import type { Used } from './budget.ts';
import type { Grant } from './grant.ts';
import type { Agent, Delegator } from './party.ts';
import type { Suspension } from './suspension.ts';
import type { Task } from './task.ts';
import type { DoneByOperation } from './trail.ts';

export type DecisionOutcome = 'permit' | 'deny' | 'hold';

/** Why a decision came out as it did, for a program (`code`), and for a person or a model (`message`, `next`). */
export type Reason = {
  code:
    | 'stale_view'
    | 'suspended'
    | 'unknown_operation'
    | 'quarantined_operation'
    | Undescribed['code']
    | 'task_not_live'
    | 'agent_not_active'
    | 'outside_grant'
    | 'lease_not_usable'
    | 'over_sensitivity'
    | 'over_budget'
    | 'uncountable_amount'
    | 'no_policy'
    | 'policy_forbids'
    | 'policy_error'
    | 'policy_set_distrusted'
    | 'approval_required'
    | 'policy_permits';
  message: string;
  /** What would help. Absent when nothing would. */
  next?: string;
};

export type Decision = {
  outcome: DecisionOutcome;
  reasons: Reason[];
  /** Ids of the policies that determined the outcome. */
  policies: string[];
  /** `sha256:` digest of the policy set that decided. */
  policySet: string;
  /** `@control` ids of the determining policies. */
  controls: string[];
  /** For `hold`: who must say yes, one entry for each `@approval` that applied; each must be satisfied. */
  approvers: string[];
  /** Ids of `@observe` policies that would have applied. Never enforced. */
  observed: string[];
  /** For `permit`: the policies that only an approval lifted, so the approval is spent by this action. */
  liftedByApproval: string[];
  /** For `permit`: what whoever carries the action out has to keep to. Absent when there is nothing. */
  obligations?: Obligations;
};

/** What a permit obliges to (XACML 3.0, section 7.18). */
export type Obligations = {
  /** Seconds that the token which is issued may live at most: the least that any determining policy says. */
  maxLifetimeSeconds: number;
};

/** An answered approval for exactly this action. */
export type GivenApproval = { id: string; approvers: Delegator[] };

/** Everything that one decision looks at. Nothing else may influence it (invariants 2 and 4). */
export type DecisionInput = {
  /** Milliseconds since the epoch. */
  now: number;
  /** INVARIANT 9: whether this node can show that its view is fresh. */
  fresh: boolean;
  action: Action;
  /** Who acts. `null` when a person acts at Remit's own API without an agent. */
  agent: Agent | null;
  delegator: Delegator | null;
  /**
   * The acting task first, the root task last. Empty only for Remit's own operations (`action.target` is `remit`),
   * which people and agents perform on their own authority and policy alone decides.
   */
  chain: readonly TaskView[];
  token: TokenFacts | null;
  approval: GivenApproval | null;
  /** Where people have to agree whatever policy says. Absent: nowhere. */
  approvalPoint?: ApprovalPoint;
  /** What the action falls under that may do nothing now. Absent where nothing is suspended. */
  suspended?: Suspension;
};

/** What the access token adds: how old it is, how it is bound, and what it was narrowed to (RFC 9396). */
export type TokenFacts = { issuedAt: number; binding: 'dpop' | 'mtls'; narrowedTo: Grant[] };

export type TaskView = {
  task: Task;
  used: Used;
  /**
   * Of what the task, and all that belongs with it, was given and has read: where it is from, how sensitive it is. Of the acting
   * task alone; absent for none.
   */
  labels?: readonly string[];
  /** What it has done. Of the acting task alone; absent for nothing. */
  done?: DoneByOperation;
};

/** The policy engine's part. Implemented in `pdp/`; a value, never an exception. */
export type EvaluatePolicy = (input: DecisionInput) => Decision;
