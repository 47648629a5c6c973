import { expect, test } from 'vitest';
import { play, type ActResult } from './acts.ts';
import { governedTask } from './governed-task.ts';

test('every act of the demo comes out as expected', { timeout: 90_000 }, async () => {
  const { acts, dispose } = await governedTask();
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
