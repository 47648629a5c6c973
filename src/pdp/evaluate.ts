import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { mayAnswer } from '../core/approval.ts';
import type { Decision, DecisionInput, GivenApproval, Reason } from '../core/decision.ts';
import { CannotMap } from './cedar-value.ts';
import type { Policy, PolicySet } from './policy-set.ts';
import { cedarRequest, type CedarRequest } from './request.ts';

/** What policy says of one principal and one resource. */
type Verdict = {
  outcome: 'permit' | 'deny' | 'hold';
  determining: Policy[];
  /** For `hold`, and for a permit that an approval lifted. */
  held: Policy[];
  observed: Policy[];
  error?: string;
};

/**
 * The three-valued meaning of a policy set, by Cedar.
 *
 * One call tells whether all enforced policies allow. Where they do not, and every forbid that applied is one that an
 * approval may lift, a second call without those tells what would be left: a hold is never given for what no permit
 * would allow afterwards. Observed policies are evaluated apart.
 */
export class Evaluator {
  readonly #set: PolicySet;
  /** All that is enforced. */
  readonly #enforced: string;
  /** Of that, what no approval can lift. */
  readonly #firm: string;
  readonly #firmTexts: Record<string, string>;
  /** `null` when nothing is only observed, which spares the call. */
  readonly #observed: string | null;

  constructor(set: PolicySet) {
    this.#set = set;
    const policies = [...set.policies.values()];
    const enforced = policies.filter((policy) => !policy.observe);
    const observed = policies.filter((policy) => policy.observe);
    this.#enforced = prepare(`${set.hash}/enforced`, texts(enforced));
    this.#firmTexts = texts(enforced.filter((policy) => policy.approval === undefined));
    this.#firm = prepare(`${set.hash}/firm`, this.#firmTexts);
    this.#observed = observed.length === 0 ? null : prepare(`${set.hash}/observed`, texts(observed));
  }

