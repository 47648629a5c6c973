import { atApprovalPoint } from './approval-point.ts';
import { drawsOf, isCounted } from './budget.ts';
import { agentObjection } from './agent.ts';
import { satisfies, type CheckArguments } from './grant.ts';
import type { Decision, DecisionInput, EvaluatePolicy, Reason } from './decision.ts';
import { leaseObjection } from './lease-use.ts';
import { sensitivityLevel } from './sensitivity.ts';
import type { SuspensionKind } from './suspension.ts';
import { notLive, outsideHours } from './task.ts';

export type DecideParts = { evaluatePolicy: EvaluatePolicy; checkArguments: CheckArguments; policySet: string };

type Check = (input: DecisionInput, parts: DecideParts) => Reason | null;

/** The checks that come before policy, in order. The first that objects denies. */
const CHECKS: readonly Check[] = [
  checkFreshness,
  checkSuspension,
  checkAgent,
  checkAuthority,
  checkLiveness,
  checkDefinition,
  checkDescription,
  checkGrants,
  leaseObjection,
  checkSensitivity,
  checkBudgets,
];

/**
 * Decides one action: freshness, suspensions, the standing of the agent, liveness, definition, the grant of every level of
 * the chain, the leases that are used, sensitivity and budget of every level, then policy. Pure: the same input gives the same decision.
 */
export function decide(input: DecisionInput, parts: DecideParts): Decision {
  for (const check of CHECKS) {
    const reason = check(input, parts);
    if (reason !== null) return deny(reason, parts.policySet);
  }
  return atApprovalPoint(parts.evaluatePolicy(input), input);
}

export function deny(reason: Reason, policySet: string): Decision {
  return {
    outcome: 'deny',
    reasons: [reason],
    policies: [],
    policySet,
    controls: [],
    approvers: [],
    observed: [],
    liftedByApproval: [],
  };
}

function checkFreshness(input: DecisionInput): Reason | null {
  if (input.fresh) return null;
  return { code: 'stale_view', message: 'this node cannot show that its view is fresh', next: 'try again shortly' };
}

/** Before liveness: tasks that ended by a suspension are denied by what ended them. */
function checkSuspension({ suspended }: DecisionInput): Reason | null {
  if (suspended === undefined) return null;
  const { kind, id, reason } = suspended;
  const what = kind === 'everything' ? 'everything is stopped' : `${SUSPENDED[kind]} \`${id}\` is suspended`;
  return { code: 'suspended', message: `${what}: ${reason}`, next: 'wait until it is resumed' };
}

const SUSPENDED: Record<Exclude<SuspensionKind, 'everything'>, string> = {
  delegator: 'the delegator',
  target: 'the target',
  trust_domain: 'the trust domain',
};

/** Whatever policy says, and at Remit's own operations too: a suspended agent neither acts nor asks. */
function checkAgent({ agent }: DecisionInput): Reason | null {
  const objection = agent === null ? null : agentObjection(agent.id, agent.state);
  return objection === null ? null : { code: 'agent_not_active', ...objection };
}

function checkDefinition({ action }: DecisionInput): Reason | null {
  switch (action.definition) {
    case 'builtin':
    case 'pinned':
      return null;
    case 'quarantined':
      return {
        code: 'quarantined_operation',
        message: `the definition of \`${action.operation}\` at \`${action.target}\` has changed and is quarantined`,
        next: 'ask an operator to review and accept the changed definition',
      };
    case 'unknown':
      return {
        code: 'unknown_operation',
        message: `\`${action.operation}\` is not a known operation of \`${action.target}\``,
        next: 'list the operations of the target and use one of them',
      };
  }
}

function checkDescription({ action }: DecisionInput): Reason | null {
  return action.undescribed ?? null;
}

/** Only Remit's own operations may be performed without a task. */
function checkAuthority(input: DecisionInput): Reason | null {
  if (input.chain.length > 0 || input.action.target === 'remit') return null;
  return { code: 'task_not_live', message: 'no task stands behind this action', next: 'request a task first' };
}

function checkLiveness({ chain, action, now }: DecisionInput): Reason | null {
  // What has ended may still be looked at, and what has not started may be ended: the store says who comes too late.
  // Only what gives authority, a token or a hop, needs a live task.
  if (action.target === 'remit' && (action.effect === 'read' || action.effect === 'write')) return null;
  for (const { task } of chain) {
    const problem = notLive(task, now);
    if (problem === null) continue;
    const shut = outsideHours(task, now) === problem;
    return {
      code: 'task_not_live',
      message: problem,
      next: shut ? 'try again within these hours' : 'request a new task',
    };
  }
  return null;
}

/** INVARIANT 3: every level must cover the action itself, so no field of a child can widen anything. */
function checkGrants({ chain, token, action }: DecisionInput, parts: DecideParts): Reason | null {
  // Remit's own operations are not granted by tasks: policy decides them, over the task where there is one.
  if (action.target === 'remit') return null;
  for (const { task } of chain) {
    const verdict = satisfies(task.grant, action, parts.checkArguments);
    if (!verdict.satisfied) return outsideGrant(verdict.problem);
  }
  // The token is one more level: it can narrow, and never stands in for the task.
  const verdict = token === null ? null : satisfies(token.narrowedTo, action, parts.checkArguments);
  return verdict === null || verdict.satisfied ? null : outsideGrant(verdict.problem);
}

function outsideGrant(message: string): Reason {
  return { code: 'outside_grant', message, next: 'ask for a task that includes it' };
}

function checkSensitivity({ chain, action }: DecisionInput): Reason | null {
  // The ceiling is for a target's data; without this, a task for public data only could not even be ended.
  if (action.target === 'remit') return null;
  const level = sensitivityLevel(action.sensitivity);
  for (const { task } of chain) {
    if (level > sensitivityLevel(task.sensitivity)) {
      return {
        code: 'over_sensitivity',
        message: `\`${action.operation}\` touches ${action.sensitivity} data; the task's ceiling is ${task.sensitivity}`,
        next: 'ask for a task with a higher sensitivity ceiling',
      };
    }
  }
  return null;
}

function checkBudgets({ chain, action }: DecisionInput): Reason | null {
  if (!isCounted(action)) return null;
  for (const { task, used } of chain) {
    if (used.calls >= task.budget.calls) {
      return {
        code: 'over_budget',
        message: `task \`${task.id}\` has used its budget of ${task.budget.calls} calls`,
        next: 'ask for a new task',
      };
    }
  }
  const drawn = drawsOf(chain, action);
  return 'problem' in drawn ? drawn.problem : null;
}
