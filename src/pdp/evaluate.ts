import { approvalRule, isMet } from '../core/approval-rule.ts';
import type { Decision, DecisionInput, GivenApproval, Reason } from '../core/decision.ts';
import { findUnmappable } from './arguments.ts';
import type { Request, Test } from './cedar/compile.ts';
import { compilePolicy } from './cedar/engine.ts';
import { uidOf } from './cedar/literal.ts';
import { ScopeIndex, type Entry } from './cedar/scope-index.ts';
import type { Scope } from './cedar/scope.ts';
import { EvaluationError, type EntityUid } from './cedar/value.ts';
import { PartialEvaluator } from './partial.ts';
import type { Policy, PolicySet } from './policy-set.ts';
import { CedarRequest } from './request.ts';
import type { Said } from './said.ts';
import type { Steps } from './steps.ts';

/** A policy of the set, ready to run: `holds` tests what finding it has not. @throws EvaluationError from `holds` */
export type Ready = { policy: Policy; scope: Scope; holds: Test };

/**
 * Policies found by their heads, apart by whether their outcome may depend on the principal: those that do not are
 * evaluated once for agent and delegator together.
 */
export type Indexes = { shared: ScopeIndex<Ready>; ofPrincipal: ScopeIndex<Ready> };

const NONE: readonly never[] = [];

/** What the policies of one evaluation say, by what follows from it. Policies that say nothing are in no list. */
class Tally {
  permits: readonly Policy[] = NONE;
  forbids: readonly Policy[] = NONE;
  /** Forbids that an approval may lift. */
  held: readonly Policy[] = NONE;
  observed: readonly Policy[] = NONE;
  problems: readonly Problem[] = NONE;

  /** One that goes on from this, which stays as it is. */
  next(): Tally {
    const next = new Tally();
    next.permits = this.permits;
    next.forbids = this.forbids;
    next.held = this.held;
    next.observed = this.observed;
    next.problems = this.problems;
    return next;
  }

  add(policy: Policy, problem: string | null): void {
    if (policy.observe) this.observed = [...this.observed, policy];
    // Cedar skips a policy that errs, so an erring `forbid` would let the action through.
    else if (problem !== null) this.problems = [...this.problems, { policy, message: problem }];
    else if (policy.effect === 'permit') this.permits = [...this.permits, policy];
    else if (policy.approval === undefined) this.forbids = [...this.forbids, policy];
    else this.held = [...this.held, policy];
  }
}

/** What policy says of one principal and one resource; both are `null` where it could not be asked. */
export type Verdict = {
  outcome: 'permit' | 'deny' | 'hold';
  principal: EntityUid | null;
  resource: EntityUid | null;
  determining: readonly Policy[];
  /** For `hold`, and for a permit that an approval lifted. */
  held: readonly Policy[];
  observed: readonly Policy[];
  problems: readonly Problem[];
};

/** A policy that could not be evaluated, or an input that policy cannot see. */
type Problem = { policy: Policy | null; message: string };

const SILENT = new Tally();

/** How many policies are compiled between two places where building may be left for other work. */
const STEP = 50;

/** @throws TypeError for a policy that is not of Cedar 4.5. */
export function* buildEvaluator(set: PolicySet): Steps<Evaluator> {
  const shared: Entry<Ready>[] = [];
  const ofPrincipal: Entry<Ready>[] = [];
  let built = 0;
  for (const policy of set.policies.values()) {
    const slots = Object.entries(policy.slots ?? {}).map(([slot, uid]) => [slot, uidOf(uid)] as const);
    const json = JSON.parse(policy.json) as Parameters<typeof compilePolicy>[0]['json'];
    const { scope, holds, usesPrincipal } = compilePolicy({ id: policy.id, json, slots: Object.fromEntries(slots) });
    (usesPrincipal ? ofPrincipal : shared).push({
      scope,
      found: (tested) => ({ policy, scope, holds: holds(tested) }),
    });
    if (++built % STEP === 0) yield;
  }
  const indexes = { shared: yield* ScopeIndex.build(shared), ofPrincipal: yield* ScopeIndex.build(ofPrincipal) };
  return new Evaluator(set, indexes);
}

/**
 * The three-valued meaning of a policy set. Each policy whose head may match is evaluated once for each resource, and
 * once more for each principal where it looks at that. A forbid with `@approval` holds only what a permit would allow
 * afterwards; observed policies decide nothing.
 */
export class Evaluator {
  readonly #set: PolicySet;
  readonly #indexes: Indexes;
  readonly #partial: PartialEvaluator;

  constructor(set: PolicySet, indexes: Indexes) {
    this.#set = set;
    this.#indexes = indexes;
    this.#partial = new PartialEvaluator(indexes);
  }

