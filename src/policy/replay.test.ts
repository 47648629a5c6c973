import { describe, expect, test } from 'vitest';
import { alice, NOW, sampleAction, sampleInput, sampleTask, sha256, summariser } from '../../test/fixtures/task.ts';
import { eventRecord, outcomeRecord } from '../audit/fake-log.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { DecisionInput } from '../core/decision.ts';
import type { DecisionRecord, LogRecord } from '../core/record.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp, type Pdp } from '../pdp/pdp.ts';
import { replay } from './replay.ts';

const set = (text: string) => createPdp({ 'test.cedar': text }, { sha256, checkArguments: createCheckArguments() });
const READS = '@id("reads") permit (principal, action in Action::"read", resource);';
const WRITES = '@id("writes") permit (principal, action in Action::"write", resource);';
const current = set(READS);

let ids = 0;
function recorded(overrides: Partial<DecisionInput> = {}, pdp: Pdp = current): DecisionRecord {
  const input = sampleInput(overrides);
  const parts = { id: `rec_${++ids}`, request: 'req_1', approval: null, token: null };
  return decisionRecord({ ...parts, input, decision: pdp.decide(input) }, sha256);
}

const both = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const, 'write' as const] }];
const chain = [{ task: sampleTask({ grant: both }), used: { calls: 0 } }];
const write = (overrides = {}): Partial<DecisionInput> => ({
  chain,
  action: sampleAction({ operation: 'write_file', effect: 'write', ...overrides }),
});
const run = (records: LogRecord[], draft: Pdp, isKnownForm: (record: DecisionRecord) => boolean = () => true) =>
  replay(records, { draft, sha256, isKnownForm });

test('the set that decided changes nothing, also of what was denied before policy', async () => {
  const records = [
    recorded(),
    recorded(write()),
    recorded({ fresh: false }),
    recorded({ chain: [{ task: sampleTask({ state: 'revoked' }), used: { calls: 0 } }] }),
    recorded({ action: sampleAction({ definition: 'quarantined' }) }),
  ];
  expect(records.map(({ decision }) => decision.reasons[0]!.code)).toEqual([
    'policy_permits',
    'no_policy',
    'stale_view',
    'task_not_live',
    'quarantined_operation',
  ]);
  const none = { unchanged: 0, flipped: 0, groups: [] };
  expect(await run([eventRecord(0), ...records, outcomeRecord(1, 0)], current)).toEqual({
    draft: current.policySet,
    current: current.policySet,
    decisions: 5,
    exact: { ...none, unchanged: 5 },
    uncertain: { ...none, because: {} },
    unreplayable: {},
  });
  // No draft can permit what is denied before policy.
  const all = set('permit (principal, action, resource);');
  expect((await run(records.slice(2), all)).exact).toEqual({ ...none, unchanged: 3 });
});

test('flips are grouped by change, cause and operation, what is newly permitted first', async () => {
  const draft = set(`${WRITES}
    @id("lists") permit (principal, action == Action::"files:list", resource);
    @id("asked") @approval("note-owners") forbid (principal, action == Action::"files:list", resource);`);
  const list = { action: sampleAction({ operation: 'list' }) };
  const first = recorded(write());
  const { groups, flipped, unchanged } = (
    await run([recorded(), recorded(), first, recorded(write()), recorded(list), recorded({ fresh: false })], draft)
  ).exact;
  expect([flipped, unchanged]).toEqual([5, 1]);
  expect(groups.map(({ from, to, operation, because, count }) => [from, to, operation, because, count])).toEqual([
    ['deny', 'permit', 'write_file', ['writes'], 2],
    ['permit', 'deny', 'read_text_file', ['no_policy'], 2],
    ['permit', 'hold', 'list', ['asked'], 1],
  ]);
  expect(groups[0]).toMatchObject({
    target: 'files',
    underOtherSets: 0,
    example: {
      record: first.id,
      time: NOW,
      agent: summariser.id,
      delegator: { issuer: alice.issuer, subject: 'alice' },
      chain: [summariser.id],
      task: 'task_1',
      resources: ['file:notes/monday.md'],
      recorded: { reasons: [{ code: 'no_policy' }], policies: [] },
      draft: { reasons: [{ code: 'policy_permits' }], policies: ['writes'] },
    },
  });
});

test('what was decided under another set than the newest is told apart', async () => {
  const older = set(`@id("nothing") permit (principal, action in Action::"send", resource);`);
  const records = [recorded({}, older), recorded(write(), older), recorded(write())];
  const report = await run(records, set(`${READS}${WRITES}`));
  expect(report.current).toBe(current.policySet);
  expect(report.exact.groups.map(({ operation, count, underOtherSets }) => [operation, count, underOtherSets])).toEqual(
    [
      ['write_file', 2, 1],
      ['read_text_file', 1, 1],
    ],
  );
  const given = await replay(records, {
    draft: set(`${READS}${WRITES}`),
    current: older.policySet,
    sha256,
    isKnownForm: () => true,
  });
  expect(given.exact.groups[0]).toMatchObject({ operation: 'write_file', underOtherSets: 1 });
});

describe('what cannot be replayed exactly', () => {
  const secret = write({ arguments: { path: 'a', password: 'hunter2' } });

  test('is compared apart, and says what is doubtful', async () => {
    const records = [recorded(secret), recorded({ action: sampleAction({ arguments: { token: 'hunter2' } }) })];
    const { exact, uncertain } = await run(records, set(`${READS}${WRITES}`));
    expect(exact).toEqual({ unchanged: 0, flipped: 0, groups: [] });
    expect(uncertain).toMatchObject({ unchanged: 1, flipped: 1, because: { arguments: 2 } });
    expect(uncertain.groups[0]).toMatchObject({ from: 'deny', to: 'permit', count: 1 });
  });

  test('is not compared at all without facts, or when a newer version wrote it', async () => {
    const { facts: _, ...old } = recorded(write());
    const newer = recorded(write());
    const large: DecisionRecord = { ...old, facts: null, facts_left_out: 'too_large' };
    const report = await run([old, newer, large], set(WRITES), (record) => record.id !== newer.id);
    expect(report).toMatchObject({ decisions: 3, unreplayable: { no_facts: 1, unknown_form: 1, facts_too_large: 1 } });
    expect([report.exact.flipped, report.uncertain.flipped]).toEqual([0, 0]);
  });
});
