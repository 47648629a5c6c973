import { expect, test } from 'vitest';
import { FAIL_POINTS } from '../../src/ending/fail-point.ts';
import { dieAtEveryStep, isUndone } from './end.ts';

test(
  'INVARIANT 6: kill -9 between any two steps of an end, and the restart finishes it',
  { timeout: 120_000 },
  async () => {
    const { rounds, logs } = await dieAtEveryStep();
    expect(rounds).toEqual(
      FAIL_POINTS.map((point) => ({
        point,
        endedByThen: !isUndone(point),
        complete: true,
        processGone: true,
        records: [1, 1, 1, 1],
      })),
    );
    expect(logs).toEqual(['ok', 'ok']);
  },
);
