import { expect, test } from 'vitest';
import type { SpiffeId } from '../../core/spiffe-id.ts';
import { agentFixture, endedFixture, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

export function revocationConformance(open: OpenStore): void {
  const subject = useStore(open);
  const end = (n: number, time = NOW) => subject.store.append([endedFixture(`rec_${n}`, `n${n}`, time)]);
  const records = (after: number, limit = 10_000) => {
    const entries = subject.store.revocations(after, limit);
    return entries === 'gone' ? entries : entries.map(({ record }) => record);
  };

  test('starts empty, and knows nothing of what never was', () => {
    expect(subject.store.feedRange()).toEqual({ oldest: 1, newest: 0 });
    expect(subject.store.revocations(0, 10)).toEqual([]);
    expect(subject.store.revocations(1, 10)).toBe('gone');
    expect(subject.store.revocations(-1, 10)).toBe('gone');
  });

  test('is drawn from the records that say that something has ended, and from no other', async () => {
    await subject.store.append([recordFixture('rec_a', 'a'), endedFixture('rec_b', 'b'), recordFixture('rec_c', 'c')]);
    await end(1);
    expect(subject.store.revocations(0, 10)).toEqual([
      {
        sequence: 1,
        at: NOW,
        kind: 'task.ended',
        subject: { task: 'task_1', state: 'revoked', agent: 'spiffe://example.org/agent/writer' },
        cause: 'stop',
        record: 'rec_b',
      },
      expect.objectContaining({ sequence: 2, record: 'rec_1' }),
    ]);
  });

  test('an end that is not recorded is not in the feed, and neither is one whose verb failed', async () => {
    await subject.store.createTask(taskFixture(), []);
    const broken = subject.store.append([endedFixture('rec_1', 'first'), endedFixture('rec_1', 'the same id')]);
    const after = end(2);
    await expect(broken).rejects.toThrow();
    await after;
    expect(subject.store.revocations(0, 10)).toMatchObject([{ sequence: 1, record: 'rec_2' }]);
    expect(subject.notes()).toEqual(['n2']);
  });

  test('hundreds at once stand in the order of the log, without a gap, and after reopening too', async () => {
    await Promise.all(Array.from({ length: 600 }, (_, n) => end(n)));
    const check = () => {
      const entries = subject.store.revocations(0, 1000);
      if (entries === 'gone') throw new Error('gone');
      expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
      expect(entries.map(({ record }) => record.replace('rec_', 'n'))).toEqual(subject.notes());
      expect(subject.store.feedRange()).toEqual({ oldest: 1, newest: 600 });
    };
    check();
    await subject.reopen();
    check();
    await end(600);
    expect(records(600)).toEqual(['rec_600']);
  });

  test('pages meet without a gap or a double', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, n) => end(n)));
    const seen: unknown[] = [];
    for (let after = 0; after < 25;) {
      const page = subject.store.revocations(after, 7);
      if (page === 'gone') throw new Error('gone');
      seen.push(...page.map(({ record }) => record));
      after = page.at(-1)!.sequence;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `rec_${n}`));
    expect(records(25)).toEqual([]);
  });

  test('what is kept in memory and what is not reads alike', async () => {
    await subject.store.append(Array.from({ length: 9000 }, (_, n) => endedFixture(`rec_${n}`, `n${n}`)));
    for (const after of [0, 3, 4000, 4903, 4904, 8990, 8999]) {
      expect(records(after, 5)).toEqual(
        Array.from({ length: Math.min(5, 9000 - after) }, (_, n) => `rec_${after + n}`),
      );
    }
  });

  test('old entries are forgotten, and who wants them is told; the newest stays, so that numbers go on', async () => {
    for (let n = 0; n < 4; n++) await end(n, NOW + n * MINUTE);
    expect(await subject.store.pruneRevocations(NOW + 2 * MINUTE)).toBe(2);
    expect(subject.store.feedRange()).toEqual({ oldest: 3, newest: 4 });
    expect(subject.store.revocations(1, 10)).toBe('gone');
    expect(records(2)).toEqual(['rec_2', 'rec_3']);
    expect(await subject.store.pruneRevocations(NOW + MINUTE)).toBe(0);
    expect(await subject.store.pruneRevocations(NOW + 60 * MINUTE)).toBe(1);
    await subject.reopen();
    expect(subject.store.feedRange()).toEqual({ oldest: 4, newest: 4 });
    expect(subject.store.revocations(2, 10)).toBe('gone');
    await end(9);
    expect(records(3)).toEqual(['rec_3', 'rec_9']);
  });

  test('entries of a clock that went back are forgotten with what is before them', async () => {
    for (const [n, minute] of [10, 0, 20].entries()) await end(n, NOW + minute * MINUTE);
    expect(await subject.store.pruneRevocations(NOW + 5 * MINUTE)).toBe(0);
    expect(await subject.store.pruneRevocations(NOW + 15 * MINUTE)).toBe(2);
  });

  test('what is revoked now is known as of an entry', async () => {
    const { store } = subject;
    for (const id of ['long_ago', 'lately']) await store.createTask(taskFixture({ id }), []);
    await store.endTask({ id: 'long_ago', to: 'completed', at: NOW, reason: 'done' }, () => [endedFixture('rec_1')]);
    await store.endTask({ id: 'lately', to: 'revoked', at: NOW + 5, reason: 'x' }, () => [endedFixture('rec_2')]);
    await store.revokeToken({ id: 'tok_1', at: NOW, keepUntil: NOW + MINUTE }, []);
    await store.revokeToken({ id: 'tok_0', at: NOW, keepUntil: NOW + 2 }, []);
    const stopped = 'spiffe://example.org/stopped' as SpiffeId;
    await store.registerAgent(agentFixture({ id: stopped, state: 'retired' }), []);
    await store.registerAgent(agentFixture(), []);
    const cut = { kind: 'target', id: 'memory', since: NOW, by: 'carol', reason: 'x' } as const;
    await store.suspend(cut, () => []);
    expect(store.revokedNow({ now: NOW + 5, endedSince: NOW + 1 })).toEqual({
      position: 2,
      tasks: ['lately'],
      tokens: ['tok_1'],
      agents: [stopped],
      suspended: [{ kind: 'target', id: 'memory' }],
    });
  });
}
