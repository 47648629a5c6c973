import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, ringProblem, wantsNext, type KeyRing } from './key-ring.ts';

const PERIODS = { rotateEvery: 1000, publishAhead: 100, retire: 500 };
const jwk = { kty: 'EC' };

test('a clock that went back delays a state by its own length at most', () => {
  const ring: KeyRing = [
    { jwk, state: 'current', since: 9_000_000 },
    { jwk, state: 'next', since: 9_000_000 },
  ];
  const back = advance(ring, 1000, PERIODS);
  expect(back.map(({ since }) => since)).toEqual([1000, 1000]);
  expect(advance(back, 1100, PERIODS).map(({ state }) => state)).toEqual(['retiring', 'current']);
});

test('a clock that leaps does not let an unpublished key sign', () => {
  const ring: KeyRing = [{ jwk, state: 'current', since: 0 }];
  expect(advance(ring, 9_000_000, PERIODS)).toBe(ring);
  expect(wantsNext(ring, 9_000_000, PERIODS)).toBe(true);
});

test('whatever the clock does, one key is current, and none that signed leaves before its time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 60 }), (steps) => {
      let now = 10_000;
      let made = 0;
      const another = () => ({ kty: 'EC', kid: `k${(made += 1)}` });
      let ring: KeyRing = [{ jwk: another(), state: 'current', since: now }];
      for (const step of steps) {
        now += step;
        const before = ring;
        ring = advance(ring, now, PERIODS);
        if (wantsNext(ring, now, PERIODS)) ring = [...ring, { jwk: another(), state: 'next', since: now }];
        expect(ringProblem(ring)).toBeNull();
        expect(ring.every(({ since }) => since <= now)).toBe(true);
        const due = before.filter(({ state, since }) => state === 'retiring' && since + PERIODS.retire <= now);
        const kept = new Set(ring.map(({ jwk: { kid } }) => kid));
        expect(before.filter(({ jwk: { kid } }) => !kept.has(kid))).toEqual(due);
      }
    }),
  );
});
