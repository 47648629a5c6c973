import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { approvalRule } from '../core/approval-rule.ts';
import { ANNOTATIONS, type Policy } from '../pdp/policy-set.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { namesInConstraint, suggestion } from '../pdp/schema/names.ts';
import { headActions, KnownActions, neverApplies } from './never-applies.ts';
import { Shadows } from './shadows.ts';
import { asksForTask } from './task-condition.ts';

/** What is allowed and yet hardly meant. */
export type Lint = {
  severity: 'warning';
  code:
    | 'never_applies'
    | 'permit_without_task'
    | 'approval_nobody_gives'
    | 'approval_without_permit'
    | 'observe_forgotten'
    | 'no_reason'
    | 'unknown_annotation';
  policy: string;
  file: string;
  line: number;
  message: string;
};

type Parsed = { policy: Policy; json: PolicyJson };

/** What all policies are held against. */
type Against = {
  groups: readonly string[] | null;
  actions: KnownActions | null;
  shadows: Shadows;
  permitted: Permitted;
};

/** @param now Milliseconds since the epoch: an `@observe("2026-12-01")` ends at that date. */
export function lintPolicies(policies: readonly Policy[], catalogue: Catalogue | null, now: number): Lint[] {
  const parsed = policies.map((policy) => ({ policy, json: JSON.parse(policy.json) as PolicyJson }));
  // Without a configuration the targets are not known, and nothing can be said of what is not there.
  const actions = catalogue === null || catalogue.trustDomains === null ? null : new KnownActions(catalogue);
  const shadows = new Shadows(parsed, actions);
  const against: Against = { groups: catalogue?.groups ?? null, actions, shadows, permitted: permittedBy(parsed) };
  return parsed.flatMap((each) => [
    ...canNeverApply(each, against),
    ...permitWithoutTask(each, against),
    ...approvalNobodyGives(each, against),
    ...approvalWithoutPermit(each, against),
    ...observeForgotten(each, now),
    ...unknownAnnotations(each),
    ...noReason(each),
  ]);
}

function canNeverApply({ policy, json }: Parsed, { actions, shadows }: Against): Lint[] {
  const problem = neverApplies(json, actions);
  if (problem !== null) return [lint(policy, 'never_applies', `the policy can never apply: ${problem}`)];
  const forbid = shadows.of({ policy, json });
  if (forbid === null) return [];
  return [
    lint(
      policy,
      'never_applies',
      `the permit decides nothing: \`${forbid.id}\` (${forbid.file}:${forbid.line}) forbids all of it`,
    ),
  ];
}

/** A permit outside of any task is a standing one. Remit's own operations are for people without a task, too. */
function permitWithoutTask({ policy, json }: Parsed, { actions }: Against): Lint[] {
  if (policy.effect !== 'permit' || policy.observe) return [];
  const head = headActions(json);
  const own = head !== null && head.every((id) => id.startsWith('remit:'));
  const readsOnly = head !== null && head.every((id) => id === 'read' || actions?.effectOf(id) === 'read');
  if (own || readsOnly || isOfRemitAlone(json) || asksForTask(json)) return [];
  return [
    lint(
      policy,
      'permit_without_task',
      'permits more than reading without asking for a task; add `when { context has task }`',
    ),
  ];
}

/** A permit for Remit's own resources alone. */
function isOfRemitAlone({ resource }: PolicyJson): boolean {
  return namesInConstraint(resource).some(
    ({ type, id }) => (type === 'Target' && id === 'remit') || (type === 'Resource' && id.startsWith('remit:')),
  );
}

function approvalNobodyGives({ policy, json }: Parsed, { groups }: Against): Lint[] {
  if (policy.approval === undefined) return [];
  const { names, people } = approvalRule(policy.approval);
  const nobody = (problem: string) => lint(policy, 'approval_nobody_gives', `nobody may approve: ${problem}`);
  const others = names.filter((name) => !isRequester(json, name));
  if (others.length === 0) {
    return [nobody(`\`${names[0]}\` is who asks, and nobody approves what they asked for themselves`)];
  }
  // An approver with an @ is a person's e-mail address, which no configuration lists.
  const isPerson = (name: string) => name.includes('@');
  if (others.every(isPerson) && new Set(others.map((name) => name.toLowerCase())).size < people) {
    return [nobody(`${people} people are asked for, and ${others.length} named`)];
  }
  return names
    .filter((name) => groups !== null && !groups.includes(name) && !isPerson(name))
    .map((name) => nobody(`there is no group \`${name}\`${suggestion(name, groups!)}`));
}

