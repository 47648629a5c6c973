import { expect, test } from 'vitest';
import { eventRecords } from '../../audit/fake-log.ts';
import { withProgress } from './progress.ts';

async function told(count: number, msEach: number, terminal: boolean) {
  const lines: string[] = [];
  let now = 0;
  const parts = { say: (line: string) => void lines.push(line), clock: () => now, terminal };
  let passed = 0;
  for await (const record of withProgress(eventRecords(0, count), parts)) {
    expect(record.id).toBe(`rec_${passed++}`);
    now += msEach;
  }
  expect(passed).toBe(count);
  return lines;
}

test('at most each half second, how many and how fast', async () => {
  expect(await told(100, 20, false)).toEqual([
    '25 records read, 50 a second',
    '50 records read, 50 a second',
    '75 records read, 50 a second',
    '100 records read, 50 a second',
  ]);
  expect(await told(100, 1, false)).toEqual([]);
});

test('on a terminal each line takes the place of the one before', async () => {
  expect(await told(50, 20, true)).toEqual([
    '25 records read, 50 a second',
    '\u001b[1A\u001b[2K50 records read, 50 a second',
  ]);
});
