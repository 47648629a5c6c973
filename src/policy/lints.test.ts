import { expect, test } from 'vitest';
import { sha256 } from '../../test/fixtures/task.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { checkPolicies } from './check.ts';

const input = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    recipient: { type: 'string' },
    nested: { type: 'object', properties: { colour: { type: 'string' } } },
  },
  required: ['path'],
};
const CATALOGUE: Catalogue = {
  targets: [
    {
      name: 'files',
      operations: [
        { name: 'read', effect: 'read', input },
        { name: 'write', effect: 'write', input },
      ],
    },
    {
      name: 'mail',
      operations: [
        { name: 'send', effect: 'send', input },
        { name: 'unseen', effect: 'read', input: null },
      ],
    },
    { name: 'remit', operations: [{ name: 'task.create', effect: 'delegate', input: null }] },
  ],
  groups: ['staff', 'note-owners'],
  trustDomains: ['remit.local'],
};
const NOW = Date.UTC(2026, 10, 25);

/** What is found in `policy`, which starts on line 3 behind one that has nothing wrong. */
function found(policy: string, catalogue: Catalogue = CATALOGUE): string[] {
  const files = { 'a.cedar': `permit (principal, action in Action::"read", resource);\n\n${policy}` };
  return checkPolicies(files, catalogue, { sha256, now: NOW }).findings.map(
    ({ file, line, code, message }) => `${file}:${line} ${code}: ${message}`,
  );
}

const permit = (head: string, rest = '') => `permit (${head}) ${rest};`;
const forbid = (head: string, rest = '') => `@reason("x") forbid (${head}) ${rest};`;
const ANY = 'principal, action, resource';
const READ = 'principal, action in Action::"read", resource';

