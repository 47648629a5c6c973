import { describe, expect, test } from 'vitest';
import { alice, bob, NOW, sampleAction, sampleInput, sampleTask, sha256 } from '../../test/fixtures/task.ts';
import type { DecisionInput } from '../core/decision.ts';
import { createCheckArguments } from './check-arguments.ts';
import { createPdp } from './pdp.ts';

const PERMIT_ALL = 'permit (principal, action, resource);';

function pdp(...policies: string[]) {
  return createPdp({ 'test.cedar': policies.join('\n') }, { sha256, checkArguments: createCheckArguments() });
}

function decideWith(policies: string[], overrides: Partial<DecisionInput> = {}) {
  return pdp(...policies).decide(sampleInput(overrides));
}

describe('the checks before policy', () => {
  const cases: [string, Partial<DecisionInput>, string, string][] = [
    ['a stale view', { fresh: false }, 'stale_view', 'fresh'],
    [
      'an unknown operation',
      { action: sampleAction({ definition: 'unknown' }) },
      'unknown_operation',
      'read_text_file',
    ],
    [
      'a changed definition',
      { action: sampleAction({ definition: 'quarantined' }) },
      'quarantined_operation',
      'changed',
    ],
    ['no task', { chain: [] }, 'task_not_live', 'no task'],
    ['a revoked task', chainOf({ state: 'revoked' }), 'task_not_live', 'revoked'],
    ['an expired window', chainOf({ window: { notBefore: 0, expiresAt: NOW } }), 'task_not_live', 'expired'],
    [
      'a window to come',
      chainOf({ window: { notBefore: NOW + 1, expiresAt: NOW + 2 } }),
      'task_not_live',
      'not started',
    ],
    ['another target', { action: sampleAction({ target: 'memory' }) }, 'outside_grant', 'memory'],
    ['another effect', { action: sampleAction({ effect: 'write' }) }, 'outside_grant', 'operations'],
    [
      'another resource',
      { action: sampleAction({ resources: ['file:private/x'] }) },
      'outside_grant',
      'file:private/x',
    ],
    [
      'one of two resources outside',
      { action: sampleAction({ resources: ['file:notes/a', 'file:b'] }) },
      'outside_grant',
      'file:b',
    ],
    ['no resource', { action: sampleAction({ resources: [] }) }, 'outside_grant', 'no resource'],
    [
      'sensitivity over the ceiling',
      { action: sampleAction({ sensitivity: 'restricted' }) },
      'over_sensitivity',
      'restricted',
    ],
    ['a spent budget', { chain: [{ task: sampleTask(), used: { calls: 10 } }] }, 'over_budget', '10 calls'],
  ];
  test.each(cases)('%s denies', (_name, overrides, code, words) => {
    const decision = decideWith([PERMIT_ALL], overrides);
    expect(decision.outcome).toBe('deny');
    expect(decision.reasons[0]?.code).toBe(code);
    expect(decision.reasons[0]?.message).toContain(words);
  });

  test('the plain case is permitted, so the table above means something', () => {
    expect(decideWith([PERMIT_ALL]).outcome).toBe('permit');
  });

  test('INVARIANT 3: an ancestor that does not cover the action denies it, whatever the child says', () => {
    const child = sampleTask({
      id: 'task_2',
      parent: 'task_1',
      grant: [{ type: 'remit_grant', target: 'files', effects: ['read', 'write'] }],
    });
    const decision = decideWith([PERMIT_ALL], {
      action: sampleAction({ resources: ['file:private/x'] }),
      chain: [
        { task: child, used: { calls: 0 } },
        { task: sampleTask(), used: { calls: 0 } },
      ],
    });
    expect(decision.reasons[0]?.code).toBe('outside_grant');
  });

  test('a token narrows its task', () => {
    const narrowedTo = [{ type: 'remit_grant' as const, target: 'files', operations: ['list_directory'] }];
    const decision = decideWith([PERMIT_ALL], { token: { issuedAt: NOW, binding: 'dpop', narrowedTo } });
    expect(decision.reasons[0]?.code).toBe('outside_grant');
  });

  test('the JSON Schema of a grant is checked against the actual arguments', () => {
    const grant = [
      {
        type: 'remit_grant' as const,
        target: 'files',
        effects: ['read' as const],
        arguments: { properties: { head: { maximum: 5 } } },
      },
    ];
    const withHead = (head: number) =>
      decideWith([PERMIT_ALL], { ...chainOf({ grant }), action: sampleAction({ arguments: { head } }) });
    expect(withHead(5).outcome).toBe('permit');
    expect(withHead(6).reasons[0]?.code).toBe('outside_grant');
  });
});

