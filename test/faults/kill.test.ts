import { expect, test } from 'vitest';
import { killRounds } from './kill.ts';

test(
  'INVARIANT 5: kill -9 in a loop of calls loses no record, and the restart goes on',
  { timeout: 120_000 },
  async () => {
    const report = await killRounds(2);
    expect(report.seen).toBeGreaterThan(0);
    expect(report).toMatchObject({ unrecorded: [], open: [], log: 'ok', continued: 2 });
  },
);
