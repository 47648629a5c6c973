import { expect, test } from 'vitest';
import { parseWhen } from './when.ts';

const NOW = Date.UTC(2026, 10, 23, 12);

test.each([
  ['90m', Date.UTC(2026, 10, 23, 10, 30)],
  ['24h', Date.UTC(2026, 10, 22, 12)],
  ['7d', Date.UTC(2026, 10, 16, 12)],
  ['0h', NOW],
  ['2026-11-20', Date.UTC(2026, 10, 20)],
  ['2026-11-20T08:30:00Z', Date.UTC(2026, 10, 20, 8, 30)],
  ['2026-11-20T08:30:00.250+02:00', Date.UTC(2026, 10, 20, 6, 30, 0, 250)],
])('`%s` is a time', (text, time) => {
  expect(parseWhen(text, NOW)).toBe(time);
});

test.each(['', 'yesterday', '24', 'h', '-1h', '1.5h', '2w', '1234567d', '2026-02-30', '2026-11-20T08:30:00', '0'])(
  '`%s` is none',
  (text) => {
    const problem = `\`${text}\` is no time; use \`24h\`, \`7d\`, \`2026-11-23\` or \`2026-11-23T08:00:00Z\``;
    expect(parseWhen(text, NOW)).toEqual({ problem });
  },
);
