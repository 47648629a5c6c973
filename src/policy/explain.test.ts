import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyInput } from '../../test/fixtures/decision-input.ts';
import { alice, NOW, sampleAction, sampleInput, sampleTask, sha256, summariser } from '../../test/fixtures/task.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { DecisionInput } from '../core/decision.ts';
import { Conflict } from '../core/errors.ts';
import type { DecisionRecord } from '../core/record.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp, type Pdp } from '../pdp/pdp.ts';
import { finish } from '../pdp/steps.ts';
import { explainDecision, type Explanation } from './explain.ts';

const checkArguments = createCheckArguments();
const setOf = (...policies: string[]) => createPdp({ 'test.cedar': policies.join('\n') }, { sha256, checkArguments });

function recorded(input: DecisionInput, pdp: Pdp): DecisionRecord {
  const parts = { id: 'rec_1', request: 'req_1', approval: null, token: null };
  return decisionRecord({ ...parts, input, decision: pdp.decide(input) }, sha256);
}

const explained = (record: DecisionRecord, pdp: Pdp, isKnownForm = () => true): Explanation =>
  finish(explainDecision(record, { pdp, sha256, checkArguments, isKnownForm }));

const explain = (overrides: Partial<DecisionInput>, ...policies: string[]): Explanation => {
  const pdp = setOf(...policies);
  return explained(recorded(sampleInput(overrides), pdp), pdp);
};

const grant = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const, 'write' as const] }];
const chain = [{ task: sampleTask({ grant }), used: { calls: 7 } }];
const write = sampleAction({ operation: 'write_file', effect: 'write', arguments: { path: '/a', size: 12 } });

const READS = '@id("reads") permit (principal, action in Action::"read", resource);';
const SMALL = `@id("small")
  permit (principal, action in Action::"write", resource)
  when { context.args.size <= 10 && context.args.path like "/notes/*" }
  unless { context.task.calls > 5 || principal in Group::"guests" };`;

