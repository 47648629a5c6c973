import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyInput } from '../../test/fixtures/decision-input.ts';
import { alice, bob, NOW, sampleAction, sampleInput, sampleTask, sha256 } from '../../test/fixtures/task.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { DecisionInput } from '../core/decision.ts';
import { canonicalJson, type JsonValue } from '../core/json.ts';
import type { DecisionRecord } from '../core/record.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp } from '../pdp/pdp.ts';
import { recordForm } from '../server/record-form.ts';
import { recordedInput } from './recorded-input.ts';

const pdp = createPdp(
  {
    'test.cedar': `
      @id("read") permit (principal, action, resource);
      @id("held") @approval("note-owners") forbid (principal, action in Action::"write", resource);
      @id("young") forbid (principal, action, resource)
        when { context has token && context.token.age_seconds > 60 };
      @id("outside") forbid (principal, action, resource)
        when { context has task && context.task.parameters has limit };`,
  },
  { sha256, checkArguments: createCheckArguments() },
);

/** As it stands in the log. */
function recorded(input: DecisionInput, changes: Partial<DecisionRecord> = {}): DecisionRecord {
  const parts = { id: 'rec_1', request: 'req_1', approval: null, token: null };
  const record = decisionRecord({ ...parts, input, decision: pdp.decide(input) }, sha256);
  return JSON.parse(canonicalJson({ ...record, ...changes } as unknown as JsonValue)) as DecisionRecord;
}

test('from its record, every decision is computed again, on exactly what it was made on', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const record = recorded(input);
      const again = recordedInput(record, sha256);
      expect(again).toEqual({ exact: true, input });
      const { outcome, reasons, policies, policySet, controls, observed } = pdp.decide(again.input!);
      expect({ outcome, reasons, policies, policy_set: policySet, controls, observed }).toEqual(record.decision);
    }),
    { numRuns: 300 },
  );
});

test('the wire form takes every record with facts', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const record = recorded(input);
      expect(recordForm.parse(record)).toEqual(record);
    }),
  );
});

test('what is the same throughout is stated once', () => {
  const parent = sampleTask({ id: 'task_0', purpose: 'plan the week' });
  const { facts } = recorded(
    sampleInput({
      chain: [
        { task: sampleTask({ parent: 'task_0' }), used: { calls: 1 } },
        { task: parent, used: { calls: 2 } },
      ],
      token: { issuedAt: NOW, binding: 'dpop', narrowedTo: parent.grant },
    }),
  );
  const level = { trust_domain: 'remit.local', state: 'active', created_at: NOW - 60_000, not_before: NOW - 60_000 };
  expect(facts).toEqual({
    fresh: true,
    agent: { trust_domain: 'remit.local' },
    delegator: { email: 'alice@example.test' },
    chain: [
      { ...level, parameters: {}, calls: { budget: 10, used: 1 }, max_hops: 0 },
      { ...level, purpose: 'plan the week', parameters: {}, calls: { budget: 10, used: 2 }, max_hops: 0 },
    ],
    action: { protocol: false, definition: 'pinned' },
    token: { issued_at: NOW, binding: 'dpop' },
    approval: null,
    redacted: [],
  });
});

test('an approval that was there is kept, though the action did not need it', () => {
  const input = sampleInput({ approval: { id: 'apr_1', approvers: [bob] } });
  const record = recorded(input);
  expect(record.approval).toBeNull();
  expect(recordedInput(record, sha256)).toEqual({ exact: true, input });
});

const SECRET = 'ghp_0123456789abcdefghij';

describe('INVARIANT 14: what is redacted is never replayed as exact', () => {
  const of = (overrides: Parameters<typeof sampleTask>[0]) => [
    { task: sampleTask(overrides), used: { calls: 0 } },
    { task: sampleTask({ id: 'task_0', ...overrides }), used: { calls: 0 } },
  ];
  const grant = (schema: string) => [
    { type: 'remit_grant' as const, target: 'files', effects: ['read' as const], arguments: { const: schema } },
  ];
  const token = { issuedAt: NOW, binding: 'dpop' as const, narrowedTo: grant(SECRET) };
  const undescribed = { code: 'target_unavailable' as const, message: `refused ${SECRET}`, next: 'wait' };
  const cases: [string, Partial<DecisionInput>, string[]][] = [
    ['an argument named like one', { action: sampleAction({ arguments: { password: 'hunter2' } }) }, ['arguments']],
    ['an argument that looks like one', { action: sampleAction({ arguments: { a: SECRET } }) }, ['arguments']],
    ['a long argument', { action: sampleAction({ arguments: { a: 'x'.repeat(5000) } }) }, ['arguments']],
    ['a parameter', { chain: of({ parameters: { api_key: 'hunter2' } }) }, ['parameters']],
    ['a long parameter', { chain: of({ parameters: { a: 'x'.repeat(5000) } }) }, ['parameters']],
    ["a narrowed token's grant", { token }, ['grants']],
    ['what a target said', { action: sampleAction({ undescribed }) }, ['undescribed']],
    [
      'two of them',
      { action: sampleAction({ arguments: { token: 'hunter2' } }), chain: of({ parameters: { token: 'hunter2' } }) },
      ['arguments', 'parameters'],
    ],
  ];
  test.each(cases)('%s', (_what, overrides, because) => {
    const record = recorded(sampleInput(overrides));
    expect(recordedInput(record, sha256)).toMatchObject({ exact: false, because });
    expect(JSON.stringify(record.facts)).not.toMatch(/hunter2|ghp_/);
  });

  test('an argument whose text is the mark itself is as it was', () => {
    const input = sampleInput({ action: sampleAction({ arguments: { password: '[redacted]' } }) });
    expect(recordedInput(recorded(input), sha256)).toEqual({ exact: true, input });
  });
});

describe('a record that does not say what it was decided on', () => {
  test('is of an older version', () => {
    const { facts: _, ...old } = recorded(sampleInput());
    expect(recordForm.safeParse(old).success).toBe(true);
    expect(recordedInput(old, sha256)).toEqual({ exact: false, input: null, because: 'no_facts' });
  });

  test('is too large with its facts, and so says', () => {
    const large = (letter: string) => ({ a: letter.repeat(4000), b: letter.repeat(4000), c: letter.repeat(4000) });
    const chain = [0, 1, 2, 3].map((n) => ({
      task: sampleTask({ id: `task_${n}`, parameters: large('é'), delegator: alice }),
      used: { calls: 0 },
    }));
    const record = recorded(sampleInput({ chain }));
    expect(record).toMatchObject({ facts: null, facts_left_out: 'too_large' });
    expect(recordForm.safeParse(record).success).toBe(true);
    expect(recordedInput(record, sha256)).toEqual({ exact: false, input: null, because: 'facts_too_large' });
    const short = recorded(sampleInput({ chain: chain.slice(0, 1) }));
    expect(recordedInput(short, sha256).exact).toBe(true);
  });

  test.each<[string, Partial<DecisionRecord>]>([
    ['of another chain', { chain: [] }],
    ['without its task', { task: null }],
    ['without its agent', { agent: null }],
    ['without its delegator', { delegator: null }],
  ])('has facts %s', (_what, changes) => {
    const record = recorded(sampleInput(), changes);
    expect(recordedInput(record, sha256)).toEqual({ exact: false, input: null, because: 'unknown_form' });
  });
});
