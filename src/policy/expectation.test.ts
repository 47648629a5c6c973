import { expect, test } from 'vitest';
import { sampleInput, sha256 } from '../../test/fixtures/task.ts';
import type { Decision } from '../core/decision.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { Expectation } from './case-form.ts';
import { mismatches } from './expectation.ts';

const held: Decision = {
  outcome: 'hold',
  reasons: [{ code: 'approval_required', message: 'an owner must agree' }],
  policies: ['a', 'b'],
  policySet: 'sha256:0',
  controls: ['ASI02'],
  approvers: ['owners'],
  observed: [],
  liftedByApproval: [],
};
const record = decisionRecord(
  { id: 'rec_1', request: 'req_1', input: sampleInput(), decision: held, approval: null, token: null },
  sha256,
);

const met: [string, Partial<Expectation>][] = [
  ['the outcome alone', {}],
  ['a code and a part of a message', { reasons: ['approval_required', 'owner must'] }],
  ['policies in any order', { policies: ['b', 'a'] }],
  ['nothing observed', { observed: [] }],
  ['some fields of the record', { record: { kind: 'decision', task: { origin: { trust: 'authenticated' } } } }],
  ['a list of partial records', { record: { chain: [{ task: 'task_1' }] } }],
];
test.each(met)('as expected: %s', (_name, expected) => {
  expect(mismatches({ outcome: 'hold', ...expected }, held, record)).toEqual([]);
});

const missed: [string, Partial<Expectation>, string][] = [
  ['another outcome', { outcome: 'permit' }, 'outcome: expected permit, got hold'],
  [
    'a reason that was not given',
    { reasons: ['no_policy'] },
    'reasons: expected `no_policy`, which is neither a code nor part of a message',
  ],
  ['a policy too many', { policies: ['a'] }, 'policies: expected a, got a, b'],
  ['a policy too few', { policies: ['a', 'b', 'c'] }, 'policies: expected a, b, c, got a, b'],
  ['no controls', { controls: [] }, 'controls: expected none, got ASI02'],
  ['other approvers', { approvers: ['staff'] }, 'approvers: expected staff, got owners'],
  ['something observed', { observed: ['c'] }, 'observed: expected c, got none'],
  [
    'another value in the record',
    { record: { action: { effect: 'write' } } },
    'record.action.effect: expected "write", got "read"',
  ],
  ['a field that records do not have', { record: { policySet: 1 } }, 'record.policySet: expected 1, got no such field'],
  ['an inherited name', { record: { constructor: {} } }, 'record.constructor: expected {}, got no such field'],
  ['a list of another length', { record: { chain: [] } }, 'record.chain: expected [], got [{'],
  ['an object where nothing is', { record: { token: { id: 'x' } } }, 'record.token: expected {"id":"x"}, got null'],
];
test.each(missed)('not as expected: %s', (_name, expected, line) => {
  const lines = mismatches({ outcome: 'hold', ...expected }, held, record);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(line);
});
