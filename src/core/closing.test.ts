import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advanceClosing, hasChanged, openClosing, type ByKind } from './closing.ts';

const OPENED = openClosing(
  { task: 't', cause: 'revoked', reason: 'stop', by: 'alice', at: 1_000 },
  { ended: { approvals: ['a1'] }, outstanding: { tokens: ['k1', 'k2'] } },
);

test('what is not outstanding any more has ended, whoever ended it', () => {
  const next = advanceClosing(OPENED, { ended: { calls: ['c1'] }, outstanding: { tokens: ['k2'] } }, 2_000);
  expect(next).toMatchObject({
    ended: { approvals: ['a1'], tokens: ['k1'], calls: ['c1'] },
    outstanding: { tokens: ['k2'] },
    attempts: 1,
    nextAt: 2_500,
    completeAt: null,
  });
  expect(advanceClosing(next, { ended: {}, outstanding: {} }, 3_000)).toMatchObject({
    ended: { approvals: ['a1'], tokens: ['k1', 'k2'], calls: ['c1'] },
    outstanding: {},
    nextAt: null,
    completeAt: 3_000,
  });
});

test('what is still there has not ended, also when an attempt believes so', () => {
  const next = advanceClosing(OPENED, { ended: { tokens: ['k1'] }, outstanding: { tokens: ['k1'] } }, 2_000);
  expect(next.ended).toEqual({ approvals: ['a1'], tokens: ['k2'] });
});

test('it is tried again after twice as long each time, and every five minutes at last', () => {
  const stuck = { ended: {}, outstanding: { tokens: ['k1'] } };
  const waits: number[] = [];
  for (let closing = OPENED, now = 0; waits.length < 14; now = closing.nextAt!) {
    closing = advanceClosing(closing, stuck, now);
    waits.push(closing.nextAt! - now);
  }
  expect(waits.slice(0, 4)).toEqual([500, 1_000, 2_000, 4_000]);
  expect(waits.at(-1)).toBe(300_000);
});

test('the first attempt is recorded whatever it brought, a later one when it brought something', () => {
  const stuck = { ended: {}, outstanding: OPENED.outstanding };
  const first = advanceClosing(OPENED, stuck, 1);
  expect(hasChanged(OPENED, first)).toBe(true);
  expect(hasChanged(first, advanceClosing(first, stuck, 2))).toBe(false);
  expect(hasChanged(first, advanceClosing(first, { ended: {}, outstanding: { tokens: ['k1'] } }, 2))).toBe(true);
});

test('nothing that was ever there is lost, in whatever order and however often it is tried', () => {
  const kinds = fc.constantFrom('tokens', 'calls', 'processes');
  const found = fc.dictionary(kinds, fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { minLength: 1 }));
  fc.assert(
    fc.property(fc.array(fc.record({ ended: found, outstanding: found }), { maxLength: 6 }), (attempts) => {
      const seen = new Set(named(OPENED));
      let closing = OPENED;
      for (const attempt of attempts) {
        closing = advanceClosing(closing, attempt, closing.openedAt);
        for (const id of [...pairs(attempt.ended), ...pairs(attempt.outstanding)]) seen.add(id);
        expect(new Set(named(closing))).toEqual(seen);
        const ended = new Set(pairs(closing.ended));
        expect(pairs(closing.outstanding).filter((id) => ended.has(id))).toEqual([]);
        expect(closing.completeAt === null).toBe(pairs(closing.outstanding).length > 0);
      }
    }),
    { numRuns: 200 },
  );
});

function pairs(byKind: ByKind): string[] {
  return Object.entries(byKind).flatMap(([kind, ids]) => ids.map((id) => `${kind} ${id}`));
}

function named({ ended, outstanding }: { ended: ByKind; outstanding: ByKind }): string[] {
  return [...pairs(ended), ...pairs(outstanding)];
}