/** `null`: nothing of that code is found. */
const LINTS: [code: string, policy: string, message: RegExp | null][] = [
  // A policy that can never apply.
  ['never_applies', permit(READ, 'when { false }'), /a\.cedar:3/],
  ['never_applies', permit(READ, 'unless { true }'), /a\.cedar:3/],
  ['never_applies', permit(READ, 'when { 1 == 2 }'), /can never apply/],
  [
    'never_applies',
    permit('principal is Agent, action in Action::"read", resource', 'when { principal is Person }'),
    /can never apply/,
  ],
  ['never_applies', permit('principal, action in Action::"read", resource is Group'), /can never apply/],
  ['never_applies', permit('principal in Target::"files", action in Action::"read", resource'), /can never apply/],
  ['never_applies', permit('principal, action in [], resource'), /names no operation/],
  [
    'never_applies',
    permit('principal, action == Action::"files:write", resource in Target::"mail"'),
    /`mail` has no operation that is `files:write`/,
  ],
  [
    'never_applies',
    permit('principal, action == Action::"files:write", resource == Resource::"mail:x"'),
    /`mail` has no/,
  ],
  [
    'never_applies',
    permit('principal, action in Action::"send", resource in Target::"files"'),
    /`files` has no operation that is `send`/,
  ],
  [
    'never_applies',
    permit('principal, action in [Action::"files:write", Action::"send"], resource in Target::"mail"'),
    null,
  ],
  ['never_applies', forbid('principal, action in Action::"send", resource in Target::"files"'), null],
  ['never_applies', forbid('principal, action in Action::"mint", resource'), null],
  ['never_applies', permit('principal, action == Action::"files:write", resource in Target::"files"'), null],
  ['never_applies', permit(READ, 'when { context.now.hour > 18 && context.now.hour < 7 }'), /exclude each other/],
  ['never_applies', permit(READ, 'when { context.now.hour > 18 || context.now.hour < 7 }'), null],
  ['never_applies', permit(READ, 'when { context.now.hour >= 7 && 7 >= context.now.hour }'), null],
  ['never_applies', permit(READ, 'when { context.now.hour > 7 } when { 8 > context.now.hour }'), /exclude each other/],
  ['never_applies', permit(READ, 'when { context.now.hour > 7 } unless { context.now.hour < 5 }'), null],
  [
    'never_applies',
    permit(READ, 'when { context.now.hour == 9223372036854775807 && context.now.hour == 9223372036854775806 }'),
    /exclude/,
  ],
  [
    'never_applies',
    permit(READ, 'when { context.sensitivity.name == "a" && context.sensitivity.name == "b" }'),
    /exclude/,
  ],
  ['never_applies', permit(READ, 'when { context.sensitivity.name == "a" && "a" == context.sensitivity.name }'), null],
  ['never_applies', permit(READ, 'when { context.approved && !context.approved }'), /opposite/],
  ['never_applies', permit(READ, 'when { context.approved && !(context has task) }'), null],
  [
    'never_applies',
    `@id("no") ${forbid('principal is Agent, action in Action::"write", resource')} ${permit('principal == Agent::"a", action == Action::"files:write", resource')}`,
    /decides nothing: `no` \(a\.cedar:3\) forbids/,
  ],
  [
    'never_applies',
    `${forbid('principal is Agent, action in Action::"write", resource')} ${permit('principal, action == Action::"files:write", resource')}`,
    null,
  ],
  [
    'never_applies',
    `${forbid('principal, action == Action::"files:write", resource')} ${permit('principal, action in Action::"write", resource')}`,
    null,
  ],
  ['never_applies', `@approval("staff") ${forbid('principal, action in Action::"read", resource')}`, null],
  ['never_applies', `@observe("2026-12-01") ${forbid(READ)}`, null],
  ['never_applies', forbid(READ, 'when { context.approved }'), null],

  // A permit without a task, on more than reading.
  ['permit_without_task', permit(ANY), /context has task/],
  ['permit_without_task', permit('principal, action == Action::"files:write", resource'), /context has task/],
  [
    'permit_without_task',
    permit('principal, action in [Action::"read", Action::"write"], resource'),
    /context has task/,
  ],
  ['permit_without_task', permit(READ), null],
  ['permit_without_task', permit('principal, action == Action::"files:read", resource'), null],
  ['permit_without_task', permit('principal, action == Action::"remit:task.create", resource'), null],
  ['permit_without_task', permit('principal, action, resource in Target::"remit"'), null],
  ['permit_without_task', permit(ANY, 'when { context has task }'), null],
  ['permit_without_task', permit(ANY, 'when { context.approved && context has task.purpose }'), null],
  ['permit_without_task', permit(ANY, 'unless { !(context has task) }'), null],
  ['permit_without_task', permit(ANY, 'unless { context.approved || !(context has task) }'), null],
  ['permit_without_task', permit(ANY, 'unless { context.approved && !(context has task) }'), /context has task/],
  ['permit_without_task', permit(ANY, 'when { !(context has task) }'), /context has task/],
  ['permit_without_task', permit(ANY, 'unless { context has task }'), /context has task/],
  ['permit_without_task', permit(ANY, 'when { context has task || context.approved }'), /context has task/],
  [
    'permit_without_task',
    permit(ANY, 'when { context.approved || context has task && context.task.calls < 3 }'),
    /context has task/,
  ],
  [
    'permit_without_task',
    permit(
      ANY,
      'when { (context has task && context.approved) || (context has origin && context.origin.trust == "x") }',
    ),
    null,
  ],
  [
    'permit_without_task',
    permit(ANY, 'when { if context.approved then context has task else context has chain }'),
    null,
  ],
  [
    'permit_without_task',
    permit(ANY, 'when { if context has task then true else context.approved }'),
    /context has task/,
  ],
  ['permit_without_task', permit(ANY, 'when { if context has task then context.approved else false }'), null],
  ['permit_without_task', `@observe("2026-12-01") ${permit(ANY)}`, null],
  ['permit_without_task', forbid(ANY), null],

  // An approval that nobody could give.
  [
    'approval_nobody_gives',
    `@approval("note-owner") ${forbid(READ)}`,
    /no group `note-owner`; did you mean `note-owners`/,
  ],
  ['approval_nobody_gives', `@approval("staff, note-owners") ${forbid(READ)}`, null],
  ['approval_nobody_gives', `@approval("2 of staff, note-owner; max_age 60") ${forbid(READ)}`, /no group `note-owner`/],
  ['approval_nobody_gives', `@approval("'staff, note-owners'") ${forbid(READ)}`, /no group `staff, note-owners`/],
  [
    'approval_nobody_gives',
    `@approval("2 of bob@example.test") ${forbid(READ)}`,
    /2 people are asked for, and 1 named/,
  ],
  ['approval_nobody_gives', `@approval("2 of a@b.test, A@b.test") ${forbid(READ)}`, /2 people are asked for/],
  ['approval_nobody_gives', `@approval("2 of a@b.test, c@b.test") ${forbid(READ)}`, null],
  ['approval_nobody_gives', `@approval("2 of a@b.test, staff") ${forbid(READ)}`, null],
  [
    'approval_nobody_gives',
    `@approval("alice, staff") ${forbid('principal == Person::"https://idp.example.test|alice", action, resource')}`,
    /no group `alice`/,
  ],
  ['approval_nobody_gives', `@approval("Staff") ${forbid(READ)}`, /did you mean `staff`/],
  ['approval_nobody_gives', `@approval(" staff ") ${forbid(READ)}`, null],
  ['approval_nobody_gives', `@approval("bob@example.test") ${forbid(READ)}`, null],
  [
    'approval_nobody_gives',
    `@approval("alice") ${forbid('principal == Person::"https://idp.example.test|alice", action, resource')}`,
    /is who asks/,
  ],
  [
    'approval_without_permit',
    `@approval("staff") ${forbid('principal, action in Action::"write", resource')}`,
    /nothing is ever held/,
  ],
  [
    'approval_without_permit',
    `@approval("staff") ${forbid('principal, action == Action::"files:read", resource')}`,
    null,
  ],
  [
    'approval_without_permit',
    `@approval("staff") ${forbid('principal, action == Action::"files:write", resource')}`,
    /nothing is ever held/,
  ],
  ['approval_without_permit', `@approval("staff") ${forbid(ANY)}`, null],

  // Observed, and forgotten.
  ['observe_forgotten', `@observe ${forbid(READ)}`, /say until when/],
  ['observe_forgotten', `@observe("") ${forbid(READ)}`, /say until when/],
  ['observe_forgotten', `@observe("soon") ${forbid(READ)}`, /is no date/],
  ['observe_forgotten', `@observe("12") ${forbid(READ)}`, /is no date/],
  ['observe_forgotten', `@observe("2027-02-30") ${forbid(READ)}`, /is no date/],
  ['observe_forgotten', `@observe("2026-11-24") ${forbid(READ)}`, /was to be observed until 2026-11-24/],
  ['observe_forgotten', `@observe("2026-11-25") ${forbid(READ)}`, /was to be observed/],
  ['observe_forgotten', `@observe("2026-11-26") ${forbid(READ)}`, null],
  ['observe_forgotten', `@observe("2099-01-01") ${forbid(READ)}`, /more than a year/],

  ['no_reason', `forbid (${READ});`, /says nothing/],
  ['no_reason', `@reason(" ") forbid (${READ});`, /says nothing/],
  ['no_reason', forbid(READ), null],
  [
    'unknown_annotation',
    `@aproval("staff") ${forbid(READ)}`,
    /`@aproval` means nothing to Remit; did you mean `approval`/,
  ],
  ['unknown_annotation', `@obseve ${permit(READ)}`, /did you mean `observe`/],
  ['unknown_annotation', `@owner("x") @ticket("y") @by("z") ${permit(READ)}`, null],
];
test.each(LINTS)('%s: %s', (code, policy, message) => {
  const lines = found(policy).filter((line) => line.includes(` ${code}: `));
  if (message === null) expect(lines).toEqual([]);
  else {
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
    expect(lines[0]).toMatch(/^a\.cedar:3 /);
  }
});

