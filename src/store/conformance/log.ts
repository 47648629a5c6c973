import { expect, it } from 'vitest';
import { Unavailable } from '../../core/errors.ts';
import { canonicalJson, type JsonValue } from '../../core/json.ts';
import { NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

export function logConformance(open: OpenStore): void {
  const subject = useStore(open);

  it('starts empty', () => {
    expect([subject.store.size(), subject.store.entries(0, 10), subject.store.indexOf('rec_1')]).toEqual([
      0,
      [],
      undefined,
    ]);
  });

  it('holds the RFC 8785 text of each record', async () => {
    const record = recordFixture('rec_1', 'é "quoted" \u2028 \u0007');
    await subject.store.append([record]);
    expect(subject.store.entries(0, 1)).toEqual([{ index: 0, entry: canonicalJson(record as unknown as JsonValue) }]);
  });

  it('keeps what may wait in its place, with the next verb or without one', async () => {
    const waits = subject.store.appendSoon([recordFixture('rec_0', '0')]);
    await subject.store.append([recordFixture('rec_1', '1')]);
    expect(subject.notes()).toEqual(['0', '1']);
    await waits;
    await subject.store.appendSoon([recordFixture('rec_2', '2')]);
    expect(subject.notes()).toEqual(['0', '1', '2']);
    const last = subject.store.appendSoon([recordFixture('rec_3', '3')]);
    await Promise.all([subject.reopen(), last]);
    expect(subject.notes()).toEqual(['0', '1', '2', '3']);
  });

  it('numbers records densely in the order of their verbs', async () => {
    await Promise.all([
      subject.store.append([recordFixture('rec_0', '0'), recordFixture('rec_1', '1')]),
      subject.store.createTask(taskFixture(), [recordFixture('rec_2', '2')]),
      subject.store.admit({ chain: ['nothing'], counted: true, approval: null }, [recordFixture('rec_no', 'no')]),
      subject.store.admit({ chain: ['task_1'], counted: true, approval: null }, [recordFixture('rec_3', '3')]),
      subject.store.append([]),
      subject.store.endTask({ id: 'task_1', to: 'revoked', at: NOW, reason: '' }, () => [recordFixture('rec_4', '4')]),
    ]);
    expect(subject.notes()).toEqual(['0', '1', '2', '3', '4']);
    expect(subject.store.entries(1, 2).map(({ index }) => index)).toEqual([1, 2]);
    expect(subject.store.entries(5, 2)).toEqual([]);
    expect([subject.store.indexOf('rec_3'), subject.store.indexOf('rec_no')]).toEqual([3, undefined]);
    await subject.reopen();
    expect([subject.store.size(), subject.store.indexOf('rec_4')]).toEqual([5, 4]);
    await subject.store.append([recordFixture('rec_5', '5')]);
    expect(subject.notes().at(-1)).toBe('5');
  });

  it('lets a verb that fails take no other of its batch with it', async () => {
    await subject.store.append([recordFixture('rec_0', '0')]);
    const outcomes = await Promise.allSettled([
      subject.store.append([recordFixture('rec_1', '1')]),
      subject.store.append([recordFixture('rec_x', 'x'), recordFixture('rec_0', 'twice')]),
      subject.store.append([recordFixture('rec_bad', '\ud800')]),
      subject.store.append([recordFixture('rec_2', '2')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(subject.notes()).toEqual(['0', '1', '2']);
  });

  it('tells listeners the new size, when the entries can be read and before the caller goes on', async () => {
    const sizes: [number, number][] = [];
    subject.store.onCommit((size) => sizes.push([size, subject.store.entries(0, 100).length]));
    await subject.store.append([recordFixture('rec_0'), recordFixture('rec_1')]);
    expect(sizes).toEqual([[2, 2]]);
    await subject.store.append([recordFixture('rec_2')]);
    expect(sizes).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });

  it('commits what is queued when it closes, and refuses what comes after', async () => {
    const { store } = subject;
    const queued = [store.append([recordFixture('rec_0', '0')]), store.append([recordFixture('rec_1', '1')])];
    await store.close();
    await Promise.all(queued);
    await expect(store.append([recordFixture('rec_2')])).rejects.toBeInstanceOf(Unavailable);
    await store.close();
    await subject.reopen();
    expect(subject.notes()).toEqual(['0', '1']);
  });

  it('keeps hundreds of concurrent verbs in order', async () => {
    const names = Array.from({ length: 700 }, (_, i) => String(i));
    await Promise.all(names.map((name) => subject.store.append([recordFixture(`rec_${name}`, name)])));
    expect(subject.notes()).toEqual(names);
  });
}
