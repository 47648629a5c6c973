import { expect, test } from 'vitest';
import type { IdentityAssertion } from '../../core/task.ts';
import { recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const ASSERTION: IdentityAssertion = { issuer: 'https://people.example', id: 'jti-1', digest: 'a' };

export function assertionConformance(open: OpenStore): void {
  const subject = useStore(open);
  const create = (task: string, change: Partial<IdentityAssertion> = {}) =>
    subject.store.createTask(taskFixture({ id: task }), [recordFixture(`rec_${task}`, task)], null, {
      assertion: { ...ASSERTION, ...change },
    });
  const made = (change: Partial<IdentityAssertion> = {}) => subject.store.assertedTask({ ...ASSERTION, ...change });

  test('an assertion makes a task, with its record, once', async () => {
    expect(made()).toBeUndefined();
    expect(await create('task_1')).toBe('created');
    expect(await create('task_2')).toBe('assertion_used');
    expect(made()).toEqual({ outcome: 'made', task: 'task_1' });
    expect(subject.store.task('task_1')).toEqual(taskFixture());
    expect(subject.store.task('task_2')).toBeUndefined();
    expect(subject.notes()).toEqual(['task_1']);
  });

  test('of twenty who come with one assertion, one makes the task, and all learn of that one', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => create(`task_${n}`)));
    const winner = `task_${outcomes.indexOf('created')}`;
    expect(outcomes.filter((outcome) => outcome === 'assertion_used')).toHaveLength(19);
    expect(made()).toEqual({ outcome: 'made', task: winner });
    expect(subject.notes()).toEqual([winner]);
  });

  test('another assertion by the same name makes nothing, and by another name another task', async () => {
    await create('task_1');
    expect(await create('task_2', { digest: 'b' })).toBe('assertion_used');
    expect(made({ digest: 'b' })).toEqual({ outcome: 'other' });
    expect(await create('task_3', { id: 'JTI-1' })).toBe('created');
    expect(await create('task_4', { issuer: 'https://other.example' })).toBe('created');
    expect(subject.notes()).toEqual(['task_1', 'task_3', 'task_4']);
  });

  test('a name that is no Unicode is refused, and makes nothing', async () => {
    await expect(create('task_1', { id: 'jti-\ud800' })).rejects.toThrow('well-formed');
    expect(subject.store.task('task_1')).toBeUndefined();
    expect(subject.notes()).toEqual([]);
  });

  test('it stays so when the task has ended, and when the store is opened again', async () => {
    await create('task_1');
    await subject.store.endTask({ id: 'task_1', to: 'completed', at: 1, reason: 'done' }, () => []);
    await subject.reopen();
    expect(made()).toEqual({ outcome: 'made', task: 'task_1' });
    expect(await create('task_2')).toBe('assertion_used');
  });
}
