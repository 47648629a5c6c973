import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import { lineAt, type Policy } from '../policy-set.ts';
import { argumentsType, type CedarType } from './argument-type.ts';
import type { Catalogue } from './catalogue.ts';
import { namesIn, namesInConstraint, unknownNames } from './names.ts';
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
 * Checks policies against the catalogue: names first, then types by Cedar's validator.
 *
 * The validator's cost grows with policies times actions. Actions of one effect whose arguments have one type are alike
 * to it, and to a policy that does not look at arguments all actions of an effect are; so each group of policies is
 * validated against one action of each kind that it can apply to.
 */
export function validatePolicies(policies: readonly Policy[], catalogue: Catalogue): Finding[] {
  const findings: Finding[] = [];
  const kinds = new ActionKinds(catalogue);
  const groups = new Map<string, { actions: SchemaAction[]; policies: Map<string, PolicyJson> }>();
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  for (const policy of policies) {
    const json = linkedJson(policy);
    const unknown = namesFindings(policy, json, catalogue);
    findings.push(...unknown);
    // A name that does not exist would only be found again.
    if (unknown.length > 0) continue;
    const actions = kinds.applicable(json);
    if (actions.length === 0) continue;
    const key = actions.map(({ id }) => id).join('\n') + JSON.stringify(actions[0]!.parameters ?? null);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { actions, policies: new Map() }));
    group.policies.set(policy.id, withActions(json, actions));
  }
  for (const group of groups.values()) {
    const answer = validate(cedarSchema(group.actions), Object.fromEntries(group.policies));
    for (const [severity, found] of answer) {
      const policy = byId.get(found.policyId)!;
      if (severity === 'warning' && !/impossible/.test(found.error.message)) continue;
      findings.push(
        (findings.length < MAX_PLACED ? placed(policy, severity, group.actions) : null) ??
          typeFinding(policy, severity, found, policy.line),
      );
    }
  }
  return findings;
}

function namesFindings(policy: Policy, json: PolicyJson, catalogue: Catalogue): Finding[] {
  const { head, conditions } = namesIn(json);
  return unknownNames([...head, ...conditions], catalogue).map(({ name, message }) => ({
    severity: 'error',
    code: 'unknown_name',
    policy: policy.id,
    file: policy.file,
    line: lineOfText(policy, JSON.stringify(name.id)),
    message,
  }));
}

/** The actions of a catalogue by kind, and which of them a policy has to be validated against. */
class ActionKinds {
  readonly #all: (SchemaAction & { key: string; known: boolean })[];

  constructor(catalogue: Catalogue) {
    this.#all = catalogue.targets.flatMap((target) =>
      target.operations.map(({ name, effect, input }) => {
        const args: CedarType = input === null ? { type: 'Record', attributes: {} } : argumentsType(input);
        return {
          id: `${target.name}:${name}`,
          effect,
          args,
          key: JSON.stringify([effect, args]),
          known: input !== null,
        };
      }),
    );
  }

  applicable(json: PolicyJson): SchemaAction[] {
    const usesArguments = json.conditions.some(({ body }) => looksAtArguments(body));
    const inHead = actionsInHead(json);
    const inConditions = new Set(namesIn(json).conditions.flatMap(({ type, id }) => (type === 'Action' ? [id] : [])));
    const chosen = new Map<string, SchemaAction>();
    for (const action of this.#all) {
      if (inHead !== null && !inHead.has(action.id) && !inHead.has(action.effect)) continue;
      // Of an operation whose definition nobody has seen, the arguments cannot be checked.
      if (usesArguments && !action.known) continue;
      const key = inConditions.size > 0 ? action.id : usesArguments ? action.key : action.effect;
      if (!chosen.has(key)) chosen.set(key, action);
    }
    const parameters = parametersType(json);
    return [...chosen.values()].map(({ id, effect, args }) => ({ id, effect, args, parameters }));
  }
}

/** The ids of the actions and effects of the head, or `null` for any. */
function actionsInHead({ action }: PolicyJson): Set<string> | null {
  if (action.op === 'All') return null;
  return new Set(namesInConstraint(action).map(({ id }) => id));
}

/** The head's actions replaced by those that stand for them. */
function withActions(json: PolicyJson, actions: readonly SchemaAction[]): PolicyJson {
  if (json.action.op === 'All') return json;
  return { ...json, action: { op: 'in', entities: actions.map(({ id }) => ({ type: 'Action', id })) } };
}

function looksAtArguments(expr: Expr): boolean {
  const operator = operatorOf(expr);
  if (operator.name === '.' || operator.name === 'has') {
    const { left, attr } = operator.body as { left: Expr; attr: string | string[] };
    const name = typeof attr === 'string' ? attr : attr[0]!;
    if ('Var' in left && left.Var === 'context' && (name === 'args' || name === 'provenance')) return true;
  }
  return partsOf(operator).some(looksAtArguments);
}

