import { expect, test } from 'vitest';
import { isIdentifier, isTime } from './value-shape.ts';

test.each([
  '2026-03-05',
  '2026-03-05 12:30',
  '2026-03-05T12:30:00Z',
  '2026-03-05T12:30:00+01:00',
  '2026-03-03 08:00-10:00',
  '2026-03-03/2026-03-05',
  '5 March 2026 at 3 pm',
  'next Friday, 10:00',
  'tomorrow',
  '3pm',
  'PT15M',
  'P1D',
])('`%s` says when', (value) => {
  expect(isTime(value)).toBe(true);
});

test.each([
  '',
  '12',
  'may@evil.example',
  'Friday market',
  '10.0.0.1',
  'P',
  'march',
  'now or never',
  'x'.repeat(80),
  '1/2',
  'tomorrow.example',
])('`%s` does not, or says more', (value) => {
  expect(isTime(value)).toBe(false);
});

test('an identifier is in one piece, and has a digit', () => {
  expect(['m44', '#W123', 'a/b-3', '7'].map(isIdentifier)).toEqual([true, true, true, true]);
  expect(['thanks', 'see m44', '', 'x@y1.example'].map(isIdentifier)).toEqual([false, false, false, false]);
});

test('reads a long text of times in one go', () => {
  expect(isTime('10:00-'.repeat(20_000))).toBe(false);
});
