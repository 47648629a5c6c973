import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { compileTest, type Request } from './cedar/compile.ts';
import { operands, operatorOf, type Expr } from './cedar/expression.ts';
import { uidOf } from './cedar/literal.ts';
import { ReadingRequest, type Read } from './cedar/reading.ts';
import { scopeOf, scopeTests } from './cedar/scope.ts';
import { expressionText } from './cedar/to-text.ts';
import { EvaluationError } from './cedar/value.ts';
import type { Policy } from './policy-set.ts';

/** One part of a policy's conditions: what is joined by `&&` at the top of a `when`, or by either in an `unless`. */
export type Clause = {
  kind: 'when' | 'unless';
  /** In Cedar's words, on one line. */
  text: string;
  /** `not_reached` where what stands before it had settled the policy, as Cedar evaluates. */
  value: 'true' | 'false' | 'error' | 'not_reached';
  /** Of an `error`. */
  problem?: string;
  read: Read[];
};

/** Names are those of the wire. */
export type PolicyTrace = {
  policy: string;
  effect: 'permit' | 'forbid';
  file: string;
  line: number;
  /** Head and conditions hold; `null` where evaluating them failed. */
  applies: boolean | null;
  clauses: Clause[];
  /** Place in `clauses` of the one that keeps the policy from applying. */
  stopped_by: number | null;
};

/** Evaluates a policy clause by clause, or `null` where its head does not match. */
export function tracePolicy(policy: Policy, request: Request): PolicyTrace | null {
  const json = JSON.parse(policy.json) as PolicyJson;
  const slots = Object.entries(policy.slots ?? {}).map(([slot, uid]) => [slot, uidOf(uid)] as const);
  if (!scopeTests(scopeOf(json, Object.fromEntries(slots))).every((test) => test(request))) return null;
  const reading = new ReadingRequest(request);
  const clauses: Clause[] = [];
  let applies: boolean | null = true;
  let stoppedBy: number | null = null;
  for (const { kind, body } of json.conditions) {
    const { parts, settles } = partsOfCondition(kind, body);
    let settled = applies !== true;
    for (const part of parts) {
      const clause = traceClause(kind, part, settled ? null : reading);
      clauses.push(clause);
      if (clause.value === 'error') applies = null;
      if (clause.value === settles || clause.value === 'error') settled = true;
    }
    if (applies !== true) continue;
    const holds = conditionHolds(clauses.slice(-parts.length), settles);
    if (holds !== (kind === 'when')) {
      applies = false;
      stoppedBy = clauses.findLastIndex(({ value }) => value !== 'not_reached');
    }
  }
  const { id, effect, file, line } = policy;
  return { policy: id, effect, file, line, applies, clauses, stopped_by: stoppedBy };
}

/** `settles` is the value of one part that settles the whole. */
function partsOfCondition(kind: Clause['kind'], body: Expr): { parts: Expr[]; settles: 'true' | 'false' } {
  const or = kind === 'unless' && operatorOf(body).name === '||';
  return or ? { parts: operands(body, '||'), settles: 'true' } : { parts: operands(body, '&&'), settles: 'false' };
}

function conditionHolds(clauses: readonly Clause[], settles: 'true' | 'false'): boolean {
  return clauses.some(({ value }) => value === settles) === (settles === 'true');
}

/** @param reading `null` where Cedar would not get here. */
function traceClause(kind: Clause['kind'], part: Expr, reading: ReadingRequest | null): Clause {
  const text = expressionText(part);
  if (reading === null) return { kind, text, value: 'not_reached', read: [] };
  try {
    const value = compileTest(part)(reading);
    return { kind, text, value: value ? 'true' : 'false', read: reading.take() };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { kind, text, value: 'error', problem: error.message, read: reading.take() };
  }
}
