import { expect, test } from 'vitest';
import { moved } from '../../core/lease.ts';
import type { AnySealed, SealedValue } from '../ports.ts';
import { leaseFixture, NOW, recordFixture, taskFixture } from './fixture.ts';
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

  test('whatever is sealed is listed by kind, in pages, and sealed anew in its place', async () => {
    for (const name of ['b', 'a', 'c']) await put({ name, sealed: `of ${name}` });
    await remove(1, 'c');
    await subject.store.createTask(taskFixture(), [], null, { prompt: 'of prompt' });
    for (const id of ['lse_2', 'lse_1', 'lse_none']) {
      const lease = leaseFixture({ id });
      await subject.store.admit({ chain: ['task_1'], counted: true, approval: null, lease }, []);
      const sealed = id === 'lse_none' ? {} : { sealed: `of ${id}` };
      await subject.store.saveLease({ lease: moved(lease, 'held'), from: ['intended'], ...sealed }, []);
    }
    const texts = (kind: AnySealed, after: string | null = null, limit = 9) =>
      subject.store.sealedTexts({ kind, after, limit }).map(({ name, sealed }) => `${name}: ${sealed}`);
    expect(texts('secret')).toEqual(['a: of a', 'b: of b']);
    expect([texts('secret', null, 1), texts('secret', 'a', 1)]).toEqual([['a: of a'], ['b: of b']]);
    expect(texts('consent')).toEqual([]);
    expect([texts('lease'), texts('lease', 'lse_1')]).toEqual([
      ['lse_1: of lse_1', 'lse_2: of lse_2'],
      ['lse_2: of lse_2'],
    ]);
    expect(texts('prompt')).toEqual(['task_1: of prompt']);
    for (const [kind, name] of [
      ['lease', 'lse_1'],
      ['prompt', 'task_1'],
    ] as const) {
      const [text] = subject.store.sealedTexts({ kind, after: null, limit: 1 });
      expect(text).toMatchObject({ kind, name, version: 1 });
      expect(await subject.store.reseal({ ...text!, sealed: 'anew', was: 'another' })).toBe('stale');
      expect(await subject.store.reseal({ ...text!, sealed: 'anew', was: text!.sealed })).toBe('resealed');
    }
    await subject.reopen();
    expect([subject.store.sealedLease('lse_1'), subject.store.prompt('task_1')]).toEqual(['anew', 'anew']);
    const over = moved(subject.store.lease('lse_1')!, 'revoked');
    await subject.store.saveLease({ lease: over, from: ['held'] }, []);
    const gone = { kind: 'lease' as const, name: 'lse_1', version: 1, sealed: 'back', was: 'anew' };
    expect([await subject.store.reseal(gone), texts('lease')]).toEqual(['stale', ['lse_2: of lse_2']]);
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