describe('policy', () => {
  test('nothing that no policy permits is permitted', () => {
    const decision = decideWith(['permit (principal, action == Action::"files:other", resource);']);
    expect(decision).toMatchObject({ outcome: 'deny', reasons: [{ code: 'no_policy' }] });
  });

  test('agent and delegator must both be permitted', () => {
    expect(decideWith(['permit (principal is Agent, action, resource);']).outcome).toBe('deny');
    expect(decideWith(['permit (principal is Person, action, resource);']).outcome).toBe('deny');
    expect(
      decideWith(['permit (principal is Agent, action, resource);', 'permit (principal is Person, action, resource);'])
        .outcome,
    ).toBe('permit');
  });

  test('INVARIANT 4: a forbid that errs denies, although Cedar would skip it', () => {
    const decision = decideWith([
      PERMIT_ALL,
      '@id("broken") forbid (principal, action, resource) when { context.args.nope == 1 };',
    ]);
    expect(decision.outcome).toBe('deny');
    expect(decision.reasons[0]).toMatchObject({ code: 'policy_error' });
    expect(decision.reasons[0]?.message).toContain('broken');
  });

  test('a forbid that an approval may lift holds, and names policy, reason, approver and control', () => {
    const decision = decideWith([PERMIT_ALL, HOLD]);
    expect(decision).toMatchObject({
      outcome: 'hold',
      policies: ['held'],
      approvers: ['note-owners'],
      controls: ['ASI02', 'ASI09'],
      reasons: [{ code: 'approval_required', message: 'an owner must agree' }],
    });
  });

  test('a plain forbid beside it denies', () => {
    expect(decideWith([PERMIT_ALL, HOLD, 'forbid (principal, action, resource);']).outcome).toBe('deny');
  });

  test('no hold is given for what nothing would permit after the approval', () => {
    expect(decideWith(['permit (principal, action == Action::"files:other", resource);', HOLD]).outcome).toBe('deny');
  });

  test('an approval by one whom the policy names lifts the forbid; by another it does not', () => {
    const by = (person: typeof bob) =>
      decideWith([PERMIT_ALL, HOLD], { approval: { id: 'apr_1', approvers: [person] } });
    expect(by(bob)).toMatchObject({ outcome: 'permit', liftedByApproval: ['held'] });
    expect(by(alice).outcome).toBe('hold');
  });

  test('two approvals are both needed', () => {
    const both = [PERMIT_ALL, HOLD, '@id("other") @approval("security") forbid (principal, action, resource);'];
    expect(decideWith(both).approvers).toEqual(['note-owners', 'security']);
    expect(decideWith(both, { approval: { id: 'apr_1', approvers: [bob] } }).outcome).toBe('hold');
  });

  test('an observed policy is reported and not enforced', () => {
    const decision = decideWith([PERMIT_ALL, '@id("dry") @observe forbid (principal, action, resource);']);
    expect(decision).toMatchObject({ outcome: 'permit', observed: ['dry'] });
  });

  test('policy sees task, delegator, chain, origin, arguments, time and token', () => {
    const decision = decideWith([
      `permit (principal, action in Action::"read", resource in Target::"files") when {
         context.task.purpose like "summarise*" && context.task.depth == 0 && context.origin.channel == "cli" &&
         context.delegator in Group::"staff" && context.chain.contains(Agent::"spiffe://remit.local/agent/summariser") &&
         context.args.path == "notes/monday.md" && resource.name like "file:notes/*" && resource.sensitivity.level == 1 &&
         context.now.hour == 12 && context.now.weekday == 1 && context.now.time > datetime("2026-11-23") &&
         context.token.age_seconds == 1 && context.token.binding == "dpop" && !context.approved
       };`,
    ]);
    expect(decision.reasons).toEqual([{ code: 'policy_permits', message: 'policy permits this action' }]);
  });

  const unmappable: [string, DecisionInput['action']['arguments']][] = [
    ['an entity escape', { a: { __entity: { type: 'Person', id: 'bob' } } }],
    ['an extension escape', { a: { __extn: { fn: 'decimal', arg: '1.0' } } }],
    ['null in an array', { a: [null] }],
    ['a fraction that decimal cannot hold', { a: 0.123456 }],
    ['an unsafe integer', { a: 2 ** 60 }],
  ];
  test.each(unmappable)('%s denies', (_name, args) => {
    const decision = decideWith([PERMIT_ALL], { action: sampleAction({ arguments: args }) });
    expect(decision).toMatchObject({ outcome: 'deny', reasons: [{ code: 'policy_error' }] });
  });

  test('arguments named like built-ins are plain data', () => {
    const args = JSON.parse('{"constructor":"x","toString":"y"}') as Record<string, string>;
    expect(decideWith([PERMIT_ALL], { action: sampleAction({ arguments: args }) }).outcome).toBe('permit');
  });
});

