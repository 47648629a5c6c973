import { expect, test } from 'vitest';
import type { SealedValue } from '../ports.ts';
import { NOW, recordFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const VALUE: SealedValue = {
  kind: 'secret',
  name: 'crm',
  version: 1,
  sealed: 'e30..a.b.c',
  task: null,
  expiresAt: null,
  at: NOW,
};

export function sealedValueConformance(open: OpenStore): void {
  const subject = useStore(open);
  let ids = 0;
  const put = (change: Partial<SealedValue> = {}, note = 'put') =>
    subject.store.putSealed({ ...VALUE, ...change }, [recordFixture(`rec_${++ids}`, note)]);
  const remove = (version: number, name = 'crm', kind = VALUE.kind) =>
    subject.store.removeSealed({ kind, name, version }, [recordFixture(`rec_${++ids}`, 'removed')]);
  const found = () => subject.store.sealedValue('secret', 'crm');

  test('a value is put with its record, and is there after the store was opened again', async () => {
    expect([found(), subject.store.sealedVersion('secret', 'crm')]).toEqual([undefined, 0]);
    expect(await put()).toBe('put');
    await subject.reopen();
    expect([found(), subject.store.sealedVersion('secret', 'crm')]).toEqual([VALUE, 1]);
    expect(subject.notes()).toEqual(['put']);
  });

  test('only the next version takes its place, and of twenty at once one', async () => {
    for (const version of [0, 2]) expect(await put({ version })).toBe('stale');
    await put();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_none, n) => put({ version: 2, sealed: `v2.${n}` }, `v2.${n}`)),
    );
    expect(outcomes.filter((outcome) => outcome === 'put')).toHaveLength(1);
    const winner = `v2.${outcomes.indexOf('put')}`;
    expect(found()).toMatchObject({ version: 2, sealed: winner });
    expect(subject.notes()).toEqual(['put', winner]);
  });

  test('what was removed is gone, and its versions are not used again', async () => {
    await put();
    expect(await remove(2)).toBe('stale');
    expect(await remove(1)).toBe('removed');
    expect(await remove(1)).toBe('stale');
    await subject.reopen();
    expect([found(), subject.store.sealedValues('secret')]).toEqual([undefined, []]);
    expect(subject.store.sealedVersion('secret', 'crm')).toBe(1);
    expect(await put()).toBe('stale');
    expect(await put({ version: 2 })).toBe('put');
    expect(subject.notes()).toEqual(['put', 'removed', 'put']);
  });

  test('a value is sealed anew in the place of itself alone', async () => {
    await put();
    const anew = { kind: VALUE.kind, name: 'crm', version: 1, sealed: 'anew' };
    expect(await subject.store.reseal({ ...anew, was: 'another' })).toBe('stale');
    expect(await subject.store.reseal({ ...anew, version: 2, was: VALUE.sealed })).toBe('stale');
    expect(await subject.store.reseal({ ...anew, was: VALUE.sealed })).toBe('resealed');
    expect(found()).toEqual({ ...VALUE, sealed: 'anew' });
    await remove(1);
    expect(await subject.store.reseal({ ...anew, was: 'anew' })).toBe('stale');
  });

  test('kinds and names are apart, byte for byte; those of a task are found by it, and leave nothing', async () => {
    for (const name of ['b', 'a', 'A', 'a ']) await put({ name });
    await put({ kind: 'consent', name: 'a', sealed: 'other' });
    const token = { kind: 'task_token' as const, name: 't1', task: 'task_1', expiresAt: NOW + 1 };
    await put(token);
    await put({ ...token, name: 't2', task: 'task_2' });
    expect(subject.store.sealedValues('secret').map(({ name }) => name)).toEqual(['A', 'a', 'a ', 'b']);
    expect(subject.store.sealedValue('consent', 'a')?.sealed).toBe('other');
    expect(subject.store.sealedValues('task_token', 'task_1')).toEqual([{ ...VALUE, ...token }]);
    expect(subject.store.sealedValues('secret', 'task_1')).toEqual([]);
    expect(await remove(1, 't1', 'task_token')).toBe('removed');
    expect(subject.store.sealedVersion('task_token', 't1')).toBe(0);
    expect(subject.store.sealedValues('task_token').map(({ name }) => name)).toEqual(['t2']);
  });

  test('nothing is put when its record cannot be written', async () => {
    await subject.store.append([recordFixture('rec_taken', 'taken')]);
    await expect(subject.store.putSealed(VALUE, [recordFixture('rec_taken')])).rejects.toThrow();
    expect(subject.store.sealedVersion('secret', 'crm')).toBe(0);
  });
}
