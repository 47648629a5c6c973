import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeenOnce } from './seen-once.ts';

const MINUTE = 60_000;

describe('a key', () => {
  it('is new once, until it expires', () => {
    const seen = new SeenOnce(10, MINUTE);
    expect([seen.add('a', MINUTE, 0), seen.add('a', MINUTE, 0), seen.add('b', MINUTE, 0)]).toEqual([true, false, true]);
    expect(seen.add('a', MINUTE, MINUTE - 1)).toBe(false);
  });

  it('is seen again whatever expiry it comes with', () => {
    const seen = new SeenOnce(10, MINUTE);
    seen.add('a', MINUTE, 0);
    expect(seen.add('a', MINUTE / 2, 0)).toBe(false);
  });

  it('is refused when there is no room, and room comes back when others expire', () => {
    const seen = new SeenOnce(2, MINUTE);
    seen.add('a', 1_000, 0);
    seen.add('b', MINUTE, 0);
    expect(seen.add('c', MINUTE, 0)).toBe(false);
    expect(seen.size).toBe(2);
    expect(seen.add('c', 2 * MINUTE, 30_000)).toBe(true);
    expect(seen.add('b', MINUTE, 30_000)).toBe(false);
  });

  it('is not new again after the clock went ahead and back', () => {
    const seen = new SeenOnce(10, MINUTE);
    seen.add('a', 1_000, 0);
    seen.add('other', 2 * MINUTE, 90_000);
    expect(seen.add('a', 1_000, 0)).toBe(false);
    // What could not have been forgotten is not held against anybody.
    expect(seen.add('b', 3 * MINUTE, 0)).toBe(true);
  });
});

it('never says of a key twice that it is new while it could be used, for any clock', () => {
  const step = fc.record({
    key: fc.nat(5),
    life: fc.integer({ min: 1, max: 2_000 }),
    jump: fc.integer({ min: -3_000, max: 3_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const seen = new SeenOnce(1_000, 2_000);
      const used = new Set<string>();
      let now = 10_000;
      for (const { key, life, jump } of steps) {
        now += jump;
        // As a proof: the expiry is part of what is signed, so a replay comes with the same.
        const proof = `${key} ${life}`;
        const isNew = seen.add(proof, 10_000 + life, now);
        if (now < 10_000 + life && isNew) {
          expect(used.has(proof)).toBe(false);
          used.add(proof);
        }
      }
    }),
  );
});
