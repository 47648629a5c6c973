import type { Decision, DecisionOutcome, Reason } from '../../core/decision.ts';
import { recordedObligations } from '../../core/decision-record.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { DecisionRecord } from '../../core/record.ts';
import type { Pdp } from '../../pdp/pdp.ts';
import type { Policy } from '../../pdp/policy-set.ts';
import type { Catalogue } from '../../pdp/schema/catalogue.ts';
import type { Steps } from '../../pdp/steps.ts';
import { gravity } from '../flip.ts';
import { facetsOf } from './facets.ts';
import { mentionsOf } from './mentions.ts';
import { Search, type Changed, type Found } from './search.ts';

/** Names are those of the wire. */
export type DiffReport = {
  before: string;
  after: string;
  /** Policies that only one of the sets has, as they stand there. One that was changed is in both. */
  removed: PolicyPlace[];
  added: PolicyPlace[];
  /** How many generated requests were decided by both. What they do not reach is not compared. */
  requests: number;
  /** Of `removed` and `added`, those for which no request was found to which they apply: of these nothing is known. */
  unreached: string[];
  /** The gravest first. */
  groups: DiffGroup[];
};

export type PolicyPlace = { policy: string; effect: 'permit' | 'forbid'; file: string; line: number };

/** Differences of one kind: the same change, for the same cause. */
export type DiffGroup = {
  from: DecisionOutcome;
  to: DecisionOutcome;
  /** What differs where the outcome does not. */
  other: 'approvers' | 'obligations' | 'observed' | null;
  before: Cause;
  after: Cause;
  count: number;
  /** Some of the operations, as `target:operation`. */
  operations: string[];
  example: DiffExample;
};

/** Ids of the policies that determine the outcome, and the codes of its reasons. */
export type Cause = { policies: string[]; codes: Reason['code'][] };

export type DiffExample = {
  agent: string | null;
  delegator: string | null;
  target: string;
  operation: string;
  effect: string;
  resource: string | null;
  arguments: JsonObject;
  /** In which the request is not plain, such as `hour and weekday: 2026-11-29T06:00:00.000Z`. */
  circumstances: string[];
  before: Outcome;
  after: Outcome;
};

export type Outcome = Pick<Decision, 'outcome' | 'reasons' | 'approvers' | 'observed'> &
  Pick<DecisionRecord['decision'], 'obligations'>;

export type DiffParts = { catalogue: Catalogue; requests: number };

export const DEFAULT_REQUESTS = 100_000;
const SHOWN_OPERATIONS = 10;

/**
 * Which requests two policy sets decide otherwise, over requests made up from everything that either looks at. Both are
 * decided as in production. That nothing is found is no proof that there is nothing.
 */
export function* diffPolicies(before: Pdp, after: Pdp, parts: DiffParts): Steps<DiffReport> {
  const [old, young] = [[...before.policies.values()], [...after.policies.values()]];
  const removed = onlyIn(old, young);
  const added = onlyIn(young, old);
  const changed: Changed[] = [
    ...added.map((policy) => ({ policy, side: 'after' as const })),
    ...removed.map((policy) => ({ policy, side: 'before' as const })),
  ];
  const groups = new Map<string, DiffGroup & { found: Found }>();
  const all = [...old, ...young];
  const approvers = new Set(all.flatMap(({ approval }) => approval ?? []));
  const facets = facetsOf(mentionsOf(all), approvers, parts.catalogue);
  const choicesOf = (policies: readonly Policy[]) =>
    facetsOf(mentionsOf(policies), [], parts.catalogue).flatMap(({ name, choices }) =>
      choices.map(({ label }) => `${name}: ${label}`),
    );
  const plain = new Set(choicesOf([]));
  const search = new Search(
    facets,
    { before: { pdp: before, policies: old }, after: { pdp: after, policies: young } },
    {
      budget: changed.length === 0 ? 0 : parts.requests,
      isOtherwise,
      mentionedIn: (policies) => choicesOf(policies).filter((choice) => !plain.has(choice)),
    },
  );
  for (const found of search.run(changed)) {
    if (found === undefined) yield;
    else add(groups, found);
  }
  const { requests } = search;
  const list = [...groups.values()].map(({ found, ...group }) => {
    const smallest = search.smallest(found, (other) => keyOf(other) === keyOf(found));
    const circumstances = facets.flatMap(({ name, choices }, place) => {
      const choice = smallest.point[place]!;
      return choice === 0 || SHOWN_APART.test(name) ? [] : [`${name}: ${choices[choice]!.label}`];
    });
    return { ...group, example: exampleOf(smallest, circumstances) };
  });
  const name = (group: DiffGroup) => JSON.stringify([group.after, group.before]);
  list.sort((a, b) => gravity(a) - gravity(b) || b.count - a.count || (name(a) < name(b) ? -1 : 1));
  const place = ({ id, effect, file, line }: Policy): PolicyPlace => ({ policy: id, effect, file, line });
  return {
    before: before.policySet,
    after: after.policySet,
    removed: removed.map(place),
    added: added.map(place),
    requests,
    unreached: [...new Set(search.unreached.map(({ id }) => id))],
    groups: list,
  };
}

