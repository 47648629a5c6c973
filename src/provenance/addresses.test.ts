import { expect, test } from 'vitest';
import { addressesIn, isAddress } from './addresses.ts';

test.each([
  'https://example.com/a?b=c',
  'HTTP://EXAMPLE.COM',
  'www.example.museum',
  'ftp://files.example.org',
  'best_discount.com',
  'example.co.uk/path',
  'alice.b+c@mail.example.org',
  'jürgen@bücher.example',
  'DE89370400440532013000',
  'DE89 3704 0044 0532 0130 00',
  'EH9025920092',
  '+41 79 123 45 67',
  '0x52908400098527886E0F7030069857D2E4169EE7',
])('%s is an address', (text) => {
  expect(isAddress(text)).toBe(true);
  expect(addressesIn(`see ${text}, please`)).toContain(text);
});

test.each([
  '',
  'general',
  'Alice',
  'bill-december-2023.txt',
  'notes/today.md',
  'src/main.ts',
  'ORDER-113219',
  '#W6067464',
  'P007',
  '2026-03-02',
  '10:30',
  '1,234.50',
  'v1.2.3',
  'Ab12 words that follow',
])('%s is none', (text) => {
  expect(isAddress(text)).toBe(false);
  expect(addressesIn(text)).toEqual([]);
});

test('a dot or a dash before a host hides it not', () => {
  expect(addressesIn('-evil.com ..evil.net (evil.io) foo--evil.de')).toEqual([
    'evil.com',
    'evil.net',
    'evil.io',
    'foo--evil.de',
  ]);
});

test('an address at the end of a sentence does not have its stop', () => {
  expect(addressesIn('Look at www.example.com. Or write to a@example.com!')).toEqual([
    'www.example.com',
    'a@example.com',
  ]);
});

test.each(['a.', 'a.com', '@', 'www.', 'A1', '+1 ', '://', '.', '-a.', 'a_.com', 'x@y.'])(
  'a text of nothing but `%s` is gone through in bounded steps',
  (part) => {
    expect(addressesIn(part.repeat(200_000)).length).toBeLessThanOrEqual(100);
  },
);
