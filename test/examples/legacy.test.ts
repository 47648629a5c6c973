import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { play, type ActResult } from '../demo/acts.ts';
import { legacy } from '../demo/legacy.ts';
import { root } from '../harness/remit-process.ts';

test('every act of the story of the legacy service comes out as expected', { timeout: 90_000 }, async () => {
  const { acts, dispose } = await legacy();
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

test('who may do what at Remit itself is the same as in the quickstart', () => {
  const policies = ['legacy', 'quickstart'].map((name) =>
    readFileSync(join(root, 'examples', name, 'policies/remit.cedar'), 'utf8'),
  );
  expect(policies[0]).toBe(policies[1]);
});