describe('which clause decided, with the values', () => {
  test('a permit that does not apply: the clause that stops it, and what it looked at', () => {
    const { outcome, decided_by: by, agrees, evaluations } = explain({ action: write, chain }, READS, SMALL);
    expect({ outcome, by, agrees }).toEqual({ outcome: 'deny', by: 'policy', agrees: true });
    expect(evaluations).toHaveLength(2);
    expect(evaluations[0]).toMatchObject({ principal: `Agent::"${summariser.id}"`, outcome: 'deny', policies: [] });
    const [nearest, ...others] = evaluations[0]!.nearest;
    expect(others).toEqual([]);
    expect(nearest).toEqual({
      policy: 'small',
      effect: 'permit',
      file: 'test.cedar',
      line: 2,
      applies: false,
      stopped_by: 0,
      clauses: [
        {
          kind: 'when',
          text: 'context.args.size <= 10',
          value: 'false',
          read: [{ path: 'context.args.size', value: '12' }],
        },
        { kind: 'when', text: 'context.args.path like "/notes/*"', value: 'not_reached', read: [] },
        { kind: 'unless', text: 'context.task.calls > 5', value: 'not_reached', read: [] },
        { kind: 'unless', text: 'principal in Group::"guests"', value: 'not_reached', read: [] },
      ],
    });
  });

  test('an `unless` that holds stops its policy', () => {
    const action = { ...write, arguments: { path: '/notes/a', size: 9 } };
    const { nearest } = explain({ action, chain }, READS, SMALL).evaluations[0]!;
    expect(nearest[0]!.clauses.map(({ value }) => value)).toEqual(['true', 'true', 'true', 'not_reached']);
    expect(nearest[0]).toMatchObject({ applies: false, stopped_by: 2 });
    expect(nearest[0]!.clauses[2]!.read).toEqual([{ path: 'context.task.calls', value: '7' }]);
  });

  test('an approval that is asked for, beside the permit that it would leave', () => {
    const held = '@id("held") @approval("owners") forbid (principal, action, resource) when { context.args has size };';
    const permit = '@id("all") permit (principal, action, resource);';
    const { outcome, evaluations } = explain({ action: write, chain }, permit, held);
    expect(outcome).toBe('hold');
    expect(evaluations[0]!.policies.map(({ policy, part }) => [policy, part])).toEqual([
      ['all', 'permits'],
      ['held', 'holds'],
    ]);
    expect(evaluations[0]!.policies[1]!.clauses).toEqual([
      {
        kind: 'when',
        text: 'context.args has size',
        value: 'true',
        read: [{ path: 'context.args.size', value: '12' }],
      },
    ]);
  });

  test('an approval that lifted', () => {
    const held = '@id("held") @approval("owners") forbid (principal, action, resource);';
    const permit = '@id("all") permit (principal, action, resource);';
    const approval = { id: 'apr_1', approvers: [{ ...alice, groups: ['owners'] }] };
    const { outcome, evaluations } = explain({ action: write, chain, approval }, permit, held);
    expect(outcome).toBe('permit');
    expect(evaluations[0]!.policies.map(({ policy, part }) => [policy, part])).toEqual([
      ['all', 'permits'],
      ['held', 'lifted'],
    ]);
  });

  test('a policy that fails, and says at which clause', () => {
    const fails =
      '@id("fails") forbid (principal, action, resource) when { context has task && context.args.none == 1 };';
    const { reasons, evaluations } = explain({ action: write, chain }, READS, fails);
    expect(reasons[0]!.code).toBe('policy_error');
    const [policy] = evaluations[0]!.policies;
    expect(policy).toMatchObject({ part: 'fails', applies: null });
    expect(policy!.clauses[1]).toMatchObject({
      value: 'error',
      problem: 'a record has no attribute `none`',
      read: [{ path: 'context.args.none', value: null }],
    });
  });

  test('what is on trial is told as observed, and decides nothing', () => {
    const trial = '@id("trial") @observe("2027-01-01") forbid (principal, action, resource);';
    const { outcome, evaluations } = explain({}, READS, trial);
    expect(outcome).toBe('permit');
    expect(evaluations[0]!.policies.map(({ policy, part }) => [policy, part])).toEqual([
      ['reads', 'permits'],
      ['trial', 'observed'],
    ]);
  });

  test('groups, absent attributes and integers that JavaScript would round', () => {
    const policy = `@id("p") permit (principal in Group::"nobody", action, resource) when { true };
      @id("q") permit (principal, action, resource)
      when { !(principal has email) && principal in Group::"staff" && context.args.size < 9007199254740993 };`;
    const { evaluations } = explain({ action: write, chain }, policy);
    const agent = evaluations[0]!.nearest;
    expect(agent.map(({ policy: id }) => id)).toEqual(['q']);
    expect(agent[0]!.clauses.map(({ text }) => text)).toEqual([
      '!(principal has email)',
      'principal in Group::"staff"',
      'context.args.size < 9007199254740993',
    ]);
    expect(agent[0]!.clauses[0]!.read).toEqual([{ path: 'principal.email', value: null }]);
    expect(agent[0]!.clauses[1]!.read).toContainEqual({
      path: "principal's groups",
      value: expect.stringContaining('TrustDomain::') as string,
    });
  });

  const LINK = { template_id: 't', link_id: 'link', args: { '?principal': `Agent::"${summariser.id}"` } };
  test('the head of a template is filled by its link', () => {
    const pdp = createPdp(
      {
        'test.cedar': `${READS} @id("t") permit (principal == ?principal, action, resource) when { context.args.size < 5 };`,
        'test.links.json': JSON.stringify([LINK]),
      },
      { sha256, checkArguments },
    );
    const { evaluations } = explained(recorded(sampleInput({ action: write, chain }), pdp), pdp);
    expect(evaluations.map(({ nearest }) => nearest.map(({ policy }) => policy))).toEqual([['link'], []]);
  });
});

