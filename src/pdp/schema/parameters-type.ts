import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { markedLong, operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import type { CedarType } from './argument-type.ts';

const ARITHMETIC = new Set(['<', '<=', '>', '>=', '+', '-', '*', 'neg']);

/**
 * A task's parameters have no schema. A policy fixes their types by what it compares them with: an integer literal or
 * arithmetic makes a Long of them, anything else a String; at the time of a decision another type errs, which denies.
 */
export function parametersType({ conditions }: PolicyJson): CedarType {
  const attributes = new Map<string, CedarType & { required: false }>();
  const pending: { expr: Expr; wanted: 'Long' | 'String' }[] = conditions.map(({ body }) => ({
    expr: body,
    wanted: 'String',
  }));
  pending.reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { expr, wanted } = next;
    const operator = operatorOf(expr);
    const name = parameterName(expr);
    if (name !== null) attributes.set(name, { type: wanted, required: false });
    const parts = partsOf(operator);
    const numeric = ARITHMETIC.has(operator.name) || parts.some(isInteger);
    // The first part is next.
    for (const part of parts.toReversed()) pending.push({ expr: part, wanted: numeric ? 'Long' : 'String' });
  }
  return { type: 'Record', attributes: Object.fromEntries(attributes) };
}

function isInteger(expr: Expr): boolean {
  return ('Value' in expr && typeof expr.Value === 'number') || markedLong(expr) !== null;
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
