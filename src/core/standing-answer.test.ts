import { describe, expect, test } from 'vitest';
import { NOW, sampleAction } from '../../test/fixtures/task.ts';
import { matchesOf, standsFor, type StandingAnswer, type Variation } from './standing-answer.ts';
import type { Approval } from './approval.ts';
import { REDACTED } from './redact.ts';

const ACTION = sampleAction({
  operation: 'write_file',
  resources: ['file:out/a.md'],
  arguments: { path: 'out/a.md', content: 'x', mode: { b: [1], a: 2 } },
});

function given(vary: Variation, args = ACTION.arguments): StandingAnswer {
  const card = { ...ACTION, arguments: args };
  const matches = matchesOf({ card: card as unknown as Approval['card'] }, vary);
  if ('problem' in matches) throw new Error(matches.problem);
  return {
    ...matches,
    id: 'sta_1',
    task: 'task_1',
    approval: 'apr_1',
    target: 'files',
    operation: 'write_file',
    policySet: 'p',
    approvers: [],
    uses: 2,
    usesLeft: 2,
    state: 'active',
    createdAt: NOW,
    expiresAt: NOW + 1000,
  };
}

const at = { policySet: 'p', now: NOW };
const args = (change: object) => ({ ...ACTION, arguments: { ...ACTION.arguments, ...change } });

describe('without a variation it is for the same action', () => {
  test.each([
    ['the same', ACTION, true],
    ['another order', args({ mode: { a: 2, b: [1] } }), true],
    ['another value', args({ content: 'y' }), false],
    ['another normal form', args({ content: 'x\u0301' }), false],
    ['another type', args({ content: ['x'] }), false],
    ['an argument more', args({ more: null }), false],
    ['an argument less', { ...ACTION, arguments: { path: 'out/a.md', content: 'x' } }, false],
    ['an argument by another name', { ...ACTION, arguments: { path: 'out/a.md', content: 'x', toString: 1 } }, false],
    ['another resource', { ...ACTION, resources: ['file:out/b.md'] }, false],
    ['a resource more', { ...ACTION, resources: ['file:out/a.md', 'file:out/b.md'] }, false],
    ['no resource', { ...ACTION, resources: [] }, false],
    ['another operation', { ...ACTION, operation: 'move_file' }, false],
    ['another target', { ...ACTION, target: 'memory' }, false],
  ])('%s: %#', (_name, action, stands) => {
    expect(standsFor(given({}), action, at)).toBe(stands);
  });
});

test('what may vary may, so far as was said', () => {
  const standing = given({ arguments: { content: null, path: 'out/*' }, resources: ['file:out/*'] });
  const other = { ...args({ path: 'out/b.md', content: { any: 'thing' } }), resources: ['file:out/b.md'] };
  expect(standsFor(standing, other, at)).toBe(true);
  expect(standsFor(standing, { ...other, resources: ['file:out/deep/b.md'] }, at)).toBe(false);
  expect(standsFor(standing, args({ path: 'in/b.md' }), at)).toBe(false);
  expect(standsFor(standing, args({ path: 7 }), at)).toBe(false);
  expect(standsFor(standing, args({ mode: 1 }), at)).toBe(false);
});

test('a name with a star is not a pattern', () => {
  const starred = { ...ACTION, resources: ['file:*'], arguments: { path: '*' } };
  const matches = matchesOf({ card: starred as unknown as Approval['card'] }, {});
  const standing = { ...given({}), ...(matches as Pick<StandingAnswer, 'resources' | 'arguments'>) };
  expect(standsFor(standing, starred, at)).toBe(true);
  expect(standsFor(standing, { ...starred, resources: ['file:x'] }, at)).toBe(false);
});

test('not after its time, its uses or its policy set', () => {
  expect(standsFor(given({}), ACTION, { ...at, now: NOW + 1000 })).toBe(false);
  expect(standsFor(given({}), ACTION, { ...at, policySet: 'q' })).toBe(false);
  expect(standsFor({ ...given({}), usesLeft: 0 }, ACTION, at)).toBe(false);
});

test.each<[Variation, RegExp]>([
  [{ arguments: { none: null } }, /no argument `none`/],
  [{ arguments: { toString: null } }, /no argument `toString`/],
  [{ arguments: { path: 'in/*' } }, /itself is not like/],
  [{ arguments: { mode: '**' } }, /itself is not like/],
  [{ resources: ['file:in/*'] }, /resources of the action itself/],
])('a variation that does not fit the action is refused: %j', (vary, problem) => {
  expect(() => given(vary)).toThrow(problem);
});

test('a secret that is not kept cannot be the same again, but may be any', () => {
  expect(() => given({}, { token: REDACTED })).toThrow(/`token` holds a secret/);
  expect(() => given({}, { nested: [{ token: REDACTED }] })).toThrow(/secret/);
  expect(given({ arguments: { token: null } }, { token: REDACTED }).arguments).toEqual({ token: { any: true } });
});
