import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { operands, operatorOf, partsOf, type Expr } from '../pdp/cedar/expression.ts';

/** Of a request's context, what is there within a task alone. */
const OF_TASK = new Set(['task', 'origin', 'chain']);

/** Whether a policy applies within a task alone: each way through its conditions asks for one, or looks at it and errs. */
export function asksForTask({ conditions }: PolicyJson): boolean {
  return conditions.some(({ kind, body }) =>
    kind === 'when' ? impliesTask(body, true) : impliesTask(body, false) || alwaysLooksAtTask(body),
  );
}

/** Whether the expression is `wanted` only within a task. Without one an error, too, keeps a policy from applying. */
function impliesTask(expr: Expr, wanted: boolean): boolean {
  const { name, body } = operatorOf(expr);
  switch (name) {
    case '&&':
    case '||': {
      const parts = operands(expr, name);
      // `a && b` is true when both are, and false when either is.
      const all = (name === '&&') === wanted;
      return all ? parts.some((part) => impliesTask(part, wanted)) : parts.every((part) => impliesTask(part, wanted));
    }
    case '!':
      return impliesTask((body as { arg: Expr }).arg, !wanted);
    case 'if-then-else': {
      const branches = body as { if: Expr; then: Expr; else: Expr };
      const either = impliesTask(branches.if, true) || impliesTask(branches.then, wanted);
      return either && (impliesTask(branches.if, false) || impliesTask(branches.else, wanted));
    }
    case 'has':
      return wanted ? isHasTask(expr) || alwaysLooksAtTask(expr) : alwaysLooksAtTask(expr);
    case 'Value':
      return typeof body === 'boolean' && body !== wanted;
    default:
      return alwaysLooksAtTask(expr);
  }
}

function isHasTask(expr: Expr): boolean {
  const { left, attr } = operatorOf(expr).body as { left: Expr; attr: string | string[] };
  return isContext(left) && OF_TASK.has(typeof attr === 'string' ? attr : attr[0]!);
}

/** Whether the task is looked at whatever else holds. */
function alwaysLooksAtTask(expr: Expr): boolean {
  const operator = operatorOf(expr);
  const { name, body } = operator;
  if (name === '&&' || name === '||') return alwaysLooksAtTask(operands(expr, name)[0]!);
  if (name === 'if-then-else') return alwaysLooksAtTask((body as { if: Expr }).if);
  if (name === '.') {
    const { left, attr } = body as { left: Expr; attr: string };
    if (isContext(left) && OF_TASK.has(attr)) return true;
  }
  return partsOf(operator).some(alwaysLooksAtTask);
}

function isContext(expr: Expr): boolean {
  return 'Var' in expr && expr.Var === 'context';
}
