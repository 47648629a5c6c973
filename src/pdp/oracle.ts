import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { DecisionInput } from '../core/decision.ts';
import type { Answer } from './cedar/engine.ts';
import { recordToJson } from './cedar/value-json.ts';
import type { Policy, PolicySet } from './policy-set.ts';
import { CedarRequest } from './request.ts';
import type { Said } from './said.ts';

/** One evaluation as `cedar-wasm` takes it. Plain data: it may go to another thread. */
export type OracleCall = Omit<cedar.StatefulAuthorizationCall, 'preparsedPolicySetId'>;

/** The policy set as `cedar-wasm` takes it. */
export type OracleSet = Pick<cedar.PolicySet, 'staticPolicies' | 'templates' | 'templateLinks'>;

/** The evaluations that a decision stands for, in the order in which Remit makes them. @throws TypeError as valueToJson */
export function oracleCalls(input: DecisionInput): OracleCall[] {
  const { principals, action, resources, context, entities } = new CedarRequest(input);
  const shared = {
    action: { type: action.type, id: action.id },
    context: recordToJson(context),
    entities: entities.list().map(({ uid, entity }) => ({
      uid: { type: uid.type, id: uid.id },
      attrs: recordToJson(entity.attrs),
      tags: recordToJson(entity.tags),
      parents: entity.ancestors.map(({ type, id }) => ({ type, id })),
    })),
  };
  return resources.flatMap((resource) =>
    principals.map((principal) => ({
      ...shared,
      principal: { type: principal.type, id: principal.id },
      resource: { type: resource.type, id: resource.id },
    })),
  );
}

export function oracleSet({ policies }: Pick<PolicySet, 'policies'>): OracleSet {
  const all = [...policies.values()];
  const linked = all.filter((policy) => policy.slots !== undefined);
  return {
    staticPolicies: texts(all.filter((policy) => policy.slots === undefined)),
    // Each link has a copy of its template: that no id is shared matters more than the room.
    templates: Object.fromEntries(linked.map((policy) => [templateId(policy.id), policy.text])),
    templateLinks: linked.map((policy) => ({
      templateId: templateId(policy.id),
      newId: policy.id,
      values: policy.slots!,
    })),
  };
}

/** Has the set parsed once, under a name of its own. @throws Error when `cedar-wasm` refuses it. */
export function prepareOracle(name: string, set: OracleSet): void {
  const prepared = cedar.preparsePolicySet(name, set);
  if (prepared.type === 'failure') throw new Error(prepared.errors[0]?.message ?? 'the policy set cannot be prepared');
}

/** @throws Unaskable when `cedar-wasm` refuses the call. */
export function askOracle(name: string, call: OracleCall): Answer {
  const answer = cedar.statefulIsAuthorized({ ...call, preparsedPolicySetId: name });
  if (answer.type === 'failure') throw new Unaskable(answer.errors[0]?.message ?? 'the request cannot be evaluated');
  const { decision, diagnostics } = answer.response;
  return {
    allowed: decision === 'allow',
    reasons: diagnostics.reason,
    errors: diagnostics.errors.map(({ policyId, error }) => ({ policy: policyId, message: error.message })),
  };
}

/** An input, or an answer, that `cedar-wasm` cannot give: nothing is known about the decision. */
export class Unaskable extends Error {}

/** A policy set as `cedar-wasm` understands it, parsed once by it. */
export class Oracle {
  readonly #name: string;
  readonly #policies: ReadonlyMap<string, Policy>;

  /** @throws Error when `cedar-wasm` refuses the set. */
  constructor(name: string, policies: ReadonlyMap<string, Policy>) {
    this.#name = name;
    this.#policies = policies;
    // Apart, because a forbid that applies hides from Cedar's answer which permits do.
    for (const effect of EFFECTS) {
      const half = [...policies].filter(([, policy]) => policy.effect === effect);
      prepareOracle(this.#half(effect), oracleSet({ policies: new Map(half) }));
    }
  }

  /** What the policies say, one evaluation after the other. @throws Unaskable */
  *said(input: DecisionInput): Generator<Said> {
    for (const call of callsOf(input)) {
      const satisfied: string[] = [];
      const erring: string[] = [];
      for (const effect of EFFECTS) {
        const { reasons, errors } = askOracle(this.#half(effect), call);
        satisfied.push(...reasons);
        erring.push(...errors.map(({ policy }) => policy));
      }
      yield this.#sort(satisfied, erring);
    }
  }

  #half(effect: Policy['effect']): string {
    return `${this.#name} ${effect}`;
  }

  #sort(satisfied: readonly string[], erring: readonly string[]): Said {
    const said = { permits: [], forbids: [], held: [], observed: [], problems: [] } as Record<keyof Said, string[]>;
    for (const id of satisfied) said[wayOf(this.#policies.get(id)!)].push(id);
    for (const id of erring) said[this.#policies.get(id)!.observe ? 'observed' : 'problems'].push(id);
    return said;
  }
}

const EFFECTS = ['permit', 'forbid'] as const satisfies Policy['effect'][];

function wayOf({ effect, observe, approval }: Policy): keyof Said {
  if (observe) return 'observed';
  return effect === 'permit' ? 'permits' : approval === undefined ? 'forbids' : 'held';
}

function callsOf(input: DecisionInput): OracleCall[] {
  try {
    return oracleCalls(input);
  } catch (cause) {
    if (cause instanceof TypeError) throw new Unaskable(cause.message, { cause });
    throw cause;
  }
}

function templateId(link: string): string {
  return `template of ${link}`;
}

function texts(policies: readonly { id: string; text: string }[]): Record<string, string> {
  return Object.fromEntries(policies.map((policy) => [policy.id, policy.text]));
}
