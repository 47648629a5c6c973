import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicySet, type Policy } from '../policy-set.ts';
import { argumentsType } from './argument-type.ts';
import type { Catalogue } from './catalogue.ts';
import { parametersType } from './parameters-type.ts';
import { cedarSchema } from './schema.ts';
import { validatePolicies } from './validate.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const path = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const payment = {
  type: 'object',
  properties: {
    amount: { type: 'integer' },
    currency: { type: 'string' },
    note: { type: ['string', 'null'] },
    tags: { type: 'array', items: { type: 'string' } },
    anything: {},
  },
  required: ['amount', 'currency', 'tags', 'note'],
};

const catalogue: Catalogue = {
  targets: [
    {
      name: 'files',
      operations: [
        { name: 'read_file', effect: 'read', input: path },
        { name: 'list_folder', effect: 'read', input: path },
        { name: 'write_file', effect: 'write', input: { ...path, properties: { ...path.properties, text: {} } } },
      ],
    },
    {
      name: 'bank',
      operations: [
        { name: 'pay', effect: 'send', input: payment },
        { name: 'unseen', effect: 'write', input: null },
      ],
    },
  ],
  groups: ['staff', 'note-takers'],
  trustDomains: ['remit.local'],
};

const OTHERWISE = '\npermit (principal, action, resource) when { context has task };';

function policies(text: string, links?: object[]): readonly Policy[] {
  const files = {
    'a.cedar': text + OTHERWISE,
    ...(links === undefined ? {} : { 'a.links.json': JSON.stringify(links) }),
  };
  return [...parsePolicySet(files, sha256).policies.values()];
}

function check(text: string, links?: object[]) {
  return validatePolicies(policies(text, links), catalogue);
}

describe('what is refused, with its place', () => {
  it.each([
    [
      'an operation',
      'permit (principal,\n  action == Action::"files:raed_file", resource);',
      'a.cedar:2: there is no operation `files:raed_file`; did you mean `files:read_file`?',
    ],
    [
      'an operation in a condition',
      'permit (principal, action, resource)\n\nwhen { action != Action::"bank:pya" };',
      'a.cedar:3: there is no operation `bank:pya`; did you mean `bank:pay`?',
    ],
    [
      'a group',
      '// staff\npermit (principal in Group::"staf", action, resource);',
      'a.cedar:2: there is no group `staf`; did you mean `staff`?',
    ],
    [
      'a target',
      'permit (principal, action, resource in Target::"filse");',
      'a.cedar:1: there is no target `filse`; did you mean `files`?',
    ],
    [
      'a trust domain',
      'permit (principal in TrustDomain::"elsewhere.example", action, resource);',
      'a.cedar:1: there is no trust domain `elsewhere.example`',
    ],
    [
      'an argument',
      'permit (principal, action == Action::"files:read_file", resource)\nwhen {\n  context.args.pth == "x" };',
      /^a\.cedar:3: attribute `args\.pth` .*not found.*; did you mean `path`\?$/,
    ],
    [
      'an attribute of the context',
      'permit (principal, action, resource) when { context.senstivity.level > 1 };',
      /^a\.cedar:1: attribute `senstivity` .*not found.*; did you mean `sensitivity`\?$/,
    ],
    [
      'an attribute of the principal',
      'permit (principal is Agent, action, resource) when { principal.spifeid == "x" };',
      /^a\.cedar:1: attribute `spifeid` .*`spiffe_id`\?$/,
    ],
    [
      'an entity type',
      'permit (principal is Robot, action, resource);',
      /^a\.cedar:1: unrecognized entity type `Robot`/,
    ],
    [
      'an optional argument that is not asked for',
      'permit (principal, action == Action::"bank:pay", resource) when { context.args.note == "x" };',
      /^a\.cedar:1: unable to guarantee safety of access to optional attribute `args\.note`/,
    ],
    [
      'a comparison of two types',
      'permit (principal, action == Action::"bank:pay", resource) when { context.args.amount == "5" };',
      /^a\.cedar:1: the types Long and String are not compatible/,
    ],
    [
      'a comparison with what has no single type',
      'permit (principal, action == Action::"bank:pay", resource) when { context.args has anything && context.args.anything == 5 };',
      /^a\.cedar:1: the types .*Untyped.* so policy may only ask whether it is there$/,
    ],
    [
      'an argument that one of several operations lacks',
      'permit (principal, action in [Action::"files:read_file", Action::"bank:pay"], resource) when { context.args.path == "x" };',
      /^a\.cedar:1: attribute `args\.path` .*not found/,
    ],
    [
      'an argument of another operation of the effect',
      'permit (principal, action in Action::"write", resource) when { context.args.amount > 5 };',
      /^a\.cedar:1: attribute `args\.amount` .*not found/,
    ],
    [
      'an address that is none',
      'permit (principal, action, resource) when { ip("1.2.3.444").isLoopback() };',
      /^a\.cedar:1: error during extension function argument validation: .*1\.2\.3\.444/,
    ],
  ])('%s', (_what, text, expected) => {
    const places = check(text).map(({ file, line, message }) => `${file}:${line}: ${message}`);
    expect(places).toHaveLength(1);
    if (typeof expected === 'string') expect(places[0]).toBe(expected);
    else expect(places[0]).toMatch(expected);
  });

  it('a policy that can never apply, as a warning', () => {
    expect(check('permit (principal is Person, action, resource) when { principal is Agent };')).toMatchObject([
      { severity: 'warning', code: 'never_applies', line: 1 },
    ]);
  });

  it('a link, under its own name, at the place of its template', () => {
    const template = '\n@id("t") permit (principal in ?principal, action, resource);';
    const slots = (group: string) => ({ '?principal': `Group::"${group}"` });
    const links = ['staff', 'staf'].map((group) => ({ template_id: 't', link_id: `for-${group}`, args: slots(group) }));
    expect(check(template, links)).toMatchObject([
      { policy: 'for-staf', line: 2, message: 'there is no group `staf`; did you mean `staff`?' },
    ]);
  });

  it('each of many policies of one shape, at its own line', () => {
    const line = (n: number) =>
      `permit (principal, action == Action::"bank:pay", resource) when { context.args.amuont > ${n} };`;
    const found = check(Array.from({ length: 60 }, (_none, n) => line(n)).join('\n'));
    expect(found.map((finding) => finding.line)).toEqual(Array.from({ length: 60 }, (_none, n) => n + 1));
    expect(new Set(found.map(({ message }) => message)).size).toBe(1);
  });
});