/** Whether the head is about one person alone, and that is who should approve. */
function isRequester({ principal }: PolicyJson, approval: string): boolean {
  const [person, ...more] = principal.op === '==' ? namesInConstraint(principal) : [];
  return (
    person?.type === 'Person' && more.length === 0 && (person.id === approval || person.id.endsWith(`|${approval}`))
  );
}

/** The operations and effects that some permit names; `any` where one names none. */
type Permitted = { any: boolean; some: boolean; ids: ReadonlySet<string> };

function permittedBy(all: readonly Parsed[]): Permitted {
  const heads = all
    .filter(({ policy }) => policy.effect === 'permit' && !policy.observe)
    .map(({ json }) => headActions(json));
  return { any: heads.includes(null), some: heads.length > 0, ids: new Set(heads.flatMap((head) => head ?? [])) };
}

/** A hold is only given where a permit is left once the approval has lifted its forbid. */
function approvalWithoutPermit({ policy, json }: Parsed, { permitted, actions }: Against): Lint[] {
  if (policy.approval === undefined || permitted.any) return [];
  const head = headActions(json);
  if (head === null ? permitted.some : head.some((id) => isPermitted(id, permitted, actions))) return [];
  return [
    lint(policy, 'approval_without_permit', 'no permit would be left after the approval, so nothing is ever held'),
  ];
}

/** Of what the catalogue does not have, an effect and an operation count as meeting. */
function isPermitted(id: string, { ids }: Permitted, actions: KnownActions | null): boolean {
  if (ids.has(id)) return true;
  const isOperation = id.includes(':');
  const effect = actions?.effectOf(id);
  for (const other of ids) {
    if (other.includes(':') === isOperation) continue;
    const [otherEffect, own] = [actions?.effectOf(other), effect];
    if (otherEffect === undefined || own === undefined || otherEffect === own) return true;
  }
  return false;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const YEAR_MS = 366 * 86_400_000;

function observeForgotten({ policy, json }: Parsed, now: number): Lint[] {
  if (!policy.observe) return [];
  const until = json.annotations?.['observe'] ?? '';
  const forgotten = (problem: string) => [lint(policy, 'observe_forgotten', problem)];
  if (until === '') return forgotten('is only observed; say until when, as in `@observe("2027-01-31")`');
  const end = DATE.test(until) ? Date.parse(until) : Number.NaN;
  // The 30th of February is read as a day of March.
  if (Number.isNaN(end) || new Date(end).toISOString().slice(0, 10) !== until) {
    return forgotten(`\`@observe("${until}")\` is no date; write \`@observe("2027-01-31")\``);
  }
  if (now >= end) return forgotten(`was to be observed until ${until}; enforce it or remove it`);
  return end - now > YEAR_MS ? forgotten(`is observed until ${until}, more than a year; enforce it earlier`) : [];
}

/** A misspelt annotation means nothing, and the policy something else than it says. */
function unknownAnnotations({ policy, json }: Parsed): Lint[] {
  return Object.keys(json.annotations ?? {}).flatMap((name) => {
    if ((ANNOTATIONS as readonly string[]).includes(name)) return [];
    // Short names are near to each other by nature.
    const near =
      name.length > 4
        ? suggestion(
            name,
            ANNOTATIONS.filter((known) => known.length > 4),
          )
        : '';
    return near === '' ? [] : [lint(policy, 'unknown_annotation', `\`@${name}\` means nothing to Remit${near}`)];
  });
}

/** A forbid without a reason leaves the caller with the policy's id. */
function noReason({ policy }: Parsed): Lint[] {
  if (policy.effect !== 'forbid' || policy.reason !== undefined) return [];
  return [lint(policy, 'no_reason', 'says nothing to whom it stops; add `@reason("…")`')];
}

function lint({ id, file, line }: Policy, code: Lint['code'], message: string): Lint {
  return { severity: 'warning', code, policy: id, file, line, message };
}
