import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { markedLong, operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import type { CedarType } from './argument-type.ts';

const ARITHMETIC = new Set(['<', '<=', '>', '>=', '+', '-', '*', 'neg']);

const STRING: CedarType = { type: 'String' };
const LONG: CedarType = { type: 'Long' };

/**
 * A task's parameters have no schema. A policy fixes their types by what it compares them with: an argument makes them what
 * the operation's `args` say that it is, an integer literal or arithmetic makes a Long of them, anything else a String; at
 * the time of a decision another type is never equal or errs, which denies.
 */
export function parametersType({ conditions }: PolicyJson, args: CedarType): CedarType {
  const attributes = new Map<string, CedarType & { required: false }>();
  const pending = conditions.map(({ body }) => ({ expr: body, wanted: STRING }));
  pending.reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { expr, wanted } = next;
    const operator = operatorOf(expr);
    const name = parameterName(expr);
    // What an argument says stays, wherever else the parameter stands: in `has` it stands without one.
    if (name !== null && (wanted !== STRING || !attributes.has(name))) {
      attributes.set(name, { ...wanted, required: false });
    }
    const parts = partsOf(operator);
    const numeric = ARITHMETIC.has(operator.name) || parts.some(isInteger);
    // The first part is next.
    const compared = comparedArgument(operator, args);
    for (const part of parts.toReversed()) pending.push({ expr: part, wanted: compared ?? (numeric ? LONG : STRING) });
  }
  return { type: 'Record', attributes: Object.fromEntries(attributes) };
}

function isInteger(expr: Expr): boolean {
  return ('Value' in expr && typeof expr.Value === 'number') || markedLong(expr) !== null;
}

/** The type of the argument on either side of `==` and `!=`, and of the elements of one before `.contains`. */
function comparedArgument({ name, body }: ReturnType<typeof operatorOf>, args: CedarType): CedarType | null {
  if (name !== '==' && name !== '!=' && name !== 'contains') return null;
  const { left, right } = body as { left: Expr; right: Expr };
  const type = argumentType(left, args) ?? (name === 'contains' ? null : argumentType(right, args));
  if (type === null || name !== 'contains') return type;
  return type.type === 'Set' ? type.element : null;
}

/** The type of `context.args.a.b`, `null` for anything else and where the operation has no such argument. */
function argumentType(expr: Expr, args: CedarType): CedarType | null {
  const { name, body } = operatorOf(expr);
  if (name !== '.') return null;
  const { left, attr } = body as { left: Expr; attr: string };
  const isArgs = attr === 'args' && 'Var' in left && left.Var === 'context';
  if (isArgs) return args;
  const owner = argumentType(left, args);
  if (owner?.type !== 'Record' || !Object.hasOwn(owner.attributes, attr)) return null;
  const { required: _optional, ...type } = owner.attributes[attr]!;
  return type as CedarType;
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
