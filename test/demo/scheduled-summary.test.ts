import { expect, test } from 'vitest';
import { play, type ActResult } from './acts.ts';
import { scheduledSummary } from './scheduled-summary.ts';

test('every act of the scheduled summary comes out as expected', { timeout: 90_000 }, async () => {
  const { acts, dispose } = await scheduledSummary();
  const failed: ActResult[] = [];
  try {
    await play(acts, (result) => {
      if (!result.held) failed.push(result);
    });
  } finally {
    await dispose();
  }
  expect(failed).toEqual([]);
});
