import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../test/fixtures/task.ts';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { formatPolicies } from '../../pdp/cedar/format.ts';
import { createPdp } from '../../pdp/pdp.ts';
import { finish } from '../../pdp/steps.ts';
import { OWN_CATALOGUE_TARGET } from '../catalogue.ts';
import { diffPolicies, type DiffReport } from './diff.ts';

const pack = readPolicyFolder(join(import.meta.dirname, '../../../examples/policies'));
const parts = { sha256, checkArguments: createCheckArguments() };
const catalogue = { targets: [OWN_CATALOGUE_TARGET], groups: null, trustDomains: null };

type Files = Record<string, string>;
const diff = (before: Files, after: Files, requests = 6_000): DiffReport =>
  finish(diffPolicies(createPdp(before, parts), createPdp(after, parts), { catalogue, requests }));

/** The starter pack with one text in one file replaced. */
function changed(file: string, from: string | RegExp, to: string): Files {
  const text = pack[file]!.replace(from, to);
  if (text === pack[file]) throw new Error(`\`${file}\` holds nothing like ${String(from)}`);
  return { ...pack, [file]: text };
}

describe('what a change of the starter pack lets through, or holds back', () => {
  const POLICY = (id: string) => new RegExp(`@id\\("${id}"\\)[\\s\\S]*?^(?:permit|forbid)[\\s\\S]*?;\\n`, 'm');
  test.each<[name: string, files: Files, change: string, resource?: string]>([
    ['a widened pattern', changed('change.cedar', 'file:drafts/*', 'file:*'), 'hold>permit'],
    ['a narrower pattern', changed('change.cedar', 'file:drafts/*', 'file:drafts/mine/*'), 'permit>hold'],
    ['a forbid that was dropped', changed('egress.cedar', POLICY('confidential-data-does-not-leave'), ''), 'deny>hold'],
    ['an approval that was dropped', changed('change.cedar', '@approval("change-approvers")\n', ''), 'hold>deny'],
    ['a limit raised by one', changed('delegation.cedar', 'depth >= 2', 'depth >= 3'), 'deny>permit'],
    ['an hour raised by one', changed('change.cedar', 'hour >= 18', 'hour >= 19'), 'deny>hold'],
    ['an age raised by one', changed('trust.cedar', 'age_seconds > 300', 'age_seconds > 301'), 'deny>permit'],
    ['an exception that was dropped', changed('delegation.cedar', /unless \{ context has task \}/, ''), 'deny>permit'],
    ['a trial that is enforced', changed('change.cedar', '@observe("2027-06-30")\n', ''), 'permit>deny'],
    [
      'another group',
      changed('delegation.cedar', 'principal in Group::"staff",', 'principal in Group::"crew",'),
      'deny>permit',
    ],
    ['another trust domain', changed('trust.cedar', '"remit.local"', '"elsewhere.example"'), 'deny>permit'],
    ['a weaker sign-in', changed('remit.cedar', '["phr", "phrh"]', '["phr", "phrh", "mfa"]'), 'deny>permit'],
    [
      'a new permit',
      {
        ...pack,
        'new.cedar': 'permit (principal, action in Action::"execute", resource) when { context.args.cmd == "ls" };',
      },
      '',
    ],
  ])('%s', (_name, files, change) => {
    const { groups, unreached } = diff(pack, files);
    expect(unreached).toEqual([]);
    const changes = groups.map(({ from, to }) => `${from}>${to}`);
    // What another policy forbids anyway is no difference.
    if (change === '') expect(changes).toEqual([]);
    else expect(changes).toContain(change);
    // The other way round it is the other way round.
    const back = diff(files, pack).groups.map(({ from, to }) => `${to}>${from}`);
    expect([...new Set(back)].toSorted()).toEqual([...new Set(changes)].toSorted());
  });

  test('other approvers, shorter tokens, and other policies on trial', () => {
    const approvers = diff(pack, changed('egress.cedar', '@approval("communications")', '@approval("press")'));
    expect(approvers.groups.map(({ from, to, other }) => [from, to, other])).toContainEqual([
      'hold',
      'hold',
      'approvers',
    ]);
    const shorter = diff(pack, changed('remit.cedar', '@id("tokens-on-request")', '@max_lifetime("60s") $&'));
    expect(shorter.groups.length).toBeGreaterThan(0);
    for (const { from, to, other, example } of shorter.groups) {
      expect([from, to, other]).toEqual(['permit', 'permit', 'obligations']);
      expect(example.after.obligations).toEqual({ max_lifetime_seconds: 60 });
    }
    const trial = diff(pack, changed('change.cedar', 'context.task.calls >= 20', 'context.task.calls >= 21'));
    expect(trial.groups.map(({ other }) => other)).toEqual(trial.groups.map(() => 'observed'));
    expect(trial.groups.length).toBeGreaterThan(0);
  });
});

