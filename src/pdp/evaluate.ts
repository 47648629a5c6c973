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

/** A policy of the set, ready to run. */
export type Ready = { policy: Policy; compiled: CompiledPolicy };

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

/** How many policies are compiled between two places where `buildEvaluator` may be left for other work. */
const SLICE = 50;

/**
 * Builds the evaluator of a set, a slice at a time: the caller may do something else at each `yield`.
 *
 * @throws TypeError for a policy that is not of Cedar 4.5.
 */
export function* buildEvaluator(set: PolicySet): Generator<void, Evaluator> {
  const ready: Ready[] = [];
  for (const policy of set.policies.values()) {
    const slots = Object.entries(policy.slots ?? {}).map(([slot, uid]) => [slot, uidOf(uid)] as const);
    const json = JSON.parse(policy.json) as Parameters<typeof compilePolicy>[0]['json'];
    ready.push({ policy, compiled: compilePolicy({ id: policy.id, json, slots: Object.fromEntries(slots) }) });
    if (ready.length % SLICE === 0) yield;
  }
  const evaluator = new Evaluator(set, ready);
  yield;
  return evaluator;
}

/**
 * The three-valued meaning of a policy set. Each policy whose head may match is evaluated once for each principal and
 * resource. A forbid with `@approval` holds only what a permit would allow afterwards; observed policies decide nothing.
 */
export class Evaluator {
  readonly #set: PolicySet;
  readonly #index: ScopeIndex<Ready>;
  readonly #partial: PartialEvaluator;

  constructor(set: PolicySet, ready: readonly Ready[]) {
    this.#set = set;
    this.#index = new ScopeIndex(ready.map((policy) => ({ policy, scope: policy.compiled.scope })));
    this.#partial = new PartialEvaluator(ready);
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
    for (const principal of request.principals) {
      for (const resource of request.resources) {
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
    for (const { policy, compiled } of candidates) {
      try {
        if (!compiled.holds(request)) continue;
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        // Cedar skips a policy that errs, so an erring `forbid` would let the action through.
        if (!policy.observe) {
          (problems ??= []).push({ policy, message: `policy \`${policy.id}\` failed: ${error.message}` });
          continue;
        }
      }
      if (policy.observe) (observed ??= []).push(policy);
      else if (policy.effect === 'permit') permits.push(policy);
      else if (policy.approval === undefined) forbids.push(policy);
      else held.push(policy);
    }
    const verdict = {
      principal: request.principal,
      held: NONE,
      observed: observed ?? NONE,
      problems: problems ?? NONE,
    };
    if (problems !== undefined) {
      problems.sort((a, b) => compareIds(a.policy!, b.policy!));
      return { ...verdict, outcome: 'deny', determining: problems.map(({ policy }) => policy!) };
    }
    if (forbids.length > 0) return { ...verdict, outcome: 'deny', determining: sorted([...forbids, ...held]) };
    if (permits.length === 0) return { ...verdict, outcome: 'deny', determining: NONE };
    const determining = sorted(permits);
    if (held.length === 0) return { ...verdict, outcome: 'permit', determining };
    const lifted = approval !== null && held.every((policy) => isLifted(policy, approval));
    return { ...verdict, outcome: lifted ? 'permit' : 'hold', determining, held: sorted(held) };
  }

  #decision(input: DecisionInput, verdicts: readonly Verdict[]): Decision {
    const denied = verdicts.find((verdict) => verdict.outcome === 'deny');
    const holding = verdicts.filter((verdict) => verdict.outcome === 'hold');
    const decisive = denied !== undefined ? [denied] : holding.length > 0 ? holding : verdicts;
    const outcome = denied !== undefined ? 'deny' : holding.length > 0 ? 'hold' : 'permit';
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
      message,
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
  let first = more;
  let all: Set<Policy> | undefined;
  for (let place = verdicts.length - 1; place >= 0; place--) {
    const next = verdicts[place]![part];
    if (next.length === 0) continue;
    if (first.length === 0) first = next;
    else all ??= new Set();
  }
  if (all === undefined) return first;
  for (const verdict of verdicts) for (const policy of verdict[part]) all.add(policy);
  for (const policy of more) all.add(policy);
  return [...all];
}

function controlsOf(policies: readonly Policy[]): string[] {
  if (policies.every((policy) => policy.controls.length === 0)) return [];
  return [...new Set(policies.flatMap((policy) => policy.controls))];
}
