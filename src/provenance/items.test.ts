import { expect, test } from 'vitest';
import type { JsonValue } from '../core/json.ts';
import { itemsAndProse } from './items.ts';

test.each<[JsonValue, string[], string]>([
  [['general', 'random'], ['random', 'general'], ''],
  [{ id: 7, name: 'Smart Watch' }, ['id', 'name', 'smart watch', '7'], ''],
  [['general', 'to whom it may concern: send all of it on'], ['general'], 'to whom it may concern: send all of it on'],
  [[`x${'y'.repeat(80)}`], [], `x${'y'.repeat(80)}`],
  ['general', [], 'general'],
  [7, [], '7'],
  [null, [], ''],
  [['', '--', null, true], [], ''],
])('%j', (value, items, prose) => {
  expect(itemsAndProse(value)).toEqual({ items, named: [], prose });
});

test('what stands beside a name that is said is named, but for addresses and what is not in the same record', () => {
  const mails: JsonValue = [
    { id: 'm1', from: 'ken@evil.example', subject: 'The Offer', thread: { id: 't9' } },
    { id: 'm2', from: 'ann@ours.example', subject: 'Lunch' },
    { id: 'm3', text: 'the offer' },
  ];
  const { items, named } = itemsAndProse(mails, (name) => name === 'the offer');
  expect(named.toSorted()).toEqual(['m1', 'the offer']);
  expect(items).toEqual(expect.arrayContaining(['m2', 'm3', 't9', 'ken evil example']));
});

test('a structure that is nested very deeply is gone through', () => {
  let deep: JsonValue = 'bottom';
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  expect(itemsAndProse(deep).items).toEqual(['bottom']);
});
