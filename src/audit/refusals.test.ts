import { expect, test } from 'vitest';
import { InvalidClient, InvalidDpopProof, InvalidRequest } from '../core/errors.ts';
import type { LogRecord } from '../core/record.ts';
import { createRefusals } from './refusals.ts';

function open(options: { maxKinds?: number } = {}) {
  const records: LogRecord[] = [];
  const state = { failing: false, problems: 0, now: 1000 };
  const refusals = createRefusals({
    log: {
      append: async (more) => {
        if (state.failing) throw new Error('full');
        records.push(...more);
      },
    },
    clock: () => state.now,
    newId: (prefix) => `${prefix}_${records.length}`,
    onProblem: () => void (state.problems += 1),
    ...options,
  });
  const refuse = (source = '10.0.0.1', error = new InvalidDpopProof('no', { detail: 'htm' })) =>
    refusals.refused({ at: '/token', error, source });
  const subjects = () => records.map((record) => (record.kind === 'event' ? record.subject : {}));
  const counted = () => subjects().reduce((sum, { count }) => sum + Number(count), 0);
  return { refusals, refuse, subjects, counted, state };
}

test('the first of a kind is recorded at once, the others with their count at the interval', async () => {
  const { refusals, refuse, subjects, state } = open();
  for (let n = 0; n < 10_000; n++) refuse();
  state.now = 2000;
  refuse();
  expect(subjects()).toEqual([
    {
      at: '/token',
      error: 'invalid_dpop_proof',
      reason: 'htm',
      source: '10.0.0.1',
      count: 1,
      since: 1000,
      until: 1000,
    },
  ]);
  await refusals.flush();
  expect(subjects()[1]).toMatchObject({ count: 10_000, since: 1000, until: 2000 });
  await refusals.flush();
  await refusals.flush();
  expect(subjects()).toHaveLength(2);
  refuse();
  expect(subjects()[2]).toMatchObject({ count: 1 });
});

test('a flood from many sources costs bounded memory and few records, and is counted exactly', async () => {
  const { refusals, refuse, subjects, counted } = open({ maxKinds: 50 });
  for (let n = 0; n < 5000; n++) refuse(`10.0.${n >> 8}.${n & 255}`);
  await refusals.flush();
  expect(counted()).toBe(5000);
  expect(subjects().length).toBeLessThanOrEqual(51);
  expect(subjects().at(-1)).toEqual({
    at: '/token',
    error: 'invalid_dpop_proof',
    count: 4950,
    since: 1000,
    until: 1000,
  });
});

test('while the log fails nothing is lost, and nobody who refuses notices', async () => {
  const { refusals, refuse, counted, state } = open();
  state.failing = true;
  refuse();
  refuse();
  await refusals.flush();
  await refusals.flush();
  expect(state.problems).toBeGreaterThan(0);
  state.failing = false;
  await refusals.flush();
  expect(counted()).toBe(2);
});

test('what was sent is not recorded, however it is quoted', () => {
  const { refuse, subjects } = open();
  refuse('10.0.0.1', new InvalidRequest('the task does not grant `a`secret`b`') as never);
  refuse('10.0.0.1', new InvalidClient('authenticate with `x`') as never);
  expect(subjects().map(({ reason }) => reason)).toEqual(['the task does not grant …', 'authenticate with …']);
});
