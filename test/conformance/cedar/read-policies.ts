import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicySource } from '../../../src/pdp/cedar/engine.ts';
import { uidOf, type ValueJson } from '../../../src/pdp/cedar/literal.ts';
import { splitPolicies } from '../../../src/pdp/cedar/split.ts';
import { policyToJson } from '../../../src/pdp/cedar/to-json.ts';
import { parseJson } from '../../harness/cedar-json.ts';

type PolicySetJson = {
  staticPolicies?: Record<string, PolicyJson>;
  templates?: Record<string, PolicyJson>;
  templateLinks?: { templateId: string; newId: string; values: Record<string, ValueJson> }[];
};

/**
 * The policies of a file in Cedar's text or JSON format. Templates alone decide nothing; they count where policies of a
 * text are numbered.
 *
 * @throws Error for what Cedar does not take.
 */
export function readPolicies(text: string): PolicySource[] {
  return isJson(text) ? fromJson(parseJson(text) as PolicySetJson) : fromText(text);
}

/** No text of policies or of a schema starts like JSON. */
export function isJson(text: string): boolean {
  return text.trimStart().startsWith('{');
}

function fromText(text: string): PolicySource[] {
  return splitPolicies(text).flatMap((statement, place) => {
    const answer = policyToJson(statement);
    if (!answer.ok) throw new Error(`line ${statement.line}: ${answer.error?.message}`);
    return statement.isTemplate ? [] : [{ id: `policy${place}`, json: answer.json }];
  });
}

function fromJson({ staticPolicies = {}, templates = {}, templateLinks = [] }: PolicySetJson): PolicySource[] {
  return [
    ...Object.entries(staticPolicies).map(([id, json]) => ({ id, json })),
    ...templateLinks.map(({ templateId, newId, values }) => {
      const json = Object.hasOwn(templates, templateId) ? templates[templateId] : undefined;
      if (json === undefined) throw new Error(`there is no template \`${templateId}\``);
      const slots = Object.entries(values).map(([slot, uid]) => [slot, uidOf(uid)] as const);
      return { id: newId, json, slots: Object.fromEntries(slots) };
    }),
  ];
}

/** Whether `cedar-wasm`, which validates for Remit, finds the policies valid under the schema. */
export function isValid(policies: string, schema: string): boolean {
  const answer = cedar.validate({
    schema: isJson(schema) ? (JSON.parse(schema) as cedar.Schema) : schema,
    policies: isJson(policies) ? (JSON.parse(policies) as cedar.PolicySet) : { staticPolicies: policies },
  });
  return answer.type === 'success' && answer.validationErrors.length === 0;
}