describe('what was decided before policy', () => {
  test('names the level that denies, and what it was compared with', () => {
    const child = sampleTask({ id: 'task_child', parent: 'task_root', grant });
    const root = sampleTask({ id: 'task_root' });
    const levels = [
      { task: child, used: { calls: 0 } },
      { task: root, used: { calls: 0 } },
    ];
    const token = { issuedAt: NOW, binding: 'dpop' as const, narrowedTo: grant };
    const found = explain({ action: write, chain: levels, token }, READS);
    expect(found.decided_by).toBe('checks_before_policy');
    expect(found.evaluations).toEqual([]);
    expect(found.levels.map(({ level, task, objection }) => [level, task, objection?.code ?? null])).toEqual([
      ['task', 'task_child', null],
      ['task', 'task_root', 'outside_grant'],
      ['token', null, null],
    ]);
    expect(found.levels[1]!.values['grant']).toEqual(root.grant);
  });

  test('a token that was narrowed objects by itself', () => {
    const narrowedTo = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const] }];
    const token = { issuedAt: NOW, binding: 'dpop' as const, narrowedTo };
    const { levels } = explain({ action: write, chain, token }, READS);
    expect(levels.map(({ level, objection }) => [level, objection?.code ?? null])).toEqual([
      ['task', null],
      ['token', 'outside_grant'],
    ]);
  });

  test.each([
    ['state', { state: 'revoked' as const }, 'task_not_live'],
    ['budget', { budget: { calls: 7 } }, 'over_budget'],
    ['sensitivity', { sensitivity: 'public' as const }, 'over_sensitivity'],
  ])('%s', (_what, changes, code) => {
    const views = [{ task: sampleTask({ grant, ...changes }), used: { calls: 7 } }];
    const { levels, reasons } = explain({ action: { ...write, sensitivity: 'internal' }, chain: views }, READS);
    expect(levels[0]!.objection).toEqual(reasons[0]);
    expect(reasons[0]!.code).toBe(code);
  });
});

test('under another set than the one that decided, it says so', () => {
  const [before, after] = [setOf(READS), setOf('@id("all") permit (principal, action, resource);')];
  const record = recorded(sampleInput({ action: write, chain }), before);
  expect(explained(record, after)).toMatchObject({
    same_set: false,
    agrees: false,
    recorded: { outcome: 'deny', policy_set: before.policySet },
    outcome: 'permit',
    policy_set: after.policySet,
  });
});

test('what was redacted makes it uncertain; what a record does not hold cannot be explained', () => {
  const pdp = setOf(READS);
  const record = recorded(sampleInput(), pdp);
  const action = { ...record.action, arguments: { path: '[redacted]' } };
  expect(explained({ ...record, action }, pdp).uncertain).toEqual(['arguments']);
  const { facts: _facts, ...old } = record;
  expect(() => explained(old, pdp)).toThrow(Conflict);
  expect(() => explained({ ...record, facts: null, facts_left_out: 'too_large' }, pdp)).toThrow('too large');
  expect(() => explained(record, pdp, () => false)).toThrow('another version');
});

test('for any decision: the traces say of each policy what the engine found', () => {
  const pdp = setOf(
    READS,
    SMALL,
    '@id("young") forbid (principal, action, resource) when { context has token && context.token.age_seconds > 60 };',
    '@id("held") @approval("owners") forbid (principal, action in Action::"write", resource) unless { context.approved && principal is Agent };',
    '@id("labelled") forbid (principal is Agent, action, resource) when { context.task.labels.contains("secret") };',
    '@id("any") @observe("x") permit (principal, action, resource) when { context.chain.contains(principal) };',
  );
  const applies = { permits: true, forbids: true, holds: true, lifted: true, observed: true, fails: null } as const;
  fc.assert(
    fc.property(anyInput, (input) => {
      const found = explained(recorded(input, pdp), pdp);
      expect(found.agrees).toBe(true);
      if (found.decided_by === 'policy') expect(found.levels.filter(({ objection }) => objection !== null)).toEqual([]);
      for (const { policies, nearest } of found.evaluations) {
        // Of an observed policy that fails, the engine says that it is observed.
        for (const { part, policy, applies: traced } of policies) {
          if (part !== 'observed' || traced !== null) expect([policy, traced]).toEqual([policy, applies[part]]);
        }
        for (const { applies: traced, stopped_by: stoppedBy } of nearest) {
          expect(traced).toBe(false);
          expect(stoppedBy).not.toBeNull();
        }
      }
      const named = found.evaluations.flatMap(({ policies }) => policies.map(({ policy }) => policy));
      for (const policy of found.decided_by === 'policy' ? pdp.decide(input).policies : []) {
        expect(named).toContain(policy);
      }
    }),
    { numRuns: 300 },
  );
});
