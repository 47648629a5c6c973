import { expect, test } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { decisionRecord, eventRecord, FakeLog, outcomeRecord } from './fake-log.ts';
import { unfinishedOutcomes } from './unfinished.ts';

const parts = { clock: () => NOW, newId: (prefix: string) => `${prefix}_new` };

test('permits without an outcome since the last start are settled once, as unknown', async () => {
  const log = new FakeLog();
  await log.append([eventRecord(0), decisionRecord(1), decisionRecord(2), outcomeRecord(3, 1)]);
  const outcomes = unfinishedOutcomes(log, parts);
  expect(outcomes).toMatchObject([{ kind: 'outcome', decision: 'rec_2', status: 'unknown' }]);
  await log.append([...outcomes, eventRecord(4)]);
  expect(unfinishedOutcomes(log, parts)).toEqual([]);
});

test('an empty log has nothing to settle', () => {
  expect(unfinishedOutcomes(new FakeLog(), parts)).toEqual([]);
});
