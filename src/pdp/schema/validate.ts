import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { InvalidConfig } from '../../core/errors.ts';
import { lineAt, type Policy } from '../policy-set.ts';
import { ActionKinds, actionsInHead, type PolicyActions } from './action-kinds.ts';
import type { Catalogue } from './catalogue.ts';
import { unknownAttributes } from './attributes.ts';
import { didType } from './did-type.ts';
import { KnownNames, namesIn } from './names.ts';
import { parametersType } from './parameters-type.ts';
import { shapeOf } from './shape.ts';
import { cedarSchema, type SchemaAction } from './schema.ts';

/** What is wrong with a policy under the schema, with its place. */
export type Finding = {
  severity: 'error' | 'warning';
  /** A name for programs, such as `unknown_name`. */
  code: 'unknown_name' | 'type' | 'never_applies';
  policy: string;
  file: string;
  line: number;
  message: string;
};

/** Positions are asked for again, policy by policy; the first findings are enough to act on. */
const MAX_PLACED = 25;

/**
 * Checks policies against the catalogue: names first, then types by Cedar's validator, which sees each shape of policy
 * once for each group of actions.
 */
export function validatePolicies(policies: readonly Policy[], catalogue: Catalogue): Finding[] {
  const findings: Finding[] = [];
  const names = new KnownNames(catalogue);
  const kinds = new ActionKinds(catalogue);
  const groups = new Map<string, Group>();
  for (const policy of policies) {
    const json = linkedJson(policy);
    const unknown = namesFindings(policy, json, names);
    for (const finding of unknown) findings.push(finding);
    // A name that does not exist would only be found again.
    if (unknown.length > 0) continue;
    const actions = kinds.of(json);
    if (actions.applicable.length === 0) continue;
    const misspelt = attributeFindings(policy, json, actions, kinds);
    for (const finding of misspelt) findings.push(finding);
    if (misspelt.length > 0) continue;
    if (isDeep(json.conditions))
      for (const finding of deepFindings(policy, json, actions, kinds)) findings.push(finding);
    else addToGroup(groups, { policy, json, actions, kinds });
  }
  for (const { actions, shapes } of groups.values()) {
    const members = Array.from(shapes.values(), (shape) => shape.policies);
    const representatives = Object.fromEntries(
      Array.from(shapes.values(), ({ shape }, place): [string, PolicyJson] => [String(place), shape]),
    );
    const wrong = Map.groupBy(validate(actions, { staticPolicies: representatives }), ({ place }) => place);
    for (const [place, found] of wrong) {
      for (const policy of members[Number(place)]!) {
        const inText = findings.length < MAX_PLACED ? inTextOf(policy, actions, kinds) : [];
        for (const finding of distinct((inText.length > 0 ? inText : found).map((each) => typeFinding(policy, each)))) {
          findings.push(finding);
        }
      }
    }
  }
  return findings;
}

/** Policies that are validated together, under one schema. */
type Group = { actions: SchemaAction[]; shapes: Map<string, { shape: PolicyJson; policies: Policy[] }> };

function addToGroup(
  groups: Map<string, Group>,
  {
    policy,
    json,
    actions: chosen,
    kinds,
  }: { policy: Policy; json: PolicyJson; actions: PolicyActions; kinds: ActionKinds },
): void {
  const { applicable, named } = chosen;
  const actions = ofPolicy([...named, ...applicable], json, kinds);
  const key = JSON.stringify(actions.map(({ id, parameters, did }) => [id, parameters, did]));
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = { actions, shapes: new Map() }));
  const shape = withActions(shapeOf(json), applicable);
  const shapeKey = JSON.stringify(shape);
  const known = group.shapes.get(shapeKey);
  if (known === undefined) group.shapes.set(shapeKey, { shape, policies: [policy] });
  else known.policies.push(policy);
}

/** The actions with what a policy fixes the types of by asking for it. */
function ofPolicy(actions: readonly SchemaAction[], json: PolicyJson, kinds: ActionKinds): SchemaAction[] {
  const did = didType(json, (operation) => kinds.has(operation));
  const typed = actions.map((action) => ({ ...action, parameters: parametersType(json, action.args), did }));
  return [...new Map(typed.map((action) => [action.id, action])).values()];
}

/** What `cedar-wasm` reads as JSON may nest 128 levels deep, those around a condition among them. */
const MAX_JSON_DEPTH = 100;