/** What an example says in words of its own. */
const SHOWN_APART = /^(?:caller|action|resource|agent|delegator|argument .*)$/;

/** By what they say: a policy that has moved or has another id is the same. */
function onlyIn(policies: readonly Policy[], others: readonly Policy[]): Policy[] {
  const known = new Set(others.map(meaningOf));
  return policies.filter((policy) => !known.has(meaningOf(policy)));
}

function meaningOf({ json, slots, approval, observe, maxLifetimeSeconds }: Policy): string {
  const { annotations: _annotations, ...rest } = JSON.parse(json) as JsonObject;
  return canonicalJson({
    ...rest,
    slots: (slots ?? null) as JsonValue,
    approval: approval ?? null,
    observe,
    lifetime: maxLifetimeSeconds ?? null,
  });
}

function isOtherwise(before: Decision, after: Decision): boolean {
  return before.outcome !== after.outcome || otherOf(before, after) !== null;
}

function otherOf(before: Decision, after: Decision): DiffGroup['other'] {
  if (before.outcome !== after.outcome) return null;
  if (before.approvers.toSorted().join('\n') !== after.approvers.toSorted().join('\n')) return 'approvers';
  if (before.obligations?.maxLifetimeSeconds !== after.obligations?.maxLifetimeSeconds) return 'obligations';
  return before.observed.toSorted().join('\n') === after.observed.toSorted().join('\n') ? null : 'observed';
}

function causeOf({ policies, reasons }: Decision): Cause {
  return { policies: policies.toSorted(), codes: [...new Set(reasons.map(({ code }) => code))] };
}

function keyOf({ before, after }: Found): string {
  return JSON.stringify([
    before.outcome,
    after.outcome,
    otherOf(before, after),
    causeOf(before),
    causeOf(after),
    before.approvers,
    after.approvers,
    before.obligations,
    after.obligations,
  ]);
}

function add(groups: Map<string, DiffGroup & { found: Found }>, found: Found): void {
  const key = keyOf(found);
  const { before, after, input } = found;
  const group = groups.get(key) ?? {
    from: before.outcome,
    to: after.outcome,
    other: otherOf(before, after),
    before: causeOf(before),
    after: causeOf(after),
    count: 0,
    operations: [],
    example: exampleOf(found, []),
    found,
  };
  group.count += 1;
  const operation = `${input.action.target}:${input.action.operation}`;
  if (group.operations.length < SHOWN_OPERATIONS && !group.operations.includes(operation)) {
    group.operations.push(operation);
  }
  groups.set(key, group);
}

function exampleOf({ input, before, after }: Found, circumstances: string[]): DiffExample {
  const { action, agent, delegator } = input;
  const outcomeOf = (decision: Decision): Outcome => {
    const { outcome, reasons, approvers, observed } = decision;
    return { outcome, reasons, approvers, observed, ...recordedObligations(decision) };
  };
  return {
    agent: agent?.id ?? null,
    delegator: delegator === null ? null : `${delegator.subject} of ${delegator.issuer}`,
    target: action.target,
    operation: action.operation,
    effect: action.effect,
    resource: action.resources[0] ?? null,
    arguments: action.arguments,
    circumstances,
    before: outcomeOf(before),
    after: outcomeOf(after),
  };
}
