import { expect, test } from 'vitest';
import type { EndedState } from '../../core/task.ts';
import { MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const AGENT = taskFixture().agent.id;
const LIMIT = { everyMs: 60 * MINUTE, stopAfterFailures: 2 };

export function runConformance(open: OpenStore): void {
  const subject = useStore(open);
  const start = (id: string, createdAt: number, change: { profile?: string; byHand?: boolean } = {}) =>
    subject.store.createTask(
      // They are open for the clock of the test, whenever they were made.
      taskFixture({ id, createdAt, window: { notBefore: 0, expiresAt: NOW + 100 * MINUTE } }),
      [recordFixture(`rec_${id}`, id)],
      null,
      { run: { profile: change.profile ?? 'summary', ...(change.byHand === true ? {} : { limit: LIMIT }) } },
    );
  const end = (id: string, to: EndedState = 'completed') =>
    subject.store.endTask({ id, to, at: NOW, reason: 'over' }, () => []);
  const last = (profile = 'summary') => subject.store.lastRun(profile, AGENT);
  const hours = (count: number) => NOW + count * 60 * MINUTE;

  test('a run is the last one of its profile and agent', async () => {
    expect(last()).toBeUndefined();
    expect(await start('a', NOW)).toBe('created');
    expect(last()).toEqual({ task: 'a', startedAt: NOW, failures: 0 });
    expect(last('other')).toBeUndefined();
    expect(subject.store.lastRun('summary', 'spiffe://example.org/agent/other')).toBeUndefined();
    expect(await start('b', NOW, { profile: 'SUMMARY' })).toBe('created');
    await subject.reopen();
    expect(last()).toEqual({ task: 'a', startedAt: NOW, failures: 0 });
  });

  test('there is none while the last is going on, nor too soon after its start', async () => {
    await start('a', NOW);
    expect(await start('b', hours(2))).toBe('run_going_on');
    await end('a');
    expect(await start('b', hours(1) - 1)).toBe('run_too_soon');
    expect(await start('b', NOW - MINUTE)).toBe('run_too_soon');
    expect(subject.store.task('b')).toBeUndefined();
    expect(await start('b', hours(1))).toBe('created');
    expect(subject.notes()).toEqual(['a', 'b']);
  });

  test('of twenty who start one at once, one does', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => start(`task_${n}`, NOW)));
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'run_going_on')).toHaveLength(19);
    expect(subject.notes()).toEqual([last()!.task]);
  });

  test('after so many that were not completed there is none, until a person starts one', async () => {
    await start('a', hours(0));
    await end('a', 'revoked');
    expect(await start('b', hours(1))).toBe('created');
    expect(last()).toMatchObject({ task: 'b', failures: 1 });
    await end('b', 'expired');
    expect(await start('c', hours(2))).toBe('runs_stopped');
    expect(await start('by hand', hours(2), { byHand: true })).toBe('created');
    expect(last()).toEqual({ task: 'by hand', startedAt: hours(2), failures: 0 });
    await end('by hand');
    expect(await start('c', hours(3))).toBe('created');
  });

  test('one that was completed makes good what failed before', async () => {
    await start('a', hours(0));
    await end('a', 'revoked');
    await start('b', hours(1));
    await end('b');
    await start('c', hours(2));
    expect(last()).toMatchObject({ task: 'c', failures: 0 });
  });

  test('a person may start one at any time', async () => {
    await start('a', NOW);
    expect(await start('b', NOW, { byHand: true })).toBe('created');
    expect(last()).toMatchObject({ task: 'b' });
  });

  test('what is not made for another reason is no run', async () => {
    const child = taskFixture({ id: 'child', parent: 'nobody' });
    expect(await subject.store.createTask(child, [], null, { run: { profile: 'summary', limit: LIMIT } })).toBe(
      'parent_ended',
    );
    const approved = subject.store.createTask(taskFixture({ id: 'x' }), [], 'no approval', {
      run: { profile: 'summary' },
    });
    expect(await approved).toBe('approval_spent');
    await expect(start('y', NOW, { profile: '\ud800' })).rejects.toThrow('well-formed');
    expect(last()).toBeUndefined();
    expect(subject.notes()).toEqual([]);
  });
}