  /** Policy's decision. INVARIANT 4: any failure or evaluation error denies. */
  decide(input: DecisionInput): Decision {
    const unmappable = unmappableIn(input);
    if (unmappable !== null) return this.#decision(input, [failed(unmappable)]);
    const request = new CedarRequest(input);
    if (request.principals.length === 0) {
      return this.#decision(input, [failed('neither an agent nor a person is known')]);
    }
    return this.#decision(input, this.verdicts(request, input.approval));
  }

  /** What policy says, for each principal of each resource. */
  verdicts(request: CedarRequest, approval: GivenApproval | null): Verdict[] {
    const verdicts: Verdict[] = [];
    this.#evaluate(request, (tally, principal, resource) => {
      verdicts.push(verdictOf(tally, { principal, resource }, approval));
    });
    return verdicts;
  }

  /**
   * What each policy says in the evaluations that `decide` makes, by the same index and the same tests; `null` for an
   * input that policy is not asked about.
   */
  said(input: DecisionInput): Said[] | null {
    if (unmappableIn(input) !== null) return null;
    const request = new CedarRequest(input);
    if (request.principals.length === 0) return null;
    const said: Said[] = [];
    this.#evaluate(request, (tally) => said.push(saidBy(tally)));
    return said;
  }

  #evaluate(
    { principals, action, resources, context, entities }: CedarRequest,
    each: (tally: Tally, principal: EntityUid, resource: EntityUid) => void,
  ): void {
    const { shared, ofPrincipal } = this.#indexes;
    const [first] = principals;
    if (first === undefined) return;
    for (const resource of resources) {
      const asked: Request = { principal: first, action, resource, context, entities };
      let before = SILENT;
      let tally = before;
      const take = ({ policy, holds }: Ready) => {
        const problem = problemOf(holds, asked);
        if (problem === SAYS_NOTHING) return;
        if (tally === before) tally = before.next();
        tally.add(policy, problem);
      };
      shared.search(asked, take);
      before = tally;
      for (const principal of principals) {
        tally = before;
        asked.principal = principal;
        ofPrincipal.search(asked, take);
        each(tally, principal, resource);
      }
    }
  }

  /** The policies whose head may match; the others cannot have a say. */
  candidates(request: Request): Policy[] {
    const found: Policy[] = [];
    const take = ({ policy }: Ready) => void found.push(policy);
    this.#indexes.shared.search(request, take);
    this.#indexes.ofPrincipal.search(request, take);
    return found;
  }

  /** Whether some call of this operation, on some resource and with some arguments, could be permitted or held. */
  couldPermit(input: DecisionInput): boolean {
    return findUnmappable(input.chain[0]?.task.parameters ?? {}) === null && this.#partial.couldPermit(input);
  }

  #decision(input: DecisionInput, verdicts: readonly Verdict[]): Decision {
    let outcome: Verdict['outcome'] = 'permit';
    for (const verdict of verdicts) {
      if (verdict.outcome === 'deny' || outcome === 'permit') outcome = verdict.outcome;
      if (outcome === 'deny') break;
    }
    // The first that denies decides alone; otherwise all that hold do, or all.
    const denied = outcome === 'deny' ? verdicts.find((verdict) => verdict.outcome === 'deny') : undefined;
    const decisive = denied !== undefined ? [denied] : outcome === 'permit' ? verdicts : verdicts.filter(isHold);
    const held = union(decisive, 'held');
    const determining = outcome === 'hold' ? held : union(decisive, 'determining', held);
    const decision: Decision = {
      outcome,
      reasons:
        denied !== undefined ? denyReasons(denied, input) : outcome === 'hold' ? held.map(holdReason) : PERMITTED,
      policies: determining.map((policy) => policy.id),
      policySet: this.#set.hash,
      controls: controlsOf(determining),
      approvers: outcome === 'hold' ? [...new Set(held.map((policy) => policy.approval!))] : [],
      observed: union(verdicts, 'observed').map((policy) => policy.id),
      liftedByApproval: outcome === 'permit' && input.approval !== null ? held.map((policy) => policy.id) : [],
    };
    const maxLifetimeSeconds = outcome === 'permit' ? shortestLifetime(determining) : undefined;
    return maxLifetimeSeconds === undefined ? decision : { ...decision, obligations: { maxLifetimeSeconds } };
  }
}

function unmappableIn({ action, chain }: DecisionInput): string | null {
  return findUnmappable(action.arguments) ?? findUnmappable(chain[0]?.task.parameters ?? {});
}

function saidBy({ permits, forbids, held, observed, problems }: Tally): Said {
  const ids = (policies: readonly Policy[]) => policies.map(({ id }) => id);
  return {
    permits: ids(permits),
    forbids: ids(forbids),
    held: ids(held),
    observed: ids(observed),
    problems: problems.map(({ policy }) => policy!.id),
  };
}

const SAYS_NOTHING = Symbol('says nothing');