function isDeep(value: unknown): boolean {
  const pending = [{ value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue;
    const depth = next.depth + 1;
    if (depth > MAX_JSON_DEPTH) return true;
    for (const part of Object.values(next.value)) pending.push({ value: part, depth });
  }
  return false;
}

/** A deep policy is validated as the text that it came as, alone: a chain of hundreds of `||`, for one. */
function deepFindings(policy: Policy, json: PolicyJson, { applicable, named }: PolicyActions, kinds: ActionKinds) {
  const actions = ofPolicy([...named, ...applicable], json, kinds);
  try {
    return distinct(inTextOf(policy, actions, kinds).map((each) => typeFinding(policy, each)));
  } catch (cause) {
    // Its stack has overflowed. Whatever it says from here on is worth nothing.
    const where = `${policy.file}:${policy.line}: policy \`${policy.id}\``;
    throw new InvalidConfig(`${where} nests too deeply for the validator; split it`, { cause });
  }
}

function attributeFindings(policy: Policy, json: PolicyJson, actions: PolicyActions, kinds: ActionKinds): Finding[] {
  const { applicable, argumentsSeen } = actions;
  const unknown = unknownAttributes(json, { actions: ofPolicy(applicable, json, kinds), argumentsSeen });
  const each = new Map(unknown.map((attribute) => [attribute.message, attribute]));
  return Array.from(each.values(), ({ name, message }) => ({
    severity: 'error',
    code: 'unknown_name',
    policy: policy.id,
    file: policy.file,
    line: lineOfText(policy, name),
    message,
  }));
}

function namesFindings(policy: Policy, json: PolicyJson, names: KnownNames): Finding[] {
  const { head, conditions } = namesIn(json);
  return names.unknown([...head, ...conditions]).map(({ name, message }) => ({
    severity: 'error',
    code: 'unknown_name',
    policy: policy.id,
    file: policy.file,
    line: lineOfText(policy, JSON.stringify(name.id)),
    message,
  }));
}

/** The head's actions replaced by those that stand for them. */
function withActions(json: PolicyJson, actions: readonly SchemaAction[]): PolicyJson {
  if (json.action.op === 'All') return json;
  return { ...json, action: { op: 'in', entities: actions.map(({ id }) => ({ type: 'Action', id })) } };
}

/** What Cedar's validator says of the policy called `place`; `offset` is in bytes of its text, where it came as text. */
type Found = { severity: Finding['severity']; place: string; message: string; help: string; offset: number | null };

function validate(actions: readonly SchemaAction[], policies: cedar.PolicySet): Found[] {
  const answer = cedar.validate({ schema: cedarSchema(actions), policies });
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the schema cannot be used');
  const found = (severity: Found['severity']) => (it: cedar.ValidationError) => ({
    severity,
    place: it.policyId,
    message: withoutPolicy(it.error.message),
    help: withoutPolicy(it.error.help ?? ''),
    offset: it.error.sourceLocations?.[0]?.start ?? null,
  });
  return [
    ...answer.validationErrors.map(found('error')),
    ...answer.validationWarnings.filter(({ error }) => /impossible/.test(error.message)).map(found('warning')),
  ];
}

function withoutPolicy(message: string): string {
  return message.replace(/^for policy `[^`]*`, /, '');
}

/** What is found in the same policy as text, alone, which gives it a place. */
function inTextOf(policy: Policy, actions: readonly SchemaAction[], kinds: ActionKinds): Found[] {
  const json = JSON.parse(policy.json) as PolicyJson;
  // The text names its own operations; they have to exist beside those that stand for their kind.
  const beside = kinds
    .exactly(actionsInHead(json) ?? [])
    .filter(({ id }) => !actions.some((action) => action.id === id));
  const own = ofPolicy(beside, json, kinds);
  if (policy.slots === undefined) return validate([...actions, ...own], { staticPolicies: { it: policy.text } });
  const link = { templateId: 'template', newId: 'it', values: policy.slots };
  return validate([...actions, ...own], { templates: { template: policy.text }, templateLinks: [link] });
}

function typeFinding(policy: Policy, { severity, message, help, offset }: Found): Finding {
  const where = {
    policy: policy.id,
    file: policy.file,
    line: offset === null ? policy.line : lineOfOffset(policy, offset),
  };
  if (severity === 'warning') {
    return { severity, code: 'never_applies', ...where, message: 'the policy can never apply' };
  }
  const advice = /Untyped/.test(message)
    ? '; the tool gives that argument no single type, so policy may only ask whether it is there'
    : help && `; ${help}`;
  return { severity, code: 'type', ...where, message: `${message}${advice}` };
}

/** The validator says the same for each operation and each kind of principal, and that what is wrong never applies. */
function distinct(findings: readonly Finding[]): Finding[] {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const first = new Map<string, Finding>();
  for (const finding of errors.length > 0 ? errors : findings) {
    const key = `${finding.line} ${finding.message.replace(/ for Action::"(?:[^"\\]|\\.)*"/, '')}`;
    if (!first.has(key)) first.set(key, finding);
  }
  return [...first.values()];
}

/** The policy with the values of its slots, in Cedar's JSON format. Slots are in the head alone. */
function linkedJson({ json: text, slots }: Policy): PolicyJson {
  const json = JSON.parse(text) as PolicyJson;
  if (slots === undefined) return json;
  const filled = (constraint: object) =>
    JSON.parse(JSON.stringify(constraint), (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null || !('slot' in value)) return value;
      const { slot, ...rest } = value as { slot: string };
      return { ...rest, entity: slots[slot] };
    }) as never;
  return { ...json, principal: filled(json.principal), resource: filled(json.resource) };
}

/** The line of the first place where `needle` stands in the policy's text. */
function lineOfText(policy: Policy, needle: string): number {
  const at = policy.text.indexOf(needle);
  return at === -1 ? policy.line : lineOfOffset(policy, new TextEncoder().encode(policy.text.slice(0, at)).length);
}

function lineOfOffset(policy: Policy, byteOffset: number): number {
  return lineAt({ text: policy.text, firstLine: policy.firstLine }, byteOffset);
}
