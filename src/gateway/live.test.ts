import { expect, test } from 'vitest';
import { createLiveWork } from './live.ts';

function setUp() {
  const ended = new Set<string>();
  const cut: string[] = [];
  const live = createLiveWork((taskId) => !ended.has(taskId));
  const attach = (taskId: string, name: string, kind?: 'call') =>
    live.attach(taskId, (reason) => cut.push(`${name}: ${reason}`), kind);
  return { ended, cut, live, attach };
}

test('the end of a task cuts everything of it, once, and nothing of another', () => {
  const { cut, live, attach } = setUp();
  attach('a', 'first');
  attach('a', 'second', 'call');
  attach('b', 'other');
  expect(live.endTask('a', 'revoked')).toBe(2);
  expect(live.endTask('a', 'revoked')).toBe(0);
  expect(cut).toEqual(['first: revoked', 'second: revoked']);
});

test('what is attached to an ended task is cut at once: no end is lost to a race (invariant 6)', () => {
  const { ended, cut, live, attach } = setUp();
  ended.add('a');
  attach('a', 'late', 'call');
  expect(cut).toEqual(['late: the task has ended']);
  expect(live.endTask('a', 'revoked')).toBe(0);
});

test('an end in the middle of an attach cuts once', () => {
  const cut: string[] = [];
  const live = createLiveWork((taskId) => {
    live.endTask(taskId, 'in between');
    return false;
  });
  live.attach('a', (reason) => cut.push(reason));
  expect(cut).toEqual(['in between']);
});

test('what is over by itself is not cut', () => {
  const { cut, live, attach } = setUp();
  const detach = attach('a', 'done');
  detach();
  detach();
  expect(live.endTask('a', 'revoked')).toBe(0);
  expect(cut).toEqual([]);
});

test('draining waits for calls, not for what is held', async () => {
  const { live, attach } = setUp();
  attach('a', 'stream');
  await live.draining();
  const detach = attach('a', 'call', 'call');
  let drained = false;
  const draining = live.draining().then(() => (drained = true));
  await Promise.resolve();
  expect(drained).toBe(false);
  detach();
  await draining;
});

test('a shutdown cuts everything', () => {
  const { cut, live, attach } = setUp();
  attach('a', 'one');
  attach('b', 'two');
  expect(live.cutAll('closing')).toBe(2);
  expect(cut).toEqual(['one: closing', 'two: closing']);
});

test('a revoked token cuts what was begun with it, and nothing else of the task', () => {
  const { cut, live, attach } = setUp();
  const detach = live.attach('a', (reason) => cut.push(`call: ${reason}`), 'call', 'tok_1');
  live.attach('a', (reason) => cut.push(`stream: ${reason}`), 'holding', 'tok_2');
  attach('a', 'session');
  live.attach('b', (reason) => cut.push(`other: ${reason}`), 'call', 'tok_1');
  expect(live.endToken('tok_1', 'revoked')).toBe(2);
  expect(live.endToken('tok_1', 'revoked')).toBe(0);
  detach();
  expect(cut).toEqual(['call: revoked', 'other: revoked']);
  expect(live.endTask('a', 'over')).toBe(2);
  expect(live.endToken('tok_2', 'revoked')).toBe(0);
  expect(cut.slice(2)).toEqual(['stream: over', 'session: over']);
});

test('what is begun with a revoked token is cut at once', async () => {
  const cut: string[] = [];
  const live = createLiveWork(
    () => true,
    (tokenId) => tokenId === 'tok_1',
  );
  live.attach('a', (reason) => cut.push(reason), 'call', 'tok_1');
  live.attach('a', (reason) => cut.push(reason), 'call', 'tok_2');
  live.attach('a', (reason) => cut.push(reason));
  expect(cut).toEqual(['the access token was revoked']);
  expect(live.endTask('a', 'over')).toBe(2);
  await live.draining();
});