test('the example is as plain as it can be, and says what matters', () => {
  const { groups, added, removed } = diff(pack, changed('trust.cedar', 'age_seconds > 300', 'age_seconds > 301'));
  const [first] = groups.filter(({ from, to }) => from === 'deny' && to === 'permit');
  expect(first!.example.circumstances).toEqual(['age of the token in seconds: 301']);
  expect([removed.map(({ policy }) => policy), added.map(({ policy }) => policy)]).toEqual([
    ['changes-need-a-fresh-token'],
    ['changes-need-a-fresh-token'],
  ]);
});

test('arguments are found at any depth, and with names of built-ins', () => {
  const rule = (limit: number) => ({
    'a.cedar': `permit (principal, action, resource) when { context.args has constructor.amount && context.args.constructor.amount < ${limit} };`,
  });
  const { groups } = diff(rule(10), rule(11));
  expect(groups.map(({ from, to }) => `${from}>${to}`)).toEqual(['deny>permit']);
  expect(groups[0]!.example.arguments).toEqual({ constructor: { amount: 10 } });
});

test.each<[name: string, before: string, after: string, change: string]>([
  [
    'arguments that are compared with each other',
    'permit (principal, action, resource) when { context.args.a == context.args.b };',
    'permit (principal, action, resource) when { context.args.a == context.args.b && context.args.a != "z" };',
    'permit>deny',
  ],
  [
    'a duration',
    'forbid (principal is Person, action, resource) when { context.now.time.durationSince(principal.auth_time) > duration("15m") };',
    'forbid (principal is Person, action, resource) when { context.now.time.durationSince(principal.auth_time) > duration("16m") };',
    'deny>permit',
  ],
  [
    'several members of a set',
    'forbid (principal is Person, action, resource) unless { principal.amr.containsAll(["otp", "pwd", "hwk"]) };',
    'forbid (principal is Person, action, resource) unless { principal.amr.containsAll(["otp", "pwd"]) };',
    'deny>permit',
  ],
  [
    'a decimal',
    'forbid (principal, action, resource) when { context.args.rate.lessThan(decimal("0.5")) };',
    'forbid (principal, action, resource) when { context.args.rate.lessThanOrEqual(decimal("0.5")) };',
    'permit>deny',
  ],
  [
    'an attribute that may be absent',
    'forbid (principal, action, resource) when { context has token && context.token.age_seconds > 60 };',
    'forbid (principal, action, resource) when { context.token.age_seconds > 60 };',
    'permit>deny',
  ],
])('%s', (_name, before, after, change) => {
  const all = '@id("all") permit (principal, action, resource);';
  const set = (text: string) => ({ 'a.cedar': text.startsWith('permit') ? text : `${all} ${text}` });
  expect(diff(set(before), set(after)).groups.map(({ from, to }) => `${from}>${to}`)).toContain(change);
});

test('what a link fills a template with', () => {
  const linked = (group: string) => ({
    'a.cedar': '@id("t") permit (principal in ?principal, action, resource);',
    'a.links.json': JSON.stringify([{ template_id: 't', link_id: 'l', args: { '?principal': `Group::"${group}"` } }]),
  });
  expect(diff(linked('one'), linked('two')).groups.map(({ from, to }) => `${from}>${to}`)).toEqual([
    'deny>permit',
    'permit>deny',
  ]);
});

test('the same policies in another order, format, file and under other ids are no difference', () => {
  const moved: Files = {};
  for (const [name, text] of Object.entries(pack)) {
    const formatted = formatPolicies(text);
    if ('problem' in formatted) throw new Error(formatted.problem);
    moved[`z-${name}`] = formatted.text
      .replace(/@id\("/g, '@id("other-')
      .replace(/@reason\("/g, '@reason("as before: ');
  }
  expect(diff(pack, moved)).toMatchObject({ added: [], removed: [], requests: 0, groups: [] });
});

test('from a set that permits nothing of it to one that permits everything, and the same twice', () => {
  const nothing = { 'a.cedar': 'permit (principal, action == Action::"remit:log.read", resource);' };
  const everything = { 'a.cedar': 'permit (principal, action, resource);' };
  const report = diff(nothing, everything, 5_000);
  expect(report.groups[0]).toMatchObject({ from: 'deny', to: 'permit' });
  expect(diff(nothing, everything, 5_000)).toEqual(report);
});

test('a policy to which no request was found is named', () => {
  const before = { 'a.cedar': '@id("all") permit (principal, action in Action::"read", resource);' };
  const after = {
    'a.cedar': `${before['a.cedar']} @id("never") forbid (principal, action, resource) when { context.args.a < 1 && context.args.a > 2 };`,
  };
  expect(diff(before, after, 2_000).unreached).toEqual(['never']);
});

test('four hundred changed policies share the requests', () => {
  const rules = (more: number) =>
    Array.from(
      { length: 400 },
      (_none, n) =>
        `@id("p${n}") permit (principal in Group::"g${n}", action, resource) when { context.args.n < ${n + more} };`,
    ).join('\n');
  const { requests, groups } = diff({ 'a.cedar': rules(0) }, { 'a.cedar': rules(1) }, 16_000);
  expect(requests).toBeLessThan(18_000);
  expect(groups.length).toBeGreaterThan(360);
}, 60_000);