describe('what is accepted', () => {
  it.each([
    ['an integer that a JSON number would round', 'context.args.amount > 9007199254740993'],
    [
      'a parameter of the task, as the type it is compared with',
      'context.args.amount <= context.task.parameters.limit + 5',
    ],
    [
      'a parameter beside an integer that a JSON number would round',
      'context.task.parameters.limit == 9007199254740993',
    ],
    ['a parameter that is a number, as the argument is', 'context.args.amount == context.task.parameters.limit'],
    ['a parameter that is a text, as the argument is', 'context.task.parameters.limit == context.args.currency'],
    ['a parameter among the texts of an argument', 'context.args.tags.contains(context.task.parameters.limit)'],
    ['what the budget has left', 'context.task.left has sum && context.task.left.sum.lessThan(decimal("5.0"))'],
    ['an optional argument that is asked for', 'context.args has note && context.args.note like "*x*"'],
    ['what has no single type, when only its presence is asked for', 'context.args has anything'],
    [
      'where an argument came from',
      'context has provenance && context.provenance has amount && context.provenance.amount == "prompt"',
    ],
    [
      'what the task has done before',
      'context.task.did has "files:write_file" && context.task.did["files:write_file"].succeeded > 0',
    ],
    ['how sensitive what it has read is', 'context.task.touched.level >= 3 && context.task.effects.delete < 3'],
    ['an operation that the head does not reach', 'action != Action::"files:write_file"'],
  ])('%s', (_what, condition) => {
    const parameters = condition.includes('parameters') ? 'context.task.parameters has limit && ' : '';
    const task = condition.includes('context.task.') ? `context has task && ${parameters}` : '';
    expect(check(`permit (principal, action == Action::"bank:pay", resource) when { ${task}${condition} };`)).toEqual(
      [],
    );
  });

  it('arguments of an operation whose definition nobody has seen', () => {
    expect(
      check('permit (principal, action == Action::"bank:unseen", resource) when { context.args.any == 1 };'),
    ).toEqual([]);
  });
});

