import fc from 'fast-check';
import type { DecisionInput, TaskView } from '../../src/core/decision.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import type { CheckArguments } from '../../src/core/grant.ts';
import { createPdp } from '../../src/pdp/pdp.ts';
import { anyInput } from '../fixtures/decision-input.ts';
import { NOW, sampleInput, sampleTask, sha256 } from '../fixtures/task.ts';
import { naiveDecision, type NaiveDecision, type NaivePolicy } from './naive-decision.ts';

/** Sets of policies and inputs for both, few of them denied before policy is asked. */

/** The one head under which a token's life can be capped. */
const ISSUE = 'action == Action::"remit:token.issue"';

const HEADS = {
  principal: [
    'principal',
    'principal',
    'principal is Agent',
    'principal is Person',
    'principal in Group::"staff"',
    'principal in Group::"readers"',
    'principal in TrustDomain::"remit.local"',
    'principal == Person::"https://idp.example.test|alice"',
  ],
  action: [
    'action',
    'action',
    'action in Action::"read"',
    'action in [Action::"write", Action::"delete"]',
    'action == Action::"files:read_text_file"',
    ISSUE,
  ],
  resource: [
    'resource',
    'resource',
    'resource in Target::"files"',
    'resource is Resource',
    'resource is Target',
    'resource == Resource::"files:file:notes/a"',
  ],
};

const CONDITIONS = [
  'true',
  'context.args has path && context.args.path like "notes/*"',
  'context.args.path == "notes/a"',
  'context.args has limit && context.args.limit > 3',
  'context.args.limit + 9223372036854775807 > 0',
  'context.args has list && context.args.list.containsAny([1, 2, "a"])',
  'context.args has nested && context.args.nested has amount',
  'context.args has constructor || context.args has toString || context.args has hasOwnProperty',
  'context.args has amount && context.args.amount.lessThan(decimal("1.5"))',
  'resource.name like "file:notes/*"',
  'resource.sensitivity.level >= context.task.sensitivity.level',
  'context has task && context.task.depth > 0',
  'context has root && context.root.calls > 2 && context.root.purpose like "*a*"',
  'context has root && context.root.age_seconds > 60 && principal == context.root.agent',
  'context has task && context.task.purpose like "*a*"',
  'context.task.parameters has limit && context.task.parameters.limit == context.args.limit',
  'context.task has labels && context.task.labels.contains("untrusted")',
  'context has task && context.task.touched.level >= 1',
  'context.task.did has "files:read_text_file" && context.task.did["files:read_text_file"].succeeded > 1',
  'context.task.did["files:write_file"].last_seconds_ago < context.task.did["files:read_text_file"].first_seconds_ago',
  'context.task.effects.delete < 3 && context.task.effects.read > 1',
  'context.task.did has constructor || context.task.did has toString',
  'context has origin && context.origin.trust != "authenticated"',
  'context.origin has author && context.origin.author == "carol"',
  'context has token && context.token.age_seconds > 30',
  'context.token.binding == "mtls"',
  'context has delegator && context.delegator in Group::"note-owners"',
  'context.delegator has email',
  'principal has amr && principal.amr.contains("otp")',
  'principal has auth_time && principal.auth_time < context.now.time',
  'context has chain && context.chain.contains(Agent::"spiffe://other.test/agent/b")',
  'context has provenance && context.provenance has path && context.provenance.path == "untrusted"',
  'context has flow && context.flow.targets.contains("untrusted")',
  'context has flow && context.flow.links.containsAny(["unseen", "prompt"])',
  'context.task.left.calls < 8 && context.task.left has effect && context.task.left.effect > 0',
  'context.task.left has operation && context.task.left.operation > 1',
  'context.task.left has sum && context.task.left.sum.lessThan(decimal("3.0"))',
  'context.task has profile && context.task.profile.name == "notes" && context.task.profile.version > 1',
  'context.approved',
  'context.now.hour == 12 && context.now.weekday == 1',
];

const clause = fc.tuple(fc.constantFrom('when', 'unless'), fc.constantFrom(...CONDITIONS));

const seconds = fc.integer({ min: 10, max: 300 });

type PolicyParts = Omit<NaivePolicy, 'id' | 'text'> & {
  head: readonly string[];
  clauses: readonly (readonly string[])[];
};

