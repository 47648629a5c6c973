import { expect, test } from 'vitest';
import { mismatch, stepsOf } from './console-guide.ts';

test('commands and what they print', () => {
  const page = 'text\n```console\n$ one \\\n  two\na\n\nb\n$ three\n```\n```sh\n$ not this\n```\n';
  expect(stepsOf(page)).toEqual([
    { command: 'one \\\n  two', expected: ['a', '', 'b'] },
    { command: 'three', expected: [] },
  ]);
});

test.each([
  [['a'], ['a'], true],
  [['a'], ['b'], false],
  [['a'], ['a', 'b'], false],
  [['a', '…'], ['a', 'b', 'c'], true],
  [['a', '…', 'c'], ['a', 'b', 'd'], false],
  [['set sha256:… (2)'], ['set sha256:00ff (2)'], true],
  [['a.c'], ['abc'], false],
  [[], [], true],
  [[], ['a'], false],
])('%j against %j: %s', (expected, printed, same) => {
  expect(mismatch(expected, printed) === null).toBe(same);
});
