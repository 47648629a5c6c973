import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOW, sampleAction, sampleTask } from '../../test/fixtures/task.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { countersOf, drawsOf, leftFor, type Budget, type Used } from './budget.ts';
import type { TaskView } from './decision.ts';
import type { JsonValue } from './json.ts';

const sums: Budget['sums'] = [{ target: 'shop', operations: ['refund'], argument: '/amount', atMost: 1_000_000 }];
const refund = (amount: JsonValue | undefined, rest = {}) =>
  sampleAction({
    target: 'shop',
    operation: 'refund',
    effect: 'write',
    arguments: amount === undefined ? rest : { amount, ...rest },
  });

function level(budget: Budget, counters: Record<string, number> = {}, id = 'task_1'): TaskView {
  const all = Object.fromEntries(countersOf(budget).map(({ name }) => [name, counters[name] ?? 0]));
  const used: Used = Object.keys(all).length === 0 ? { calls: 0 } : { calls: 0, counters: all };
  return { task: sampleTask({ id, budget, window: { notBefore: NOW, expiresAt: NOW + 1 } }), used };
}

describe('an amount', () => {
  test.each<[JsonValue, number]>([
    [0, 0],
    [-0, 0],
    [12, 120_000],
    [0.1, 1_000],
    [19.99, 199_900],
    ['19.9900', 199_900],
    ['0.0001', 1],
    [900_719_925_474.0991, 9_007_199_254_740_991],
  ])('%j is counted exactly', (value, amount) => {
    expect(parseAmount(value)).toEqual({ amount });
  });

  test.each<[JsonValue | undefined, string]>([
    [undefined, 'is missing'],
    [null, 'is not a number'],
    [true, 'is not a number'],
    [[5], 'is not a number'],
    [{ amount: 5 }, 'is not a number'],
    [-1, 'is negative'],
    ['-0.01', 'is negative'],
    ['', 'is not a plain decimal number'],
    ['NaN', 'is not a plain decimal number'],
    ['Infinity', 'is not a plain decimal number'],
    [Number.NaN, 'is not a plain decimal number'],
    [1e-7, 'is not a plain decimal number'],
    ['1e3', 'is not a plain decimal number'],
    ['1,000', 'is not a plain decimal number'],
    ['$5', 'is not a plain decimal number'],
    ['+5', 'is not a plain decimal number'],
    ['007', 'is not a plain decimal number'],
    [' 5', 'is not a plain decimal number'],
    ['5\n', 'is not a plain decimal number'],
    ['5.', 'is not a plain decimal number'],
    ['.5', 'is not a plain decimal number'],
    ['٥', 'is not a plain decimal number'],
    [0.12345, 'has more than four digits after the point'],
    ['1.00000', 'has more than four digits after the point'],
    [2 ** 53, 'is larger than 900719925474.0991'],
    [1e21, 'is larger than 900719925474.0991'],
    ['900719925474.0992', 'is larger than 900719925474.0991'],
    ['9'.repeat(400), 'is larger than 900719925474.0991'],
  ])('%j is none', (value, problem) => {
    expect(parseAmount(value)).toEqual({ problem });
  });

  test('comes out of its text as it went in', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (amount) => {
        expect(parseAmount(formatAmount(amount))).toEqual({ amount });
      }),
    );
  });
});

