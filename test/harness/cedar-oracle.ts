import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { isDeepStrictEqual } from 'node:util';
import { CedarEngine, type PolicySource } from '../../src/pdp/cedar/engine.ts';
import { uidOf } from '../../src/pdp/cedar/literal.ts';
import { splitPolicies } from '../../src/pdp/cedar/split.ts';
import { policyToJson } from '../../src/pdp/cedar/to-json.ts';
import { entitiesOf, recordOf } from './cedar-json.ts';
import type { GeneratedCase } from './cedar-generator.ts';

/** What a run of comparisons saw: a comparison in which nothing ever erred or held would prove little. */
export type Comparison = {
  requests: number;
  allowed: number;
  erred: number;
  /** Sets that Cedar's own parser refuses. */
  refused: number;
  differences: { request: number; ours: unknown; oracle: unknown }[];
};

/** Evaluates each request of a case with both engines and compares decision, determining policies and errors. */
export function compareWithOracle(generated: GeneratedCase, seen: Comparison): void {
  const prepared = cedar.preparsePolicySet('oracle', {
    staticPolicies: generated.staticPolicies,
    templates: generated.templates,
    templateLinks: generated.links,
  });
  if (prepared.type === 'failure') {
    seen.refused += 1;
    return;
  }
  const engine = new CedarEngine(sourcesOf(generated));
  const entities = entitiesOf(generated.entities);
  for (const [place, { principal, action, resource, context }] of generated.requests.entries()) {
    const answer = cedar.statefulIsAuthorized({
      principal,
      action,
      resource,
      context: context as cedar.Context,
      entities: generated.entities as unknown as cedar.Entities,
      preparsedPolicySetId: 'oracle',
    });
    if (answer.type === 'failure') throw new Error(`the oracle refuses the request: ${answer.errors[0]?.message}`);
    const { decision, diagnostics } = answer.response;
    const oracle = {
      allowed: decision === 'allow',
      reasons: diagnostics.reason.toSorted(),
      errors: diagnostics.errors.map(({ policyId }) => policyId).toSorted(),
    };
    const own = engine.authorize({
      principal: uidOf(principal),
      action: uidOf(action),
      resource: uidOf(resource),
      context: recordOf(context),
      entities,
    });
    const ours = {
      allowed: own.allowed,
      reasons: own.reasons.toSorted(),
      errors: own.errors.map(({ policy }) => policy).toSorted(),
    };
    seen.requests += 1;
    if (oracle.allowed) seen.allowed += 1;
    if (oracle.errors.length > 0) seen.erred += 1;
    if (!isDeepStrictEqual(ours, oracle)) seen.differences.push({ request: place, ours, oracle });
  }
}

export function noComparison(): Comparison {
  return { requests: 0, allowed: 0, erred: 0, refused: 0, differences: [] };
}

function sourcesOf({ staticPolicies, templates, links }: GeneratedCase): PolicySource[] {
  const json = (text: string) => {
    const [statement] = splitPolicies(text);
    const answer = policyToJson(statement!);
    if (!answer.ok) throw new Error(`the parser refuses what the oracle takes: ${answer.error?.message}`);
    return answer.json;
  };
  return [
    ...Object.entries(staticPolicies).map(([id, text]) => ({ id, json: json(text) })),
    ...links.map(({ templateId, newId, values }) => ({
      id: newId,
      json: json(templates[templateId]!),
      slots: Object.fromEntries(Object.entries(values).map(([slot, uid]) => [slot, uidOf(uid)])),
    })),
  ];
}