/** What is misspelt, and what it was to be. */
const MISSPELT: [string, string][] = [
  [
    permit('principal, action == Action::"files:raed", resource'),
    'there is no operation `files:raed`; did you mean `files:read`?',
  ],
  [permit('principal, action in Action::"raed", resource'), 'there is no operation `raed`; did you mean `read`?'],
  [permit('principal in Group::"stafff", action in Action::"read", resource'), 'did you mean `staff`?'],
  [permit('principal in TrustDomain::"remit.locl", action in Action::"read", resource'), 'did you mean `remit.local`?'],
  [
    permit('principal, action in Action::"read", resource in Target::"fils"'),
    'there is no target `fils`; did you mean `files`?',
  ],
  [
    permit('principal, action in Action::"read", resource == Resource::"fils:x"'),
    'is of no target `fils`; did you mean `files`?',
  ],
  [permit('principal, action in Action::"read", resource == Resource::"x"'), 'names no target; write `target:name`'],
  [permit(READ, 'when { resource in Target::"fils" }'), 'did you mean `files`?'],
  [permit('principal is Agnt, action in Action::"read", resource'), 'did you mean `Agent`?'],
  [permit(READ, 'when { principal in Gruop::"staff" }'), 'did you mean `Group`?'],
  [
    permit('principal, action == Action::"files:write", resource', 'when { context.args.pth == "x" }'),
    'did you mean `path`?',
  ],
  [
    permit('principal, action == Action::"files:write", resource', 'when { context.args has recipent }'),
    'there is no attribute `context.args.recipent`; did you mean `recipient`?',
  ],
  [
    forbid(
      'principal, action == Action::"files:write", resource',
      'unless { context.args has recipent && context.args.recipent == "x" }',
    ),
    'did you mean `recipient`?',
  ],
  [
    forbid(
      'principal, action == Action::"files:write", resource',
      'when { context.approved || context.args has nested.color }',
    ),
    '`context.args.nested.color`; did you mean `colour`?',
  ],
  [permit(READ, 'when { context has taks }'), 'there is no attribute `context.taks`; did you mean `task`?'],
  [permit(READ, 'when { context.taks.purpose == "x" }'), 'did you mean `task`?'],
  [permit(READ, 'when { context has task && context.task.purpse == "x" }'), 'did you mean `purpose`?'],
  [permit(READ, 'when { context has task && context.task has labls }'), 'did you mean `labels`?'],
  [permit(READ, 'when { resource has nam }'), 'there is no attribute `resource.nam`; did you mean `name`?'],
  [permit(READ, 'when { resource.nam == "x" }'), 'did you mean `name`?'],
  [
    permit(READ, 'when { principal is Person && principal has emial }'),
    'there is no attribute `principal.emial`; did you mean `email`?',
  ],
  [
    permit(READ, 'when { context has delegator && context.delegator has emial }'),
    '`context.delegator.emial`; did you mean `email`?',
  ],
  [permit(READ, 'when { context.now.hours > 3 }'), 'did you mean `hour`?'],
  [permit(READ, 'when { context has task && context.task.sensitivity.levl > 1 }'), 'did you mean `level`?'],
];
test.each(MISSPELT)('%s', (policy, message) => {
  const errors = found(policy).filter((line) => / (?:unknown_name|type): /.test(line));
  expect(errors.join('\n')).toContain(message);
  for (const line of errors) expect(line).toMatch(/^a\.cedar:3 /);
});

