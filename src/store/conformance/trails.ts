import { expect, test } from 'vitest';
import type { DecisionRecord, OutcomeRecord } from '../../core/record.ts';
import type { Store } from '../ports.ts';
import { NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

function decisionFixture(id: string): DecisionRecord {
  const effect = { target: 'files', operation: 'read_text_file', effect: 'read', sensitivity: 'internal' } as const;
  return {
    version: 1,
    id,
    time: NOW,
    kind: 'decision',
    request: 'req_1',
    agent: null,
    delegator: null,
    chain: [],
    task: null,
    scope: [],
    action: { ...effect, resources: [], arguments: {}, arguments_digest: 'sha256:00' },
    decision: { outcome: 'permit', reasons: [], policies: [], policy_set: 'sha256:00', controls: [], observed: [] },
    approval: null,
    token: null,
  };
}

function outcomeFixture(id: string, decision: string): OutcomeRecord {
  const of = { decision, request: 'req_1', task: 'child' };
  return { version: 1, id, time: NOW, kind: 'outcome', ...of, status: 'ok', duration_ms: 1 };
}

/** What trees of tasks have done and touched. */
export function trailConformance(open: OpenStore): void {
  const subject = useStore(open);
  const acting = (id: string) => subject.store.chain(id)[0]!;

  async function tree(store: Store): Promise<void> {
    await store.createTask(taskFixture({ id: 'root', budget: { calls: 100 } }), []);
    await store.createTask(taskFixture({ id: 'child', parent: 'root', budget: { calls: 50 } }), []);
    await store.createTask(taskFixture({ id: 'other', parent: 'root', budget: { calls: 50 } }), []);
    await store.createTask(taskFixture({ id: 'stranger' }), []);
  }

  const READ = { target: 'files', operation: 'read_text_file' };

  const permit = (chain: string[], labels: string[], id = 'rec_1') =>
    subject.store.admit({ chain, counted: true, approval: null, target: 'files', labels }, [decisionFixture(id)]);

  test('what one task of a tree has read and done is of all of them, in this process and the next', async () => {
    await tree(subject.store);
    expect(await permit(['child', 'root'], ['origin:outsiders', 'sensitivity:internal'])).toEqual({ admitted: true });
    const check = () => {
      for (const id of ['root', 'child', 'other']) {
        expect([...acting(id).labels!].toSorted()).toEqual(['origin:outsiders', 'sensitivity:internal']);
        expect(acting(id).done).toEqual({
          'files:read_text_file': { effect: 'read', times: 1, succeeded: 0, firstAt: NOW, lastAt: NOW },
        });
      }
      expect(acting('stranger')).not.toHaveProperty('labels');
      expect(acting('stranger')).not.toHaveProperty('done');
      // Of the acting task alone.
      expect(subject.store.chain('child')[1]).not.toHaveProperty('labels');
    };
    check();
    await subject.reopen();
    check();
    expect(subject.store.labels('other')).toEqual([
      { label: 'origin:outsiders', record: 'rec_1', at: NOW },
      { label: 'sensitivity:internal', record: 'rec_1', at: NOW },
    ]);
  });

  test('what was not admitted leaves nothing', async () => {
    await tree(subject.store);
    await subject.store.endTask({ id: 'child', to: 'revoked', at: NOW, reason: 'test' }, () => []);
    expect(await permit(['child', 'root'], ['origin:outsiders'])).toMatchObject({ admitted: false });
    expect(acting('root')).not.toHaveProperty('labels');
    expect(subject.store.labels('root')).toEqual([]);
  });

  test('an outcome counts what succeeded and adds labels; none goes, and the first record of each stays', async () => {
    await tree(subject.store);
    await permit(['child', 'root'], ['origin:outsiders']);
    // Read before, so that memory and database have to agree.
    expect(acting('child').labels).toEqual(['origin:outsiders']);
    const settle = (succeeded: boolean, labels: string[]) =>
      subject.store.recordOutcome({ task: 'child', ...READ, succeeded, labels }, [
        outcomeFixture(`rec_${labels.length}_out`, 'rec_1'),
      ]);
    await settle(true, ['sensitivity:restricted', 'origin:outsiders']);
    await settle(false, []);
    await permit(['root'], ['sensitivity:restricted'], 'rec_3');
    const check = () => {
      expect([...acting('other').labels!].toSorted()).toEqual(['origin:outsiders', 'sensitivity:restricted']);
      expect(acting('other').done).toMatchObject({ 'files:read_text_file': { times: 2, succeeded: 1 } });
    };
    check();
    await subject.reopen();
    check();
    expect(subject.store.labels('root').map(({ record }) => record)).toEqual(['rec_1', 'rec_1']);
  });

  test('of twenty who answer for one value, one does', async () => {
    await tree(subject.store);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_none, place) =>
        subject.store.declassify('child', { value: 'eve@example.com', record: `rec_${place}`, at: NOW }, [
          recordFixture(`rec_${place}`, `by ${place}`),
        ]),
      ),
    );
    expect(all.filter((outcome) => outcome === 'declassified')).toHaveLength(1);
    expect(subject.notes()).toEqual(['by 0']);
    await subject.reopen();
    expect(subject.store.declassified('other')).toEqual([{ value: 'eve@example.com', record: 'rec_0', at: NOW }]);
    expect(subject.store.declassified('stranger')).toEqual([]);
  });

  test('the sealed prompt is of the whole tree', async () => {
    await subject.store.createTask(taskFixture({ id: 'root' }), [], null, { prompt: 'sealed' });
    await subject.store.createTask(taskFixture({ id: 'child', parent: 'root' }), []);
    await subject.reopen();
    expect(subject.store.prompt('child')).toBe('sealed');
    expect(subject.store.prompt('unknown')).toBeUndefined();
  });
}
