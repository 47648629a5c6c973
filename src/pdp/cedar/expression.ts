import type { CedarValueJson, Expr } from '@cedar-policy/cedar-wasm/nodejs';

/**
 * Expressions in Cedar's JSON policy format (language reference, "JSON policy format"), as `cedar-wasm` writes them:
 * one member, named like the operator, that holds the operands. An extension call is a member that holds a list.
 */
export type { CedarValueJson, Expr };

export type Operator = { name: string; body: unknown };

/** @throws TypeError for what is no expression: a fault, since Cedar wrote it. */
export function operatorOf(expr: Expr): Operator {
  const names = Object.keys(expr);
  if (names.length !== 1) throw new TypeError(`an expression has the members \`${names.join()}\``);
  return { name: names[0]!, body: (expr as Record<string, unknown>)[names[0]!] };
}

export type Binary = { left: Expr; right: Expr };
export type Unary = { arg: Expr };

/** `a && b && c` nests to the left, thousands deep; the operands in order, found without recursion. */
export function operands(expr: Expr, operator: '&&' | '||'): Expr[] {
  const found: Expr[] = [];
  const pending = [expr];
  while (pending.length > 0) {
    const next = pending.pop()!;
    const { name, body } = operatorOf(next);
    if (name === operator) pending.push((body as Binary).right, (body as Binary).left);
    else found.push(next);
  }
  return found;
}

/** The expressions that an operator's body holds. */
export function partsOf({ name, body }: Operator): Expr[] {
  if (name === 'Value' || name === 'Var' || name === 'Slot') return [];
  if (Array.isArray(body)) return body as Expr[];
  const parts = Object.values(body as Record<string, unknown>);
  // Beside expressions, a body holds names, a path of names or a pattern.
  return parts.filter((part) => typeof part === 'object' && part !== null && !Array.isArray(part)) as Expr[];
}

export function mentions(expr: Expr, variable: string): boolean {
  const pending = [expr];
  while (pending.length > 0) {
    const operator = operatorOf(pending.pop()!);
    if (operator.name === 'Var' && operator.body === variable) return true;
    for (const part of partsOf(operator)) pending.push(part);
  }
  return false;
}

/** The key of the record that stands for an integer which the JSON form would round: see `lex.ts`. */
export const LONG_MARK = '\u{10FFFF}long';

/** The digits of a marked integer, or `null`. */
export function markedLong(expr: Expr): string | null {
  const { name, body } = operatorOf(expr);
  if (name !== '.') return null;
  const { left, attr } = body as { left: Expr; attr: string };
  if (attr !== LONG_MARK) return null;
  const record = operatorOf(left);
  const member = record.name === 'Record' ? (record.body as Record<string, Expr>)[LONG_MARK] : undefined;
  const digits = member === undefined ? undefined : operatorOf(member);
  return digits?.name === 'Value' && typeof digits.body === 'string' ? digits.body : null;
}