test.each([
  permit(READ, 'when { context.args has path }'),
  permit('principal, action == Action::"mail:unseen", resource', 'when { context.args has whatever }'),
  permit(READ, 'when { context.args has nested && context.args.nested has colour }'),
  permit(READ, 'when { context has task && context.task.parameters has anything }'),
  permit(READ, 'when { context has provenance && context.provenance has path }'),
  permit(READ, 'when { principal has email || principal has attestation }'),
  permit(READ, 'when { context has delegator.email && context has origin.author }'),
])('%s: there may be such an attribute', (policy) => {
  expect(found(policy).filter((line) => line.includes('there is no attribute'))).toEqual([]);
});

test('without a configuration nothing is said of targets and groups', () => {
  const bare: Catalogue = { targets: [CATALOGUE.targets[2]!], groups: null, trustDomains: null };
  expect(
    found(`@approval("x") ${forbid('principal in Group::"x", action in Action::"read", resource')}`, bare),
  ).toEqual([]);
});

test('four thousand approvals are held against four thousand permits in one pass', () => {
  const policies = Array.from(
    { length: 4_000 },
    (_none, n) =>
      `@approval("staff") ${forbid('principal, action == Action::"files:write", resource', `when { context.now.hour == ${n} }`)}
     ${permit('principal, action == Action::"mail:send", resource', `when { context has task && context.now.hour == ${n} }`)}`,
  ).join('\n');
  expect(found(policies).filter((line) => line.includes('approval_without_permit'))).toHaveLength(4_000);
});