describe('what an action takes', () => {
  test('is counted by each level that bounds it, and by nothing else', () => {
    const chain = [
      level({ calls: 9, effects: { write: 2, read: 1 }, operations: { 'shop:refund': 1, 'shop:other': 1 } }),
      level({ calls: 9, sums }, {}, 'task_0'),
    ];
    expect(drawsOf(chain, refund('12.50'))).toEqual({
      draws: [
        { task: 'task_1', counter: 'effect:write', amount: 1 },
        { task: 'task_1', counter: 'operation:shop:refund', amount: 1 },
        { task: 'task_0', counter: 'sum:0', amount: 125_000 },
      ],
    });
    expect(leftFor(chain, refund('12.50'))).toEqual({ calls: 9, effect: 2, operation: 1, sum: 1_000_000 });
    expect(drawsOf(chain, sampleAction({ target: 'shop', operation: 'list', protocol: true }))).toEqual({ draws: [] });
    expect(leftFor(chain, sampleAction({ effect: 'send' }))).toEqual({ calls: 9 });
  });

  test.each<[string, Budget, Record<string, number>, ReturnType<typeof refund>, string, RegExp, RegExp]>([
    [
      'an effect',
      { calls: 9, effects: { write: 2 } },
      { 'effect:write': 2 },
      refund(1),
      'over_budget',
      /2 calls that write, and has used them up/,
      /new task/,
    ],
    [
      'an operation',
      { calls: 9, operations: { 'shop:refund': 0 } },
      {},
      refund(1),
      'over_budget',
      /0 calls of `shop:refund`/,
      /new task/,
    ],
    [
      'a sum',
      { calls: 9, sums },
      { 'sum:0': 900_000 },
      refund(10.01),
      'over_budget',
      /100 `\/amount` in all; 10 are left, and this call takes 10\.01/,
      /stay within 10,/,
    ],
    [
      'a missing amount',
      { calls: 9, sums },
      {},
      refund(undefined),
      'uncountable_amount',
      /is missing/,
      /send `\/amount` as a number/,
    ],
    [
      'a negative amount',
      { calls: 9, sums },
      { 'sum:0': 900_000 },
      refund(-5),
      'uncountable_amount',
      /is negative/,
      /not negative/,
    ],
    [
      'an inherited member',
      { calls: 9, sums: [{ ...sums[0]!, argument: '/toString' }] },
      {},
      refund(1),
      'uncountable_amount',
      /is missing/,
      /toString/,
    ],
    [
      'a pointer into a text',
      { calls: 9, sums: [{ ...sums[0]!, argument: '/amount/length' }] },
      {},
      refund('12'),
      'uncountable_amount',
      /is missing/,
      /length/,
    ],
  ])('%s that does not hold: %#', (_what, budget, counters, action, code, message, next) => {
    const drawn = drawsOf([level(budget, counters)], action);
    expect(drawn).toMatchObject({ problem: { code, message: expect.stringMatching(message) as string } });
    expect('problem' in drawn && drawn.problem.next).toMatch(next);
  });

  test('is found where the pointer leads: RFC 6901 escapes, places in arrays', () => {
    const at = (argument: string) => ({ calls: 9, sums: [{ ...sums[0]!, argument }] });
    const args = { 'a/b': { '~': [3, { n: 4 }] } };
    const takes = (argument: string) => drawsOf([level(at(argument))], refund(undefined, args));
    expect(takes('/a~1b/~0/0')).toMatchObject({ draws: [{ amount: 30_000 }] });
    expect(takes('/a~1b/~0/1/n')).toMatchObject({ draws: [{ amount: 40_000 }] });
    for (const nowhere of ['/a~1b/~0/00', '/a~1b/~0/-', '/a~1b/~0/2', '/a']) {
      expect(takes(nowhere)).toMatchObject({ problem: { code: 'uncountable_amount' } });
    }
  });
});

test('a budget is never overdrawn: random amounts against exact arithmetic', () => {
  const cents = fc.oneof(fc.nat(300), fc.integer({ min: -50, max: -1 }));
  fc.assert(
    fc.property(fc.array(cents, { maxLength: 40 }), fc.nat(2_000), fc.nat(2_000), (amounts, own, above) => {
      const limit = (hundredths: number) => [{ ...sums[0]!, atMost: hundredths * 100 }];
      const used = { own: 0, above: 0 };
      let naive = 0n;
      for (const amount of amounts) {
        const chain = [
          level({ calls: 99, sums: limit(own) }, { 'sum:0': used.own }),
          level({ calls: 99, sums: limit(above) }, { 'sum:0': used.above }, 'task_0'),
        ];
        // As a double: 0.1 + 0.2 would not be 0.3.
        const drawn = drawsOf(chain, refund(amount / 100));
        const fits = amount >= 0 && naive + BigInt(amount) <= BigInt(Math.min(own, above));
        expect('draws' in drawn).toBe(fits);
        if (!('draws' in drawn)) continue;
        naive += BigInt(amount);
        used.own += drawn.draws[0]!.amount;
        used.above += drawn.draws[1]!.amount;
      }
      expect([used.own, used.above]).toEqual([Number(naive) * 100, Number(naive) * 100]);
    }),
  );
});
