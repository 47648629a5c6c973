import { expect, it } from 'vitest';
import { recordFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

export function policySetConformance(open: OpenStore): void {
  const subject = useStore(open);

  it('puts a policy set in force, and keeps its files under its hash', async () => {
    const files = { 'b.cedar': 'permit(principal, action, resource);\n', 'a.cedar': '// é' };
    const first = { hash: 'sha256:aa', folder: 'sha256:aa', at: 1, replaces: null };
    expect(await subject.store.publishPolicySet({ ...first, files }, [recordFixture('rec_1', 'first')])).toBe(
      'published',
    );
    expect(subject.store.policySet('sha256:aa')).toEqual(files);
    expect(subject.store.policySet('sha256:AA')).toBeUndefined();
    const next = { hash: 'sha256:bb', folder: 'sha256:aa', at: 2, replaces: 'sha256:aa', files: {} };
    await subject.store.publishPolicySet(next, [recordFixture('rec_2', 'next')]);
    const back = { ...next, hash: 'sha256:aa', at: 3, replaces: 'sha256:bb', files: { other: '' } };
    await subject.store.publishPolicySet(back, [recordFixture('rec_3', 'back')]);
    expect(subject.notes()).toEqual(['first', 'next', 'back']);
    await subject.reopen();
    expect(subject.store.policySet('sha256:aa')).toEqual(files);
    expect(subject.store.policyHistory(10)).toEqual([
      { hash: 'sha256:aa', folder: 'sha256:aa', at: 3 },
      { hash: 'sha256:bb', folder: 'sha256:aa', at: 2 },
      { hash: 'sha256:aa', folder: 'sha256:aa', at: 1 },
    ]);
    expect(subject.store.policyHistory(1)).toHaveLength(1);
  });

  it('lets one of twenty replace a policy set, and records the others nowhere', async () => {
    const set = { folder: 'sha256:aa', files: {}, at: 1 };
    await subject.store.publishPolicySet({ ...set, hash: 'sha256:aa', replaces: null }, []);
    const tries = Array.from({ length: 20 }, (_none, n) =>
      subject.store.publishPolicySet({ ...set, hash: `sha256:${n}`, replaces: 'sha256:aa' }, [
        recordFixture(`rec_${n}`, `try ${n}`),
      ]),
    );
    const outcomes = await Promise.all(tries);
    expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1);
    expect(subject.notes()).toHaveLength(1);
    expect(subject.store.policyHistory(10)).toHaveLength(2);
  });

  it('puts nothing in force when the record cannot be written', async () => {
    await subject.store.append([recordFixture('rec_taken')]);
    const set = { hash: 'sha256:aa', folder: 'sha256:aa', files: {}, at: 1, replaces: null };
    await expect(subject.store.publishPolicySet(set, [recordFixture('rec_taken')])).rejects.toThrow();
    expect(subject.store.policyHistory(10)).toEqual([]);
    expect(subject.store.policySet('sha256:aa')).toBeUndefined();
  });

  it('distrusts a set once, with one record, for good', async () => {
    const set = { hash: 'sha256:aa', decision: 'rec_why', at: 2 };
    const tries = Array.from({ length: 20 }, (_none, n) =>
      subject.store.distrustPolicySet(set, [recordFixture(`rec_${n}`, 'distrusted')]),
    );
    const outcomes = await Promise.all(tries);
    expect(outcomes.filter((outcome) => outcome === 'distrusted')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'already_distrusted')).toHaveLength(19);
    // Another, and one that differs in case alone.
    await subject.store.distrustPolicySet({ ...set, hash: 'sha256:AA', at: 1 }, [recordFixture('rec_other', 'other')]);
    expect(await subject.store.distrustPolicySet({ ...set, decision: 'rec_late', at: 9 }, [])).toBe(
      'already_distrusted',
    );
    expect(subject.notes()).toEqual(['distrusted', 'other']);
    await subject.reopen();
    expect(subject.store.distrustedPolicySets()).toEqual([{ ...set, hash: 'sha256:AA', at: 1 }, set]);
  });

  it('puts no distrusted set in force, and leaves one in force that comes to be distrusted', async () => {
    const set = { folder: 'sha256:aa', files: {}, at: 1 };
    await subject.store.publishPolicySet({ ...set, hash: 'sha256:aa', replaces: null }, []);
    await subject.store.distrustPolicySet({ hash: 'sha256:aa', decision: 'rec_why', at: 2 }, []);
    await subject.store.distrustPolicySet({ hash: 'sha256:bb', decision: 'rec_why', at: 2 }, []);
    const published = await subject.store.publishPolicySet({ ...set, hash: 'sha256:bb', replaces: 'sha256:aa' }, [
      recordFixture('rec_1', 'published'),
    ]);
    expect(published).toBe('distrusted');
    expect(subject.store.policyHistory(10).map(({ hash }) => hash)).toEqual(['sha256:aa']);
    expect(subject.store.policySet('sha256:bb')).toBeUndefined();
    expect(subject.notes()).toEqual([]);
    await subject.store.publishPolicySet({ ...set, hash: 'sha256:cc', replaces: 'sha256:aa' }, []);
    const back = subject.store.publishPolicySet({ ...set, hash: 'sha256:aa', replaces: 'sha256:cc' }, []);
    expect(await back).toBe('distrusted');
  });

  it('of a distrust and a publication of the same set at once, either leaves it distrusted', async () => {
    const set = { hash: 'sha256:aa', folder: 'sha256:aa', files: {}, at: 1, replaces: null };
    const [published, distrusted] = await Promise.all([
      subject.store.publishPolicySet(set, []),
      subject.store.distrustPolicySet({ hash: 'sha256:aa', decision: 'rec_why', at: 2 }, []),
    ]);
    expect([published, distrusted]).toEqual(['published', 'distrusted']);
    expect(subject.store.distrustedPolicySets()).toHaveLength(1);
  });

  it('distrusts nothing when the record cannot be written', async () => {
    await subject.store.append([recordFixture('rec_taken')]);
    const set = { hash: 'sha256:aa', decision: 'rec_why', at: 1 };
    await expect(subject.store.distrustPolicySet(set, [recordFixture('rec_taken')])).rejects.toThrow();
    expect(subject.store.distrustedPolicySets()).toEqual([]);
  });
}