/** Rules of `@approval`, and what they mean. */
const RULES = [
  { text: 'note-owners', people: 1, names: ['note-owners'] },
  { text: 'security', people: 1, names: ['security'] },
  { text: 'bob', people: 1, names: ['bob'] },
  { text: 'bob, security', people: 1, names: ['bob', 'security'] },
  { text: '2 of note-owners', people: 2, names: ['note-owners'] },
  { text: "2 of 'note-owners',security", people: 2, names: ['note-owners', 'security'] },
  { text: 'note-owners; acr mfa phr; max_age 60', people: 1, names: ['note-owners'], acr: ['mfa', 'phr'] },
];

const policyParts: fc.Arbitrary<PolicyParts> = fc.record({
  effect: fc.constantFrom('permit' as const, 'permit' as const, 'forbid' as const),
  head: fc.tuple(
    fc.constantFrom(...HEADS.principal),
    fc.constantFrom(...HEADS.action),
    fc.constantFrom(...HEADS.resource),
  ),
  clauses: fc.array(clause, { maxLength: 2 }),
  approval: fc.option(fc.constantFrom(...RULES), { nil: undefined }),
  observe: fc.constantFrom(false, false, false, true),
  controls: fc.subarray(['ASI02', 'ASI03', 'NHI5']),
  maxLifetime: fc.option(seconds, { nil: undefined }),
});

/** Id first in the alphabet last in the file, so that order is no accident. */
const policySet: fc.Arbitrary<NaivePolicy[]> = fc
  .tuple(fc.boolean(), fc.option(seconds, { nil: undefined }), fc.array(policyParts, { minLength: 1, maxLength: 7 }))
  .map(([open, maxLifetime, parts]) => {
    const all = parts.map((each, place) => policyOf(each, `p${parts.length - place}`));
    // Few of the others permit the one operation that a life can be capped of.
    const tokens = { effect: 'permit' as const, head: ['principal', ISSUE, 'resource'], clauses: [], maxLifetime };
    if (maxLifetime !== undefined) all.push(policyOf(tokens, 'tokens'));
    const everything = { effect: 'permit' as const, head: ['principal', 'action', 'resource'], clauses: [] };
    return open || all.every(({ effect, observe }) => effect === 'forbid' || observe === true)
      ? [...all, policyOf(everything, 'all')]
      : all;
  });

function policyOf(parts: PolicyParts, id: string): NaivePolicy {
  const { head, clauses, approval, observe, controls, effect } = parts;
  const held = effect === 'forbid' ? approval : undefined;
  const maxLifetime = effect === 'permit' && head.includes(ISSUE) ? parts.maxLifetime : undefined;
  const text = [
    `@id("${id}")`,
    ...(held === undefined ? [] : [`@approval("${held.text}")`]),
    ...(observe === true ? ['@observe'] : []),
    ...(controls === undefined || controls.length === 0 ? [] : [`@control("${controls.join(', ')}")`]),
    ...(maxLifetime === undefined ? [] : [`@max_lifetime("${maxLifetime}s")`]),
    `${effect} (${head.join(', ')})`,
    ...clauses.map(([word, condition]) => `${word} { ${condition} }`),
  ];
  return {
    id,
    effect,
    text: `${text.join(' ')};`,
    ...(held === undefined ? {} : { approval: held }),
    ...(observe === undefined ? {} : { observe }),
    ...(controls === undefined ? {} : { controls }),
    ...(maxLifetime === undefined ? {} : { maxLifetime }),
  };
}

/** JSON as agents send it, with what Cedar has no form for, and names that JavaScript knows. */
const hostileValue: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>('notes/a', 'notes/monday.md', 'private/b', 1, 4, 0, -0, 0.5, 1.25, true, null),
  fc.constantFrom<JsonValue>(0.123456, 1e-7, 2 ** 53, -(2 ** 53), 2 ** 53 - 1, [null], [1, 'a', [true]], [[0.1]], {}),
  fc.constantFrom<JsonValue>({ amount: 1 }, { amount: null }, { __entity: { type: 'Person', id: 'bob' } }, [
    { __extn: 1 },
  ]),
);
const hostileArguments: fc.Arbitrary<JsonObject> = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom(
        'path',
        'limit',
        'nested',
        'list',
        'amount',
        'constructor',
        'toString',
        'hasOwnProperty',
        '__proto__',
      ),
      hostileValue,
    ),
    { maxLength: 4, selector: ([name]) => name },
  )
  .map(
    (members) =>
      JSON.parse(
        `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`,
      ) as JsonObject,
  );

