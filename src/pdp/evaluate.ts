import { mayAnswer } from '../core/approval.ts';
import type { Decision, DecisionInput, GivenApproval, Reason } from '../core/decision.ts';
import { findUnmappable } from './arguments.ts';
import type { Request } from './cedar/compile.ts';
import { compilePolicy, type CompiledPolicy } from './cedar/engine.ts';
import { uidOf } from './cedar/literal.ts';
import { ScopeIndex } from './cedar/scope-index.ts';
import { EvaluationError, type EntityUid } from './cedar/value.ts';
import { PartialEvaluator } from './partial.ts';
import type { Policy, PolicySet } from './policy-set.ts';
import { CedarRequest } from './request.ts';
import type { Steps } from './steps.ts';

/** A policy of the set, ready to run. */
export class Ready {
  readonly policy: Policy;
  readonly compiled: CompiledPolicy;
  #round = 0;
  #outcome: boolean | EvaluationError = false;

  constructor(policy: Policy, compiled: CompiledPolicy) {
    this.policy = policy;
    this.compiled = compiled;
  }

  /** Within one round the principal alone differs, so a policy that does not look at it is evaluated once. */
  outcome(request: Request, round: number): boolean | EvaluationError {
    if (this.#round === round && !this.compiled.usesPrincipal) return this.#outcome;
    this.#round = round;
    try {
      return (this.#outcome = this.compiled.holds(request));
    } catch (error) {
      if (error instanceof EvaluationError) return (this.#outcome = error);
      throw error;
    }
  }
}

/** What policy says of one principal and one resource. */
type Verdict = {
  outcome: 'permit' | 'deny' | 'hold';
  principal: EntityUid | null;
  determining: readonly Policy[];
  /** For `hold`, and for a permit that an approval lifted. */
  held: readonly Policy[];
  observed: readonly Policy[];
  problems: readonly Problem[];
};

/** A policy that could not be evaluated, or an input that policy cannot see. */
type Problem = { policy: Policy | null; message: string };

const NONE: readonly never[] = [];

/** How many policies are compiled between two places where building may be left for other work. */
const STEP = 50;

/** @throws TypeError for a policy that is not of Cedar 4.5. */
export function* buildEvaluator(set: PolicySet): Steps<Evaluator> {
  const ready: Ready[] = [];
  for (const policy of set.policies.values()) {
    const slots = Object.entries(policy.slots ?? {}).map(([slot, uid]) => [slot, uidOf(uid)] as const);
    const json = JSON.parse(policy.json) as Parameters<typeof compilePolicy>[0]['json'];
    ready.push(new Ready(policy, compilePolicy({ id: policy.id, json, slots: Object.fromEntries(slots) })));
    if (ready.length % STEP === 0) yield;
  }
  const index = yield* ScopeIndex.build(ready.map((policy) => ({ policy, scope: policy.compiled.scope })));
  return new Evaluator(set, index);
}

/**
 * The three-valued meaning of a policy set. Each policy whose head may match is evaluated once for each principal and
 * resource. A forbid with `@approval` holds only what a permit would allow afterwards; observed policies decide nothing.
 */
export class Evaluator {
  readonly #set: PolicySet;
  readonly #index: ScopeIndex<Ready>;
  readonly #partial: PartialEvaluator;
  #round = 0;

  constructor(set: PolicySet, index: ScopeIndex<Ready>) {
    this.#set = set;
    this.#index = index;
    this.#partial = new PartialEvaluator(index);
  }

  /** Policy's decision. INVARIANT 4: any failure or evaluation error denies. */
  decide(input: DecisionInput): Decision {
    const unmappable = findUnmappable(input.action.arguments) ?? findUnmappable(input.chain[0]?.task.parameters ?? {});
    if (unmappable !== null) return this.#decision(input, [failed(unmappable)]);
    const request = new CedarRequest(input);
    if (request.principals.length === 0) {
      return this.#decision(input, [failed('neither an agent nor a person is known')]);
    }
    const verdicts: Verdict[] = [];
    for (const resource of request.resources) {
      this.#round += 1;
      for (const principal of request.principals) {
        const { action, context, entities } = request;
        verdicts.push(this.#evaluate({ principal, action, resource, context, entities }, input.approval));
      }
    }
    return this.#decision(input, verdicts);
  }

  /** Whether some call of this operation, on some resource and with some arguments, could be permitted or held. */
  couldPermit(input: DecisionInput): boolean {
    return findUnmappable(input.chain[0]?.task.parameters ?? {}) === null && this.#partial.couldPermit(input);
  }

  #evaluate(request: Request, approval: GivenApproval | null): Verdict {
    const candidates: Ready[] = [];
    this.#index.candidates(request, candidates);
    const permits: Policy[] = [];
    const forbids: Policy[] = [];
    const held: Policy[] = [];
    let observed: Policy[] | undefined;
    let problems: Problem[] | undefined;
    for (const ready of candidates) {
      const { policy } = ready;
      const outcome = ready.outcome(request, this.#round);
      if (outcome === false) continue;
      if (policy.observe) (observed ??= []).push(policy);
      // Cedar skips a policy that errs, so an erring `forbid` would let the action through.
      else if (outcome !== true) (problems ??= []).push({ policy, message: outcome.message });
      else if (policy.effect === 'permit') permits.push(policy);
      else (policy.approval === undefined ? forbids : held).push(policy);
    }
    const verdict: Verdict = {
      outcome: 'deny',
      principal: request.principal,
      determining: NONE,
      held: NONE,
      observed: observed ?? NONE,
      problems: problems ?? NONE,
    };
    if (problems !== undefined) {
      problems.sort((a, b) => compareIds(a.policy!, b.policy!));
      verdict.determining = problems.map(({ policy }) => policy!);
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
    return {
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
  }
}

function isHold({ outcome }: Verdict): boolean {
  return outcome === 'hold';
}

function failed(message: string): Verdict {
  const problems = [{ policy: null, message }];
  return { outcome: 'deny', principal: null, determining: NONE, held: NONE, observed: NONE, problems };
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
  return approval.approvers.some((person) => mayAnswer([policy.approval!], person));
}

/** Cedar promises no order; a record is the same for the same decision. */
function sorted(policies: Policy[]): readonly Policy[] {
  return policies.length < 2 ? policies : policies.sort(compareIds);
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
