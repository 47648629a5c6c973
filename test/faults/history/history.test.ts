import { expect, test } from 'vitest';
import { runHistory } from './history.ts';

test('INVARIANT 5, 6 and 8: a random history with kills is right as a whole', { timeout: 120_000 }, async () => {
  const { counts, seed, ...verdict } = await runHistory({
    seed: Number(process.env['SEED'] ?? 1),
    clients: 4,
    acts: 40,
    kills: 2,
  });
  expect({ seed, ...verdict }).toEqual({
    seed,
    afterEnd: [],
    permitAfterEnd: [],
    spentTwice: [],
    lost: [],
    unrecorded: [],
    open: [],
    log: 'ok',
  });
  // Nothing is right about nothing.
  expect(Math.min(counts.tasks, counts.ends, counts.seen)).toBeGreaterThan(0);
});