/** Open from this very millisecond on. */
const WINDOW = { notBefore: NOW, expiresAt: NOW + 1 };

/** Parts of an arbitrary input in one that would pass every check before policy. */
const likelyInput: fc.Arbitrary<DecisionInput> = fc
  .record({
    any: anyInput,
    plain: fc.array(fc.constantFrom('token', 'grants', 'sensitivity', 'resources', 'definition', 'budget'), {
      maxLength: 1,
    }),
    args: fc.option(hostileArguments, { nil: null, freq: 2 }),
    resources: fc.uniqueArray(fc.constantFrom('file:notes/monday.md', 'file:notes/a', 'file:private/b'), {
      maxLength: 3,
    }),
    own: fc.integer({ min: 0, max: 9 }),
    window: fc.constantFrom(sampleTask().window, sampleTask().window, WINDOW, WINDOW, {
      notBefore: NOW,
      expiresAt: NOW,
    }),
  })
  .map(({ any, plain, args, resources, own, window }) => {
    const wild = new Set<string>(plain);
    const sample = sampleInput();
    const action = {
      ...any.action,
      ...(own === 0 ? { target: 'remit', operation: 'token.issue' } : { target: 'files' }),
      definition: wild.has('definition') ? any.action.definition : ('pinned' as const),
      resources: wild.has('resources') ? any.action.resources : resources,
      arguments: args ?? any.action.arguments,
      ...(wild.has('sensitivity') ? {} : { sensitivity: 'internal' as const }),
    };
    if (!wild.has('definition')) delete action.undescribed;
    const grant = [{ type: 'remit_grant' as const, target: 'files', effects: [action.effect] }];
    const level = ({ task, used, ...labels }: TaskView): TaskView => ({
      ...labels,
      used,
      task: {
        ...task,
        state: 'active',
        window,
        budget: { ...task.budget, calls: wild.has('budget') ? task.budget.calls : 10 },
        grant: wild.has('grants') ? task.grant : grant,
        sensitivity: wild.has('sensitivity') ? task.sensitivity : 'restricted',
      },
    });
    const chain = any.chain.length > 0 ? any.chain.map(level) : own === 0 ? [] : sample.chain.map(level);
    const token = any.token === null || wild.has('token') ? any.token : { ...any.token, narrowedTo: grant };
    return { ...any, fresh: true, now: NOW, action, chain, token };
  });

export type ModelCase = { policies: NaivePolicy[]; input: DecisionInput };

export const modelCase: fc.Arbitrary<ModelCase> = fc.record({
  policies: policySet,
  input: fc.oneof({ weight: 1, arbitrary: anyInput }, { weight: 6, arbitrary: likelyInput }),
});

/** What both say, in one form: lists that promise no order are sorted. */
export function bothDecide({ policies, input }: ModelCase, checkArguments: CheckArguments) {
  const files = { 'model.cedar': policies.map(({ text }) => text).join('\n') };
  const {
    reasons,
    policySet: _hash,
    obligations,
    ...rest
  } = createPdp(files, { sha256, checkArguments }).decide(input);
  const maxLifetime = obligations?.maxLifetimeSeconds ?? null;
  const real = { ...rest, codes: reasons.map(({ code }) => code), maxLifetime };
  return { real: inOrder(real), model: inOrder(naiveDecision(input, policies, checkArguments)) };
}

function inOrder(decision: NaiveDecision): NaiveDecision {
  const { outcome, policies, approvers, observed, controls, liftedByApproval, codes, maxLifetime } = decision;
  return {
    outcome,
    codes: codes.toSorted(),
    policies: policies.toSorted(),
    approvers: approvers.toSorted(),
    observed: observed.toSorted(),
    controls: controls.toSorted(),
    liftedByApproval: liftedByApproval.toSorted(),
    maxLifetime,
  };
}
