import { expect, test } from 'vitest';
import { createLiveWork, type Work } from './live.ts';

const work = (taskId: string, id = 'any'): Work => ({ taskId, id, kind: 'session', target: 'files' });

function setUp() {
  const ended = new Set<string>();
  const cut: string[] = [];
  const live = createLiveWork({ isLive: (taskId) => !ended.has(taskId) });
  const attach = (taskId: string, id: string, more: Partial<Work> = {}) =>
    live.attach({ ...work(taskId, id), ...more }, (reason) => cut.push(`${id}: ${reason}`));
  return { ended, cut, live, attach };
}

test('the end of a task cuts everything of it, once, and nothing of another', () => {
  const { cut, live, attach } = setUp();
  attach('a', 'first');
  attach('a', 'second', { kind: 'call' });
  attach('b', 'other');
  expect(live.endTask('a', 'revoked')).toEqual(['first', 'second']);
  expect(live.endTask('a', 'revoked')).toEqual([]);
  expect(cut).toEqual(['first: revoked', 'second: revoked']);
});

test('what is attached to an ended task is cut at once: no end is lost to a race (invariant 6)', () => {
  const { ended, cut, live, attach } = setUp();
  ended.add('a');
  attach('a', 'late', { kind: 'call' });
  expect(cut).toEqual(['late: the task has ended']);
  expect(live.endTask('a', 'revoked')).toEqual([]);
});

test('an end in the middle of an attach cuts once', () => {
  const cut: string[] = [];
  const live = createLiveWork({
    isLive: (taskId) => {
      live.endTask(taskId, 'in between');
      return false;
    },
  });
  live.attach(work('a'), (reason) => cut.push(reason));
  expect(cut).toEqual(['in between']);
});

test('what is over by itself is not cut', () => {
  const { cut, live, attach } = setUp();
  const detach = attach('a', 'done');
  detach();
  detach();
  expect(live.endTask('a', 'revoked')).toEqual([]);
  expect(cut).toEqual([]);
});

test('draining waits for calls, not for what is held', async () => {
  const { live, attach } = setUp();
  attach('a', 'stream');
  await live.draining();
  const detach = attach('a', 'call', { kind: 'call' });
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
  const detach = attach('a', 'call', { kind: 'call', tokenId: 'tok_1' });
  attach('a', 'stream', { kind: 'stream', tokenId: 'tok_2' });
  attach('a', 'session');
  attach('b', 'other', { kind: 'call', tokenId: 'tok_1' });
  expect(live.endToken('tok_1', 'revoked')).toBe(2);
  expect(live.endToken('tok_1', 'revoked')).toBe(0);
  detach();
  expect(cut).toEqual(['call: revoked', 'other: revoked']);
  expect(live.endTask('a', 'over')).toHaveLength(2);
  expect(live.endToken('tok_2', 'revoked')).toBe(0);
  expect(cut.slice(2)).toEqual(['stream: over', 'session: over']);
});

test('what is begun with a revoked token is cut at once', async () => {
  const cut: string[] = [];
  const live = createLiveWork({ isLive: () => true, isRevoked: (tokenId) => tokenId === 'tok_1' });
  const cutting = (reason: string) => void cut.push(reason);
  live.attach({ ...work('a'), kind: 'call', tokenId: 'tok_1' }, cutting);
  live.attach({ ...work('a'), kind: 'call', tokenId: 'tok_2' }, cutting);
  live.attach(work('a'), cutting);
  expect(cut).toEqual(['the access token was revoked']);
  expect(live.endTask('a', 'over')).toHaveLength(2);
  await live.draining();
});

test('a target that is cut off takes down what runs at it, and what begins at it later', () => {
  const suspended = new Set<string>();
  const cut: string[] = [];
  const live = createLiveWork({ isLive: () => true, isSuspended: (target) => suspended.has(target) });
  const attach = (id: string, target: string) =>
    live.attach({ ...work('a', id), target }, (reason) => cut.push(`${id}: ${reason}`));
  attach('one', 'files');
  attach('other', 'memory');
  suspended.add('files');
  expect(live.endTarget('files', 'cut off')).toBe(1);
  attach('late', 'files');
  expect(cut).toEqual(['one: cut off', 'late: the target is suspended']);
  expect(live.endTask('a', 'over')).toEqual(['other']);
});

test('one kind of work of a task is named and cut by itself', () => {
  const { cut, live, attach } = setUp();
  attach('a', 'req_1', { kind: 'call' });
  attach('a', 'mcp_1');
  attach('b', 'req_2', { kind: 'call' });
  expect(live.of('a', 'call')).toEqual(['req_1']);
  expect(live.calling()).toEqual(['a', 'b']);
  expect(live.endTask('a', 'over', 'call')).toEqual(['req_1']);
  expect(live.of('a', 'call')).toEqual([]);
  expect(live.calling()).toEqual(['b']);
  expect(cut).toEqual(['req_1: over']);
});