describe('a list of operations', () => {
  const set = pdp('permit (principal, action in Action::"read", resource) when { resource.name like "file:notes/*" };');
  const could = (action: Partial<DecisionInput['action']>) =>
    set.couldPermit(sampleInput({ action: sampleAction({ resources: [], arguments: {}, ...action }) }));

  test('shows what some arguments could be permitted', () => expect(could({})).toBe(true));
  test('hides what the grant does not cover', () =>
    expect(could({ operation: 'write_file', effect: 'write' })).toBe(false));
  test('hides what policy permits for no arguments', () => {
    expect(
      pdp('permit (principal, action == Action::"files:other", resource);').couldPermit(
        sampleInput({ action: sampleAction({ resources: [], arguments: {} }) }),
      ),
    ).toBe(false);
  });
});

describe('a policy set that cannot be used is refused', () => {
  const cases: [string, string, string][] = [
    ['no Cedar', 'permit (principal, action resource);', 'test.cedar:1: unexpected token'],
    ['an error on a later line', `${PERMIT_ALL}\n\npermit (;`, 'test.cedar:3'],
    ['an id used twice', `@id("a") ${PERMIT_ALL} @id("a") ${PERMIT_ALL}`, 'used twice'],
    ['an approval on a permit', `@approval("x") ${PERMIT_ALL}`, 'on a permit'],
    ['an empty approval', `${PERMIT_ALL} @approval("") forbid (principal, action, resource);`, 'empty @approval'],
    ['nothing permitted', 'forbid (principal, action, resource);', 'permits nothing'],
    ['a template that nothing links', 'permit (principal == ?principal, action, resource);', 'permits nothing'],
    [
      'a nest of brackets',
      `permit (principal, action, resource) when { ${'('.repeat(10_000)}true };`,
      'test.cedar:1: a policy has more than',
    ],
  ];
  test.each(cases)('%s', (_name, text, message) => {
    expect(() => pdp(text)).toThrow(message);
  });
});

const HOLD =
  '@id("held") @approval("note-owners") @reason("an owner must agree") @control("ASI02, ASI09") forbid (principal, action, resource);';

function chainOf(overrides: Parameters<typeof sampleTask>[0]): Partial<DecisionInput> {
  return { chain: [{ task: sampleTask(overrides), used: { calls: 0 } }] };
}
