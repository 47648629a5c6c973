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
}
