import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { DecisionInput } from '../core/decision.ts';
import type { Answer } from './cedar/engine.ts';
import { recordToJson } from './cedar/value-json.ts';
import type { PolicySet } from './policy-set.ts';
import { CedarRequest } from './request.ts';

/** One evaluation as `cedar-wasm` takes it. Plain data: it may go to another thread. */
export type OracleCall = Omit<cedar.StatefulAuthorizationCall, 'preparsedPolicySetId'>;

/** The policy set as `cedar-wasm` takes it. */
export type OracleSet = Pick<cedar.PolicySet, 'staticPolicies' | 'templates' | 'templateLinks'>;

/** The evaluations that a decision stands for, in the order in which Remit makes them. */
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
  return principals.flatMap((principal) =>
    resources.map((resource) => ({
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

/** @throws Error when `cedar-wasm` refuses the call. */
export function askOracle(name: string, call: OracleCall): Answer {
  const answer = cedar.statefulIsAuthorized({ ...call, preparsedPolicySetId: name });
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the request cannot be evaluated');
  const { decision, diagnostics } = answer.response;
  return {
    allowed: decision === 'allow',
    reasons: diagnostics.reason,
    errors: diagnostics.errors.map(({ policyId, error }) => ({ policy: policyId, message: error.message })),
  };
}

/** Whether two engines say the same: decision, determining policies and those that erred, in any order. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  const ids = ({ reasons, errors }: Answer) =>
    JSON.stringify([reasons.toSorted(), errors.map(({ policy }) => policy).toSorted()]);
  return a.allowed === b.allowed && ids(a) === ids(b);
}

function templateId(link: string): string {
  return `template of ${link}`;
}

function texts(policies: readonly { id: string; text: string }[]): Record<string, string> {
  return Object.fromEntries(policies.map((policy) => [policy.id, policy.text]));
}