/**
 * A task's parameters have no schema. A policy fixes their types by what it compares them with: an integer literal or
 * arithmetic makes a Long of them, anything else a String; at the time of a decision another type errs, which denies.
 */
function parametersType(json: PolicyJson): CedarType {
  const attributes: Record<string, CedarType & { required: false }> = {};
  const visit = (expr: Expr, wanted: CedarType['type']): void => {
    const operator = operatorOf(expr);
    const name = parameterName(expr);
    if (name !== null) attributes[name] = { type: wanted === 'Long' ? 'Long' : 'String', required: false };
    const parts = partsOf(operator);
    const numeric = '< <= > >= + - * neg'.split(' ').includes(operator.name) || parts.some(isInteger);
    for (const part of parts) visit(part, numeric ? 'Long' : 'String');
  };
  for (const { body } of json.conditions) visit(body, 'String');
  return { type: 'Record', attributes };
}

function isInteger(expr: Expr): boolean {
  return 'Value' in expr && typeof expr.Value === 'number';
}

/** `x` of `context.task.parameters.x` and of `context.task.parameters has x`. */
function parameterName(expr: Expr): string | null {
  const { name, body } = operatorOf(expr);
  if (name !== '.' && name !== 'has') return null;
  const { left, attr } = body as { left: Expr; attr: string | string[] };
  const outer = operatorOf(left);
  if (outer.name !== '.' || (outer.body as { attr: string }).attr !== 'parameters') return null;
  return typeof attr === 'string' ? attr : attr[0]!;
}

type Found = cedar.ValidationError;

function validate(schema: cedar.Schema, staticPolicies: Record<string, cedar.Policy>): ['error' | 'warning', Found][] {
  const answer = cedar.validate({ schema, policies: { staticPolicies } });
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the schema cannot be used');
  return [
    ...answer.validationErrors.map((found): ['error', Found] => ['error', found]),
    ...answer.validationWarnings.map((found): ['warning', Found] => ['warning', found]),
  ];
}

/** The same policy as text, alone, for the place of what was found. A linked policy's text is its template's. */
function placed(policy: Policy, severity: Finding['severity'], actions: readonly SchemaAction[]): Finding | null {
  if (policy.slots !== undefined) return null;
  const inHead = actionsInHead(JSON.parse(policy.json) as PolicyJson);
  // The text names its own operations; they have to exist beside those that stand for their kind.
  const own = [...(inHead ?? [])].filter((id) => id.includes(':') && !actions.some((action) => action.id === id));
  const all = [...actions, ...own.map((id) => ({ ...actions[0]!, id }))];
  const found = validate(cedarSchema(all), { [policy.id]: policy.text }).find(([kind]) => kind === severity)?.[1];
  if (found === undefined) return null;
  const at = found.error.sourceLocations?.[0];
  return typeFinding(policy, severity, found, at === undefined ? policy.line : lineOfOffset(policy, at.start));
}

function typeFinding(policy: Policy, severity: Finding['severity'], { error }: Found, line: number): Finding {
  const { id, file } = policy;
  if (severity === 'warning') {
    return { severity, code: 'never_applies', policy: id, file, line, message: 'the policy can never apply' };
  }
  const detail = error.message.replace(/^for policy `[^`]*`, /, '');
  const untyped = /Untyped/.test(detail)
    ? '; the tool gives that argument no single type, so policy may only ask whether it is there'
    : '';
  const help = error.help === null || error.help === undefined ? '' : `; ${error.help}`;
  return { severity, code: 'type', policy: id, file, line, message: `${detail}${untyped}${help}` };
}

/** The policy with the values of its slots, in Cedar's JSON format. */
function linkedJson(policy: Policy): PolicyJson {
  const json = JSON.parse(policy.json) as PolicyJson;
  if (policy.slots === undefined) return json;
  return JSON.parse(JSON.stringify(json), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('slot' in value)) return value;
    const { slot, ...rest } = value as { slot: string };
    return { ...rest, entity: policy.slots![slot] };
  }) as PolicyJson;
}

/** The line of the first place where `needle` stands in the policy's text. */
function lineOfText(policy: Policy, needle: string): number {
  const at = policy.text.indexOf(needle);
  return at === -1 ? policy.line : lineOfOffset(policy, new TextEncoder().encode(policy.text.slice(0, at)).length);
}

function lineOfOffset(policy: Policy, byteOffset: number): number {
  return lineAt({ text: policy.text, firstLine: policy.firstLine }, byteOffset);
}