  /** Policy's decision. INVARIANT 4: any failure or evaluation error denies. */
  decide(input: DecisionInput): Decision {
    let request: CedarRequest;
    try {
      request = cedarRequest(input);
    } catch (error) {
      if (error instanceof CannotMap) return this.#decision([{ ...DENIED, error: error.message }], null);
      throw error;
    }
    if (request.principals.length === 0) {
      return this.#decision([{ ...DENIED, error: 'neither an agent nor a person is known' }], null);
    }
    const verdicts = request.principals.flatMap((principal) =>
      request.resources.map((resource) => this.#evaluate(request, principal, resource, input.approval)),
    );
    return this.#decision(verdicts, input.approval);
  }

  /** Whether some call of this operation, on some resource and with some arguments, could be permitted or held. */
  couldPermit(input: DecisionInput): boolean {
    const request = cedarRequest(input);
    return (
      request.principals.length > 0 &&
      request.principals.every((principal) => {
        const answer = cedar.isAuthorizedPartial({
          principal,
          action: request.action,
          resource: null,
          context: { ...request.context, args: { __extn: { fn: 'unknown', arg: 'args' } } },
          policies: { staticPolicies: this.#firmTexts },
          entities: request.entities,
        });
        return answer.type === 'residuals' && answer.response.decision !== 'deny';
      })
    );
  }

  #evaluate(
    request: CedarRequest,
    principal: cedar.TypeAndId,
    resource: cedar.TypeAndId,
    approval: GivenApproval | null,
  ): Verdict {
    const { action, context, entities } = request;
    const call = (preparsedPolicySetId: string) =>
      this.#ask({ principal, action, resource, context, entities, preparsedPolicySetId });
    const observed = this.#observed === null ? [] : call(this.#observed).determining;
    const enforced = call(this.#enforced);
    const base = { determining: enforced.determining, held: [], observed };
    if (enforced.error !== undefined) return { ...base, outcome: 'deny', error: enforced.error };
    if (enforced.allowed) return { ...base, outcome: 'permit' };
    const held = enforced.determining;
    if (held.length === 0 || held.some((policy) => policy.approval === undefined)) return { ...base, outcome: 'deny' };
    const firm = call(this.#firm);
    if (firm.error !== undefined) return { ...base, outcome: 'deny', error: firm.error };
    if (!firm.allowed) return { ...base, determining: firm.determining, outcome: 'deny' };
    const lifted = approval !== null && held.every((policy) => isLifted(policy, approval));
    return { determining: firm.determining, held, observed, outcome: lifted ? 'permit' : 'hold' };
  }

  #ask(call: cedar.StatefulAuthorizationCall): { allowed: boolean; determining: Policy[]; error?: string } {
    const answer = cedar.statefulIsAuthorized(call);
    if (answer.type === 'failure') {
      return { allowed: false, determining: [], error: answer.errors[0]?.message ?? 'the request cannot be evaluated' };
    }
    const { decision, diagnostics } = answer.response;
    // Cedar promises no order; a record is the same for the same decision.
    const determining = diagnostics.reason.toSorted().flatMap((id) => this.#set.policies.get(id) ?? []);
    const failed = diagnostics.errors[0];
    // Cedar skips a policy that errs, so an erring `forbid` would let the action through.
    if (failed !== undefined) {
      return { allowed: false, determining, error: `policy \`${failed.policyId}\` failed: ${failed.error.message}` };
    }
    return { allowed: decision === 'allow', determining };
  }

  #decision(verdicts: readonly Verdict[], approval: GivenApproval | null): Decision {
    const denied = verdicts.find((verdict) => verdict.outcome === 'deny');
    const holding = verdicts.filter((verdict) => verdict.outcome === 'hold');
    const decisive = denied !== undefined ? [denied] : holding.length > 0 ? holding : verdicts;
    const outcome = denied !== undefined ? 'deny' : holding.length > 0 ? 'hold' : 'permit';
    const held = unique(decisive.flatMap((verdict) => verdict.held));
    const determining = outcome === 'hold' ? held : unique([...decisive.flatMap((v) => v.determining), ...held]);
    return {
      outcome,
      reasons: denied !== undefined ? denyReasons(denied) : outcome === 'hold' ? held.map(holdReason) : PERMITTED,
      policies: determining.map((policy) => policy.id),
      policySet: this.#set.hash,
      controls: [...new Set(determining.flatMap((policy) => policy.controls))],
      approvers: outcome === 'hold' ? [...new Set(held.map((policy) => policy.approval!))] : [],
      observed: unique(verdicts.flatMap((verdict) => verdict.observed)).map((policy) => policy.id),
      liftedByApproval: outcome === 'permit' && approval !== null ? held.map((policy) => policy.id) : [],
    };
  }
}

const DENIED: Verdict = { outcome: 'deny', determining: [], held: [], observed: [] };

const PERMITTED: Reason[] = [{ code: 'policy_permits', message: 'policy permits this action' }];

function denyReasons(verdict: Verdict): Reason[] {
  if (verdict.error !== undefined) {
    return [{ code: 'policy_error', message: verdict.error, next: 'ask an operator to look at the policy set' }];
  }
  if (verdict.determining.length === 0) {
    return [{ code: 'no_policy', message: 'no policy permits this action', next: 'ask for a policy that permits it' }];
  }
  return verdict.determining.map((policy) => ({
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

function unique(policies: Policy[]): Policy[] {
  return [...new Set(policies)];
}

function texts(policies: Policy[]): Record<string, string> {
  return Object.fromEntries(policies.map((policy) => [policy.id, policy.text]));
}

/** Hands the part to Cedar under a name of its own, so that it is parsed once. */
function prepare(id: string, staticPolicies: Record<string, string>): string {
  const answer = cedar.preparsePolicySet(id, { staticPolicies });
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the policy set cannot be prepared');
  return id;
}
