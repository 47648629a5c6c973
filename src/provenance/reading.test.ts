import { expect, test } from 'vitest';
import type { ArgumentOrigin } from '../core/action.ts';
import { readingOf, type Reading } from './reading.ts';

test.each<[string, ArgumentOrigin[], { outsiders: boolean; exposed: boolean }, Reading]>([
  ['a list of the target itself', [], { outsiders: false, exposed: true }, 'trusted'],
  ['a look-up of what the delegator named', ['prompt'], { outsiders: false, exposed: true }, 'trusted'],
  ['what the model knows, before it has read anything', ['unseen'], { outsiders: false, exposed: false }, 'trusted'],
  ['what it made up, after that', ['unseen'], { outsiders: false, exposed: true }, 'untrusted'],
  ['made up beside what the delegator named', ['prompt', 'unseen'], { outsiders: false, exposed: true }, 'trusted'],
  ['a look-up that outsiders steered', ['prompt', 'untrusted'], { outsiders: false, exposed: true }, 'untrusted'],
  ['a look-up of an item of their list', ['listed'], { outsiders: false, exposed: true }, 'listed'],
  ['a list that outsiders can write to', [], { outsiders: true, exposed: false }, 'listed'],
  ['a page that the delegator named', ['prompt'], { outsiders: true, exposed: false }, 'referred'],
  ['a page that a trusted answer named', ['trusted'], { outsiders: true, exposed: false }, 'listed'],
  ['a page that outsiders named', ['untrusted'], { outsiders: true, exposed: true }, 'untrusted'],
])('%s', (_name, asked, about, reading) => {
  expect(readingOf(asked, about)).toBe(reading);
});
