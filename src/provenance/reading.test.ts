import { expect, test } from 'vitest';
import type { ArgumentOrigin } from '../core/action.ts';
import { readingOf, type Reading } from './reading.ts';

test.each<[string, ArgumentOrigin[], { outsiders: boolean; exposed: boolean; promptLast?: boolean }, Reading]>([
  ['a list of the target itself', [], { outsiders: false, exposed: true }, 'trusted'],
  ['a look-up of what the delegator named', ['prompt'], { outsiders: false, exposed: true }, 'resolved'],
  ['a look-up by a parameter of the task', ['parameters'], { outsiders: false, exposed: true }, 'resolved'],
  ['a look-up of what that one found', ['resolved'], { outsiders: false, exposed: true }, 'resolved'],
  ['a look-up of what a trusted answer named', ['prompt', 'trusted'], { outsiders: false, exposed: true }, 'trusted'],
  [
    'a look-up of what somebody outside named, whose prompt it is',
    ['prompt'],
    { outsiders: false, exposed: true, promptLast: true },
    'trusted',
  ],
  [
    'a look-up for whom the task is, whoever wrote the prompt',
    ['parameters'],
    { outsiders: false, exposed: true, promptLast: true },
    'resolved',
  ],
  ['what the model knows, before it has read anything', ['unseen'], { outsiders: false, exposed: false }, 'trusted'],
  ['what it made up, after that', ['unseen'], { outsiders: false, exposed: true }, 'untrusted'],
  ['made up beside what the delegator named', ['prompt', 'unseen'], { outsiders: false, exposed: true }, 'trusted'],
  ['a look-up that outsiders steered', ['prompt', 'untrusted'], { outsiders: false, exposed: true }, 'steered'],
  ['a look-up of what that one returned', ['steered'], { outsiders: false, exposed: true }, 'steered'],
  ['a look-up of an item of their list', ['listed'], { outsiders: false, exposed: true }, 'listed'],
  ['a list that outsiders can write to', [], { outsiders: true, exposed: false }, 'listed'],
  ['a page that the delegator named', ['prompt'], { outsiders: true, exposed: false }, 'referred'],
  ['a page that a trusted answer named', ['trusted'], { outsiders: true, exposed: false }, 'listed'],
  ['a page that outsiders named', ['untrusted'], { outsiders: true, exposed: true }, 'steered'],
])('%s', (_name, asked, about, reading) => {
  expect(readingOf(asked, { promptLast: false, ...about })).toBe(reading);
});
