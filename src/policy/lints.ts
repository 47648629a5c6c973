import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { EFFECTS } from '../core/effect.ts';
import { operands, operatorOf, partsOf, type Expr } from '../pdp/cedar/expression.ts';
import type { Policy } from '../pdp/policy-set.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { namesInConstraint, suggestion } from '../pdp/schema/names.ts';

/** What is allowed and yet hardly meant. */
export type Lint = {
  severity: 'warning';
  code: 'permit_without_task' | 'approval_nobody_gives' | 'approval_without_permit' | 'observe_forgotten' | 'no_reason';
  policy: string;
  file: string;
  line: number;
  message: string;
};

type Parsed = { policy: Policy; json: PolicyJson };

/** @param now Milliseconds since the epoch: an `@observe("2026-12-01")` ends at that date. */
export function lintPolicies(policies: readonly Policy[], catalogue: Catalogue | null, now: number): Lint[] {
  const parsed = policies.map((policy) => ({ policy, json: JSON.parse(policy.json) as PolicyJson }));
  return parsed.flatMap((each) => [
    ...permitWithoutTask(each),
    ...approvalNobodyGives(each, catalogue),
    ...approvalWithoutPermit(each, parsed),
    ...observeForgotten(each, now),
    ...noReason(each),
  ]);
}

/** A permit outside of any task is a standing one. Remit's own operations are for people without a task, too. */
function permitWithoutTask({ policy, json }: Parsed): Lint[] {
  if (policy.effect !== 'permit' || policy.observe) return [];
  const actions = actionsOf(json);
  const own = actions !== null && actions.every((id) => id.startsWith('remit:'));
  const readsOnly = actions !== null && actions.every((id) => id === 'read');
  if (own || readsOnly || excludesRemitOnly(json) || json.conditions.some(asksForTask)) return [];
  return [
    lint(
      policy,
      'permit_without_task',
      'permits more than reading without asking for a task; add `when { context has task }`',
    ),
  ];
}

/** A permit for Remit's own resources alone. */
function excludesRemitOnly({ resource }: PolicyJson): boolean {
  return namesInConstraint(resource).some(({ type, id }) => type === 'Target' && id === 'remit');
}

function asksForTask({ kind, body }: PolicyJson['conditions'][number]): boolean {
  return (
    kind === 'when' &&
    operands(body, '&&').some((part) => {
      const { name, body: inner } = operatorOf(part);
      if (name === 'has') return isTask((inner as { left: Expr }).left, (inner as { attr: string | string[] }).attr);
      // Looking at the task is asking for it: without one the policy errs.
      return partsOf(operatorOf(part)).some(looksAtTask);
    })
  );
}

function looksAtTask(expr: Expr): boolean {
  const operator = operatorOf(expr);
  const { left, attr } = (operator.body ?? {}) as { left?: Expr; attr?: string | string[] };
  if (operator.name === '.' && left !== undefined && isTask(left, attr!)) return true;
  return partsOf(operator).some(looksAtTask);
}

function isTask(left: Expr, attr: string | string[]): boolean {
  return 'Var' in left && left.Var === 'context' && (typeof attr === 'string' ? attr : attr[0]) === 'task';
}

function approvalNobodyGives({ policy }: Parsed, catalogue: Catalogue | null): Lint[] {
  const groups = catalogue?.groups ?? null;
  const { approval } = policy;
  // An approver with an @ is a person's e-mail address, which no configuration lists.
  if (approval === undefined || groups === null || groups.includes(approval) || approval.includes('@')) return [];
  return [
    lint(
      policy,
      'approval_nobody_gives',
      `nobody may approve: there is no group \`${approval}\`${suggestion(approval, groups)}`,
    ),
  ];
}

/** A hold is only given where a permit is left once the approval has lifted its forbid. */
function approvalWithoutPermit({ policy, json }: Parsed, all: readonly Parsed[]): Lint[] {
  if (policy.approval === undefined) return [];
  const wanted = actionsOf(json);
  const permitted = all.some(({ policy: other, json: otherJson }) => {
    if (other.effect !== 'permit' || other.observe) return false;
    const given = actionsOf(otherJson);
    // An effect and an operation may meet: only the catalogue would tell, so they count as meeting.
    if (wanted === null || given === null) return true;
    return given.some((id) => wanted.includes(id) || isEffect(id) !== wanted.some(isEffect));
  });
  if (permitted) return [];
  return [
    lint(policy, 'approval_without_permit', 'no permit would be left after the approval, so nothing is ever held'),
  ];
}

function observeForgotten({ policy, json }: Parsed, now: number): Lint[] {
  if (!policy.observe) return [];
  const until = json.annotations?.['observe'] ?? '';
  if (until === '') {
    return [lint(policy, 'observe_forgotten', 'is only observed; say until when, as in `@observe("2027-01-31")`')];
  }
  const end = Date.parse(until);
  if (Number.isNaN(end)) {
    return [lint(policy, 'observe_forgotten', `\`@observe("${until}")\` is no date; write \`@observe("2027-01-31")\``)];
  }
  if (now < end) return [];
  return [lint(policy, 'observe_forgotten', `was to be observed until ${until}; enforce it or remove it`)];
}

/** A forbid without a reason leaves the caller with the policy's id. */
function noReason({ policy }: Parsed): Lint[] {
  if (policy.effect !== 'forbid' || policy.reason !== undefined) return [];
  return [lint(policy, 'no_reason', 'says nothing to whom it stops; add `@reason("…")`')];
}

/** The operations and effects of the head, or `null` for any. */
function actionsOf({ action }: PolicyJson): string[] | null {
  return action.op === 'All' ? null : namesInConstraint(action).map(({ id }) => id);
}

function isEffect(id: string): boolean {
  return (EFFECTS as readonly string[]).includes(id);
}

function lint({ id, file, line }: Policy, code: Lint['code'], message: string): Lint {
  return { severity: 'warning', code, policy: id, file, line, message };
}
