import { expect, it } from 'vitest';
import { NOW, recordFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const FIRST = { target: 'files', operation: 'read_file', digest: 'sha256:01', definition: '{"n":1}', at: NOW };
const SECOND = { ...FIRST, digest: 'sha256:02', definition: '{"n":2}' };
const THIRD = { ...FIRST, digest: 'sha256:03', definition: '{"n":3}' };

export function definitionConformance(open: OpenStore): void {
  const subject = useStore(open);
  let records = 0;

  function see(seen: typeof FIRST) {
    return subject.store.observeDefinition(seen, (verdict) => {
      records += 1;
      return [recordFixture(`rec_${records}`, `${verdict} ${seen.digest}`)];
    });
  }
  const accept = (seen: typeof FIRST) =>
    subject.store.acceptDefinition(seen, [recordFixture(`rec_ok_${seen.digest}`, 'ok')]);

  it('pins at first sight, once', async () => {
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => see(FIRST)));
    expect(verdicts.filter((verdict) => verdict === 'pinned')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict === 'unchanged')).toHaveLength(19);
    expect(subject.notes()).toEqual(['pinned sha256:01']);
    const { at: _at, ...pin } = FIRST;
    expect(subject.store.definition('files', 'read_file')).toEqual(pin);
  });

  it('quarantines another digest until exactly that one is accepted', async () => {
    await see(FIRST);
    expect(await accept(SECOND)).toBe('not_quarantined');
    expect(await see(SECOND)).toBe('changed');
    expect(await see(SECOND)).toBe('changed');
    expect(subject.store.definition('files', 'read_file')).toMatchObject({
      digest: 'sha256:01',
      quarantined: { digest: 'sha256:02', definition: '{"n":2}' },
    });
    expect(await see(THIRD)).toBe('changed');
    expect(await accept(SECOND)).toBe('other_digest');
    expect(await see(FIRST)).toBe('unchanged');
    expect(subject.store.definition('files', 'read_file')?.quarantined?.digest).toBe('sha256:03');
    await subject.reopen();
    expect(subject.store.definition('files', 'read_file')?.quarantined?.digest).toBe('sha256:03');
    expect(await accept(THIRD)).toBe('accepted');
    expect(subject.store.definition('files', 'read_file')).toEqual({
      target: 'files',
      operation: 'read_file',
      digest: 'sha256:03',
      definition: '{"n":3}',
    });
    expect(await accept(THIRD)).toBe('not_quarantined');
    expect(subject.notes()).toEqual(['pinned sha256:01', 'changed sha256:02', 'changed sha256:03', 'ok']);
  });

  it('keeps operations and targets apart, byte for byte', async () => {
    for (const operation of ['write_file', 'read_file', 'Read_file', 'read_file ']) await see({ ...FIRST, operation });
    await see({ ...SECOND, target: 'Files' });
    expect(
      subject.store
        .definitions('files')
        .map(({ operation }) => operation)
        .sort(),
    ).toEqual(['Read_file', 'read_file', 'read_file ', 'write_file']);
    expect(subject.store.definitions('Files').map(({ digest }) => digest)).toEqual(['sha256:02']);
    expect(subject.store.definitions('other')).toEqual([]);
    expect(subject.store.definition('files', 'delete_file')).toBeUndefined();
  });

  it('pins nothing when the record cannot be written', async () => {
    await subject.store.append([recordFixture('rec_taken')]);
    const seen = subject.store.observeDefinition(FIRST, () => [recordFixture('rec_taken')]);
    await expect(seen).rejects.toThrow();
    expect(subject.store.definition('files', 'read_file')).toBeUndefined();
  });

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
}