/** Clauses with room for a literal: the same shape with another literal must come out the same. */
const CLAUSES: readonly ((literal: number) => string)[] = [
  (n) => `context.sensitivity.level > ${n}`,
  (n) => `context.args.amount == ${n}`,
  (n) => `context.args.path like "dir-${n}/*"`,
  (n) => `context.args.path == "dir-${n}"`,
  (n) => `context.args.tags.contains("t${n}")`,
  (n) => `context.args.tags == ["a", "t${n}"]`,
  (n) => `principal in Group::"${n % 2 === 0 ? 'staff' : 'note-takers'}"`,
  (n) => `Person::"a" == Person::"${n % 2 === 0 ? 'a' : 'b'}"`,
  (n) => `"a${n}" == "a2"`,
  (n) => `${n} == 2`,
  (n) => `ip("10.0.0.${n * 100}").isIpv4()`,
  (n) => `context.now.time > datetime("2026-1${n}-01")`,
  (n) => `resource.hasTag("t${n}")`,
  (n) => `{ a: ${n} }.a < ${n}`,
  (n) => `action == Action::"files:${n % 2 === 0 ? 'read_file' : 'write_file'}"`,
  (n) => `context has task && context.task.parameters has limit && context.task.parameters.limit > ${n}`,
  (n) =>
    `context has task && context.task.parameters has p && context.args.amount == context.task.parameters.p && ${n} > 1`,
  () => `context has task && context.task.parameters has p && context.task.parameters.p == context.args.path`,
  (n) => `(if context.approved then ${n} else "x") == ${n}`,
  (n) => `context.args has amount && context.args.amount < ${n}`,
];
const HEADS = [
  'principal, action, resource',
  'principal is Agent, action in Action::"read", resource',
  'principal, action == Action::"bank:pay", resource is Resource',
  'principal in Group::"staff", action in [Action::"files:read_file", Action::"files:write_file"], resource',
  'principal is Person, action in Action::"send", resource in Target::"bank"',
];

it('finds wrong what Cedar finds wrong, policy by policy and against every operation', () => {
  const schema = (json: cedar.PolicyJson) =>
    cedarSchema(
      catalogue.targets.flatMap(({ name: target, operations }) =>
        operations
          .filter(({ input }) => input !== null)
          .map(({ name, effect, input }) => ({
            id: `${target}:${name}`,
            effect,
            args: argumentsType(input!),
            parameters: parametersType(json, argumentsType(input!)),
          })),
      ),
    );
  const clause = fc.tuple(fc.constantFrom(...CLAUSES), fc.nat(3)).map(([text, literal]) => text(literal));
  const condition = fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses) => clauses.map((c) => `(${c})`));
  const policy = fc
    .tuple(fc.constantFrom(...HEADS), condition, fc.constantFrom(' && ', ' || '))
    .map(([head, clauses, joint]) => `permit (${head}) when { ${clauses.join(joint)} };`);
  let wrong = 0;
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 12 }), (texts) => {
      const parsed = policies(texts.join('\n'));
      const found = validatePolicies(parsed, { ...catalogue, targets: catalogue.targets.map(known) });
      const expected = parsed.filter(({ json, text }) => {
        const answer = cedar.validate({
          schema: schema(JSON.parse(json) as cedar.PolicyJson),
          policies: { staticPolicies: { it: text } },
        });
        if (answer.type === 'failure') throw new Error(answer.errors[0]!.message);
        return answer.validationErrors.length > 0;
      });
      // A misspelt attribute behind `has` is found by name, and not looked at for types.
      const of = (code: string) =>
        new Set(found.filter((each) => each.severity === 'error' && each.code === code).map((each) => each.policy));
      const misspelt = of('unknown_name');
      const ids = expected.map(({ id }) => id).filter((id) => !misspelt.has(id));
      expect([...of('type')].sort(byText)).toEqual(ids.sort(byText));
      wrong += expected.length;
    }),
    { numRuns: 150 },
  );
  expect(wrong).toBeGreaterThan(100);
});

function known(target: Catalogue['targets'][number]): Catalogue['targets'][number] {
  return { ...target, operations: target.operations.filter(({ input }) => input !== null) };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
