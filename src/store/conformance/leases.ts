import { expect, test } from 'vitest';
import { moved, type Lease } from '../../core/lease.ts';
import { leaseFixture, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

/** What tasks have minted: from the intent, which is kept with the permit, to the end. */
export function leaseConformance(open: OpenStore): void {
  const subject = useStore(open);
  const intend = (lease: Lease, more: { uses?: string[] } = {}) =>
    subject.store.admit({ chain: ['task_1'], counted: true, approval: null, lease, ...more }, [
      recordFixture(`rec_${lease.id}`, lease.id),
    ]);
  const hold = (lease: Lease, sealed?: string) =>
    subject.store.saveLease(
      {
        lease: moved(lease, 'held', { identifier: 'key-1' }),
        from: ['intended'],
        ...(sealed === undefined ? {} : { sealed }),
      },
      [recordFixture(`rec_held_${lease.id}`, 'held')],
    );
  const create = () => subject.store.createTask(taskFixture(), []);

  test('the intent is there when the permit is, and not when it is not admitted', async () => {
    await create();
    const lease = leaseFixture();
    expect(await intend(lease)).toEqual({ admitted: true });
    await subject.store.endTask({ id: 'task_1', to: 'revoked', at: NOW, reason: 'stop' }, () => []);
    const late = leaseFixture({ id: 'lse_late' });
    expect(await intend(late)).toEqual({ admitted: false, because: 'task_ended' });
    await subject.reopen();
    expect(subject.store.lease(lease.id)).toEqual(lease);
    expect(subject.store.lease('lse_late')).toBeUndefined();
    expect(subject.store.lease('\ud800')).toBeUndefined();
    expect(subject.notes()).toEqual([lease.id]);
  });

  test('what is used has to be held: otherwise nothing is admitted, and nothing taken', async () => {
    await create();
    const lease = leaseFixture();
    await intend(lease);
    const use = (uses: string[]) => subject.store.admit({ chain: ['task_1'], counted: true, approval: null, uses }, []);
    expect(await use([lease.id])).toEqual({ admitted: false, because: 'lease_ended' });
    await hold(lease);
    expect(await use([lease.id])).toEqual({ admitted: true });
    expect(await use([lease.id, 'lse_unknown'])).toEqual({ admitted: false, because: 'lease_ended' });
    const held = subject.store.lease(lease.id)!;
    await subject.store.saveLease({ lease: moved(held, 'revoked'), from: ['held'] }, []);
    expect(await use([lease.id])).toEqual({ admitted: false, because: 'lease_ended' });
    expect(subject.store.chain('task_1')[0]?.used.calls).toBe(2);
  });

  test('of twenty that move a lease from one state one wins, with its record; an unknown one is nobody’s', async () => {
    await create();
    const lease = leaseFixture();
    await intend(lease);
    const moves = Array.from({ length: 20 }, (_, n) =>
      subject.store.saveLease(
        { lease: moved(lease, n % 2 === 0 ? 'held' : 'none', { identifier: `key-${n}` }), from: ['intended'] },
        [recordFixture(`rec_${n}`, `move ${n}`)],
      ),
    );
    const outcomes = await Promise.all(moves);
    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    const winner = outcomes.indexOf('saved');
    expect(subject.store.lease(lease.id)?.identifier).toBe(`key-${winner}`);
    expect(subject.notes()).toEqual([lease.id, `move ${winner}`]);
    const unknown = leaseFixture({ id: 'lse_unknown' });
    expect(await subject.store.saveLease({ lease: unknown, from: ['intended'] }, [])).toBe('unknown');
  });

  test('a value stays while something is left to do, also when the lease is saved without it, and goes with the end', async () => {
    await create();
    const lease = leaseFixture();
    await intend(lease);
    await hold(lease, 'sealed');
    expect(subject.store.sealedLease(lease.id)).toBe('sealed');
    const tried = { ...subject.store.lease(lease.id)!, attempts: 1 };
    await subject.store.saveLease({ lease: tried, from: ['held'] }, []);
    await subject.reopen();
    expect(subject.store.lease(lease.id)).toEqual(tried);
    expect(subject.store.sealedLease(lease.id)).toBe('sealed');
    await subject.store.saveLease({ lease: moved(tried, 'revoked'), from: ['held'] }, []);
    expect(subject.store.sealedLease(lease.id)).toBeUndefined();
    expect(subject.store.sealedLease('lse_unknown')).toBeUndefined();
  });

  test('lists are by task, target, state, what is left to do and time, the newest first, page by page', async () => {
    await create();
    for (let n = 0; n < 5; n++) {
      const lease = leaseFixture({
        id: `lse_${n}`,
        madeAt: NOW + Math.floor(n / 2),
        target: n === 4 ? 'other' : 'keys',
      });
      await intend(lease);
      if (n < 2) await hold(lease);
    }
    const held = subject.store.lease('lse_1')!;
    await subject.store.saveLease({ lease: { ...held, expiresAt: NOW + 5 }, from: ['held'] }, []);
    await subject.store.saveLease({ lease: moved(subject.store.lease('lse_0')!, 'revoked'), from: ['held'] }, []);
    const ids = (filter: Omit<Parameters<typeof subject.store.leases>[0], 'limit'>, limit = 10) =>
      subject.store.leases({ ...filter, limit }).map(({ id }) => id);
    expect(ids({})).toEqual(['lse_4', 'lse_3', 'lse_2', 'lse_1', 'lse_0']);
    expect(ids({}, 2)).toEqual(['lse_4', 'lse_3']);
    expect(ids({ after: 'lse_3' }, 2)).toEqual(['lse_2', 'lse_1']);
    expect(ids({ after: 'lse_unknown' })).toEqual([]);
    expect(ids({ target: 'other' })).toEqual(['lse_4']);
    expect(ids({ task: 'task_1', outstanding: true })).toEqual(['lse_4', 'lse_3', 'lse_2', 'lse_1']);
    expect(ids({ task: 'task_2' })).toEqual([]);
    expect(subject.store.outstandingLeases('task_1')).toEqual(['lse_1', 'lse_2', 'lse_3', 'lse_4']);
    expect(subject.store.outstandingLeases('task_2')).toEqual([]);
    expect(ids({ state: 'held', expiredBy: NOW + 4 })).toEqual([]);
    expect(ids({ state: 'held', expiredBy: NOW + 5 })).toEqual(['lse_1']);
  });

  test('the end of a task opens its closing with what it has minted', async () => {
    await create();
    for (const id of ['lse_0', 'lse_1']) await intend(leaseFixture({ id }));
    await subject.store.saveLease({ lease: moved(leaseFixture({ id: 'lse_0' }), 'none'), from: ['intended'] }, []);
    await subject.store.endTask({ id: 'task_1', to: 'completed', at: NOW, reason: 'done' }, () => []);
    expect(subject.store.closing('task_1')).toMatchObject({ outstanding: { leases: ['lse_1'] } });
  });

  test('what is found is kept while its task is live; after its end the records alone are', async () => {
    await create();
    const found = leaseFixture({ id: 'lse_found', state: 'waiting', kind: 'found', end: { by: 'forgetting' } });
    const keep = (note: string) =>
      subject.store.keepFound([{ lease: found, sealed: 'sealed' }], [recordFixture(`rec_${note}`, note)]);
    expect(await keep('live')).toBe('kept');
    expect(subject.store.sealedLease('lse_found')).toBe('sealed');
    await subject.store.endTask({ id: 'task_1', to: 'completed', at: NOW, reason: 'done' }, () => []);
    const late = { lease: { ...found, id: 'lse_late' }, sealed: 'sealed' };
    expect(await subject.store.keepFound([late], [recordFixture('rec_late', 'late')])).toBe('task_ended');
    expect(subject.store.lease('lse_late')).toBeUndefined();
    expect(subject.notes()).toEqual(['live', 'late']);
  });
}