/** Why the policy could not be evaluated; `null` when it holds. */
function problemOf(holds: Test, request: Request): string | typeof SAYS_NOTHING | null {
  try {
    return holds(request) ? null : SAYS_NOTHING;
  } catch (error) {
    if (error instanceof EvaluationError) return error.message;
    throw error;
  }
}

function verdictOf(
  tally: Tally,
  { principal, resource }: { principal: EntityUid; resource: EntityUid },
  approval: GivenApproval | null,
): Verdict {
  const { permits, forbids, held, problems } = tally;
  const verdict: Verdict = {
    outcome: 'deny',
    principal,
    resource,
    determining: NONE,
    held: NONE,
    observed: sorted(tally.observed),
    problems: NONE,
  };
  if (problems.length > 0) {
    verdict.problems = problems.toSorted((a, b) => compareIds(a.policy!, b.policy!));
    verdict.determining = verdict.problems.map(({ policy }) => policy!);
  } else if (forbids.length > 0) {
    verdict.determining = sorted([...forbids, ...held]);
  } else if (permits.length > 0) {
    const lifted = approval !== null && held.every((policy) => isLifted(policy, approval));
    verdict.outcome = held.length === 0 || lifted ? 'permit' : 'hold';
    verdict.determining = sorted(permits);
    verdict.held = sorted(held);
  }
  return verdict;
}

function isHold({ outcome }: Verdict): boolean {
  return outcome === 'hold';
}

function failed(message: string): Verdict {
  const problems = [{ policy: null, message }];
  return {
    outcome: 'deny',
    principal: null,
    resource: null,
    determining: NONE,
    held: NONE,
    observed: NONE,
    problems,
  };
}

const PERMITTED: Reason[] = [{ code: 'policy_permits', message: 'policy permits this action' }];

function denyReasons(
  { problems, determining, principal }: Verdict,
  { action, agent, delegator }: DecisionInput,
): Reason[] {
  if (problems.length > 0) {
    return problems.map(({ policy, message }) => ({
      code: 'policy_error',
      message: policy === null ? message : `policy \`${policy.id}\` failed: ${message}`,
      next:
        policy === null ? 'send arguments that policy can see exactly' : 'ask an operator to look at the policy set',
    }));
  }
  if (determining.length === 0) {
    const who = principal?.type === 'Agent' ? `agent \`${agent?.id}\`` : `delegator \`${delegator?.subject}\``;
    const where = action.resources.length === 0 ? '' : ` on \`${action.resources[0]}\``;
    return [
      {
        code: 'no_policy',
        message: `no policy permits \`${action.operation}\` (${action.effect}) at \`${action.target}\`${where} for ${who}`,
        next: 'ask for a policy that permits it',
      },
    ];
  }
  return determining.map((policy) => ({
    code: 'policy_forbids',
    message: policy.reason ?? `policy \`${policy.id}\` forbids this action`,
  }));
}

function holdReason(policy: Policy): Reason {
  return {
    code: 'approval_required',
    message: policy.reason ?? `policy \`${policy.id}\` asks for an approval`,
    next: `wait for \`${policy.approval}\` to approve, then call again with the same arguments`,
  };
}

function isLifted(policy: Policy, approval: GivenApproval): boolean {
  return isMet(approvalRule(policy.approval!), approval.approvers);
}

/** Cedar promises no order; a record is the same for the same decision. */
function sorted(policies: readonly Policy[]): readonly Policy[] {
  return policies.length < 2 ? policies : policies.toSorted(compareIds);
}

function compareIds(a: Policy, b: Policy): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function union(
  verdicts: readonly Verdict[],
  part: 'determining' | 'held' | 'observed',
  more: readonly Policy[] = NONE,
): readonly Policy[] {
  let all: readonly Policy[] = NONE;
  for (const verdict of verdicts) all = joined(all, verdict[part]);
  return joined(all, more);
}

/** Both lists, each policy once. Mostly one is empty, or they are alike. */
function joined(a: readonly Policy[], b: readonly Policy[]): readonly Policy[] {
  if (a.length === 0) return b;
  if (b.length === 0 || (a.length === 1 && b.length === 1 && a[0] === b[0])) return a;
  const more = b.filter((policy) => !a.includes(policy));
  return more.length === 0 ? a : [...a, ...more];
}

function controlsOf(policies: readonly Policy[]): string[] {
  const controls: string[] = [];
  for (const policy of policies) {
    for (const control of policy.controls) if (!controls.includes(control)) controls.push(control);
  }
  return controls;
}

/** A permit that says less cannot be widened by one that says more, or nothing. */
function shortestLifetime(policies: readonly Policy[]): number | undefined {
  let shortest: number | undefined;
  for (const { maxLifetimeSeconds: each } of policies) {
    if (each !== undefined && (shortest === undefined || each < shortest)) shortest = each;
  }
  return shortest;
}
