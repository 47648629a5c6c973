import { expect, test } from 'vitest';
import { advanceClosing } from '../../core/closing.ts';
import type { Suspension } from '../../core/suspension.ts';
import type { Task } from '../../core/task.ts';
import { alice, approvalFixture, bob, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const END = { to: 'revoked', at: NOW + 1, reason: 'stop' } as const;
const TOKEN = { id: 'tok_1', expiresAt: NOW + 5 * MINUTE };

/** What the end of a task leaves to do, and what it takes with it. */
export function endingConformance(open: OpenStore): void {
  const subject = useStore(open);
  const create = async (...tasks: Partial<Task>[]) => {
    for (const task of tasks) expect(await subject.store.createTask(taskFixture(task), [])).toBe('created');
  };
  const issue = (task: string, token: { id: string; expiresAt: number }) =>
    subject.store.admit({ chain: [task], counted: false, approval: null, token }, []);
  const end = (id: string) => subject.store.endTask({ id, ...END, cause: 'policy', by: 'carol' }, () => []);

  test('an end opens a closing for each task, with what there is to end, and it stays until it is saved as complete', async () => {
    await create({ id: 'a' }, { id: 'b', parent: 'a' });
    await subject.store.requestApproval(approvalFixture({ id: 'apr', task: 'a', digest: '1' }), () => []);
    await issue('a', TOKEN);
    await subject.store.processStarted({ id: 'files:7', pid: 7, birth: 'then', task: 'a' });
    expect(subject.store.closing('a')).toBeUndefined();
    await end('a');
    await subject.reopen();
    const closing = subject.store.closing('a')!;
    expect(closing).toEqual({
      task: 'a',
      cause: 'policy',
      reason: 'stop',
      by: 'carol',
      openedAt: NOW + 1,
      ended: { tasks: ['b'], approvals: ['apr'] },
      outstanding: { tokens: ['tok_1'], processes: ['files:7'] },
      attempts: 0,
      nextAt: NOW + 1,
      completeAt: null,
    });
    expect(subject.store.closing('b')).toMatchObject({ cause: 'ancestor', by: 'carol', ended: {}, outstanding: {} });
    expect(subject.store.closingsDue(NOW, 10)).toEqual([]);
    expect(subject.store.closingsDue(NOW + 1, 10).map(({ task }) => task)).toEqual(['a', 'b']);
    expect(subject.store.closingsDue(NOW + 1, 1)).toHaveLength(1);

    const later = advanceClosing(closing, { ended: {}, outstanding: { processes: ['files:7'] } }, NOW + 2);
    expect(await subject.store.saveClosing(later, [recordFixture('rec_1', 'later')])).toBe('saved');
    expect(subject.store.closing('a')).toEqual(later);
    expect(subject.store.closingsDue(later.nextAt! - 1, 10).map(({ task }) => task)).toEqual(['b']);
    const complete = advanceClosing(later, { ended: {}, outstanding: {} }, NOW + 3);
    expect(await subject.store.saveClosing(complete, [recordFixture('rec_2', 'complete')])).toBe('saved');
    expect(subject.store.closingsDue(NOW + 10 * MINUTE, 10).map(({ task }) => task)).toEqual(['b']);
    expect(subject.notes()).toEqual(['later', 'complete']);
  });

  test('of twenty attempts on one closing one is kept, with its record; of an unknown task none', async () => {
    await create({ id: 'a' });
    await end('a');
    const next = advanceClosing(subject.store.closing('a')!, { ended: {}, outstanding: {} }, NOW + 2);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => subject.store.saveClosing(next, [recordFixture(`rec_${n}`, 'kept')])),
    );
    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'stale')).toHaveLength(19);
    expect(await subject.store.saveClosing({ ...next, task: 'none' }, [recordFixture('rec_x')])).toBe('unknown');
    expect(subject.notes()).toEqual(['kept']);
  });

  test('a token is issued with the admission or not at all, and is one of its task until it is revoked or expires', async () => {
    await create({ id: 'a' }, { id: 'b' });
    await issue('a', TOKEN);
    await issue('a', { ...TOKEN, id: 'tok_2' });
    await issue('b', { ...TOKEN, id: 'tok_3' });
    expect(subject.store.tokensOf('a', NOW)).toEqual(['tok_1', 'tok_2']);
    expect(subject.store.tokensOf('a', TOKEN.expiresAt)).toEqual([]);
    await subject.store.revokeToken({ id: 'tok_2', at: NOW, keepUntil: NOW + MINUTE }, []);
    expect(subject.store.tokensOf('a', NOW)).toEqual(['tok_1']);
    await subject.reopen();
    expect(await subject.store.revokeTokensOf('a', NOW, MINUTE)).toEqual(['tok_1']);
    expect(await subject.store.revokeTokensOf('a', NOW, MINUTE)).toEqual([]);
    expect(['tok_1', 'tok_2', 'tok_3'].map((id) => subject.store.isTokenRevoked(id))).toEqual([true, true, false]);
    expect(subject.store.tokensOf('b', NOW)).toEqual(['tok_3']);
    await end('b');
    expect(await issue('b', { ...TOKEN, id: 'tok_4' })).toEqual({ admitted: false, because: 'task_ended' });
    expect(subject.store.tokensOf('b', NOW)).toEqual(['tok_3']);
  });

  test('a task that is in use does not end as idle, and one that is not does', async () => {
    await create(
      { id: 'a' },
      { id: 'child', parent: 'a' },
      { id: 'late', window: { notBefore: NOW + MINUTE, expiresAt: NOW + 10 * MINUTE } },
    );
    subject.at(NOW + MINUTE);
    expect(subject.store.unused(NOW).map(({ id }) => id)).toEqual(['a', 'child']);
    await subject.store.admit({ chain: ['child', 'a'], counted: true, approval: null }, []);
    expect(subject.store.unused(NOW)).toEqual([]);
    expect(
      subject.store
        .unused(NOW + MINUTE)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(['a', 'child', 'late']);
    const idle = (id: string, unusedSince: number) =>
      subject.store.endTask({ id, ...END, cause: 'idle', unusedSince }, () => [recordFixture(`rec_${id}`, id)]);
    expect(await idle('a', NOW)).toEqual({ outcome: 'in_use' });
    await subject.reopen();
    expect(subject.store.unused(NOW)).toEqual([]);
    expect(await idle('a', NOW)).toEqual({ outcome: 'in_use' });
    expect(await idle('a', NOW + MINUTE)).toMatchObject({ outcome: 'ended' });
    expect(subject.notes()).toEqual(['a']);
  });

  const suspension = (change: Partial<Suspension> = {}): Suspension => ({
    kind: 'everything',
    id: 'everything',
    since: NOW + 1,
    by: 'carol',
    reason: 'an incident',
    ...change,
  });
  const suspend = (change: Partial<Suspension> = {}, note = 'suspended') =>
    subject.store.suspend(suspension(change), (ended) => [
      recordFixture(`rec_${note}`, [note, ...ended.map(({ id }) => id).toSorted()].join(' ')),
    ]);

  const agent = (id: string, trustDomain = 'example.org') => ({ agent: { id, trustDomain } as Task['agent'] });
  const at = (...targets: string[]) => ({
    grant: targets.map((target) => ({ type: 'remit_grant' as const, target, effects: ['read' as const] })),
  });

  test.each<[what: string, suspended: Partial<Suspension>, ends: string[]]>([
    ['everything', {}, ['agent', 'both', 'child', 'delegator', 'domain', 'plain', 'target']],
    ['a delegator', { kind: 'delegator', id: `${bob.issuer}|bob` }, ['delegator']],
    ['a trust domain, with what is below its tasks', { kind: 'trust_domain', id: 'example.com' }, ['agent', 'child']],
    ['a trust domain', { kind: 'trust_domain', id: 'example.net' }, ['domain']],
    ['a target, where a task has no other', { kind: 'target', id: 'memory' }, ['target']],
    ['nobody that there is', { kind: 'delegator', id: `${bob.issuer}|none` }, []],
  ])('suspending %s ends exactly its tasks in the same step', async (_what, suspended, ends) => {
    await create(
      { id: 'plain' },
      { id: 'delegator', delegator: bob },
      { id: 'agent', ...agent('spiffe://example.com/x', 'example.com') },
      { id: 'child', parent: 'agent' },
      { id: 'domain', ...agent('spiffe://example.net/a', 'example.net') },
      { id: 'target', ...at('memory', 'memory') },
      { id: 'both', ...at('memory', 'files') },
    );
    const outcome = await suspend(suspended);
    expect(outcome.outcome === 'suspended' && outcome.tasks.map(({ id }) => id).toSorted()).toEqual(ends);
    expect(subject.notes()).toEqual([['suspended', ...ends].join(' ')]);
    for (const id of ends) {
      expect(subject.store.task(id)?.state).toBe('revoked');
      expect(subject.store.closing(id)).toMatchObject({
        cause: id === 'child' ? 'ancestor' : (suspended.kind ?? 'everything'),
        by: 'carol',
      });
    }
    expect(
      subject.store
        .live()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(['agent', 'both', 'child', 'delegator', 'domain', 'plain', 'target'].filter((id) => !ends.includes(id)));
  });

  test('what is suspended makes no new task and no call, also after a restart, until it is resumed', async () => {
    await create({ id: 'both', ...at('memory', 'files') });
    await suspend({ kind: 'target', id: 'memory' }, 'memory');
    await suspend({ kind: 'delegator', id: `${bob.issuer}|bob` }, 'bob');
    await subject.reopen();
    expect(
      subject.store
        .suspensions()
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(['delegator', 'target']);
    expect(subject.store.suspension('target', 'memory')).toEqual(suspension({ kind: 'target', id: 'memory' }));
    expect(subject.store.suspension('target', 'Memory')).toBeUndefined();
    const call = (target: string) =>
      subject.store.admit({ chain: ['both'], counted: true, approval: null, target }, []);
    expect(await call('memory')).toEqual({ admitted: false, because: 'suspended' });
    expect(await call('files')).toEqual({ admitted: true });
    expect(subject.store.chain('both')[0]!.used.calls).toBe(1);
    expect(await subject.store.createTask(taskFixture({ id: 'of bob', delegator: bob }), [])).toBe('suspended');
    expect(await subject.store.createTask(taskFixture({ id: 'there', ...at('memory') }), [])).toBe('suspended');
    expect(await subject.store.createTask(taskFixture({ id: 'of alice', delegator: alice }), [])).toBe('created');
    expect(await subject.store.resume({ kind: 'target', id: 'memory' }, [recordFixture('rec_r', 'resumed')])).toBe(
      'resumed',
    );
    expect(await subject.store.resume({ kind: 'target', id: 'memory' }, [recordFixture('rec_r2')])).toBe(
      'not_suspended',
    );
    expect(await call('memory')).toEqual({ admitted: true });
    expect(subject.notes()).toEqual(['memory', 'bob', 'resumed']);
  });

  test('of twenty who suspend one thing, one has; of twenty tasks that are made at that moment, none is left', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const made = subject.store.createTask(taskFixture({ id: `t${n}` }), []);
        const suspended = await suspend({}, `n${n}`);
        expect(['created', 'suspended']).toContain(await made);
        return suspended.outcome;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === 'suspended')).toHaveLength(1);
    expect(subject.store.live()).toEqual([]);
    expect(subject.notes()).toHaveLength(1);
  });

  test('processes are kept until they have gone', async () => {
    await create({ id: 'a' });
    const started = { id: 'files:7', pid: 7, birth: 'then', task: 'a' };
    await subject.store.processStarted(started);
    await subject.store.processStarted({ ...started, id: 'files:8', pid: 8, task: null });
    await subject.store.processStarted({ ...started, birth: 'now' });
    await subject.reopen();
    expect(subject.store.processes('a')).toEqual([{ ...started, birth: 'now' }]);
    expect(subject.store.processes().map(({ id }) => id)).toEqual(['files:7', 'files:8']);
    await subject.store.processGone('files:7');
    await subject.store.processGone('files:7');
    expect(subject.store.processes().map(({ id }) => id)).toEqual(['files:8']);
  });
}
