import { expect, it } from 'vitest';
import { Conflict, InvalidRequest } from '../../core/errors.ts';
import { alice, approvalFixture, bob, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const END = { to: 'revoked', at: NOW + 1, reason: 'asked' } as const;

export function taskConformance(open: OpenStore): void {
  const subject = useStore(open);

  async function create(...ids: [id: string, parent?: string][]): Promise<void> {
    for (const [id, parent = null] of ids) {
      await subject.store.createTask(taskFixture({ id, parent }), [recordFixture(`rec_${id}`, `create ${id}`)]);
    }
  }

  it('creates a task with its record', async () => {
    const task = taskFixture({ parameters: { ключ: ['é', 'e\u0301', { deep: null }], n: 1.5 } });
    expect(await subject.store.createTask(task, [recordFixture('rec_1', 'create')])).toBe('created');
    expect(subject.store.task('task_1')).toEqual(task);
    expect(subject.store.chain('task_1')).toEqual([{ task, used: { calls: 0 } }]);
    expect(subject.notes()).toEqual(['create']);
  });

  it('knows nothing of a task that was not created', () => {
    expect(subject.store.task('task_1')).toBeUndefined();
    expect(subject.store.chain('task_1')).toEqual([]);
  });

  it('refuses a second task of the same id, and records nothing of it', async () => {
    await create(['a']);
    const again = subject.store.createTask(taskFixture({ id: 'a', purpose: 'other' }), [recordFixture('rec_2')]);
    await expect(again).rejects.toThrow();
    expect(subject.store.task('a')?.purpose).toBe('summarise the notes');
    expect(subject.notes()).toEqual(['create a']);
  });

  it('creates nothing when its record cannot be written', async () => {
    await create(['a']);
    const creation = subject.store.createTask(taskFixture({ id: 'b' }), [recordFixture('rec_a')]);
    await expect(creation).rejects.toThrow();
    expect(subject.store.task('b')).toBeUndefined();
    expect(subject.notes()).toEqual(['create a']);
    await create(['b']);
    expect(subject.notes()).toEqual(['create a', 'create b']);
  });

  it('gives what was true when it was asked', async () => {
    await create(['a']);
    const before = subject.store.chain('a');
    await subject.store.admit({ chain: ['a'], counted: true, approval: null }, []);
    await subject.store.endTask({ id: 'a', ...END }, () => []);
    expect(before).toEqual([{ task: taskFixture({ id: 'a' }), used: { calls: 0 } }]);
  });

  it('gives the chain from the task to the root', async () => {
    await create(['a'], ['b', 'a'], ['c', 'b']);
    expect(subject.store.chain('c').map(({ task }) => task.id)).toEqual(['c', 'b', 'a']);
  });

  it('gives the whole tree, ended or not, parents before their children, and no more than asked for', async () => {
    await create(['a'], ['b', 'a'], ['c', 'b'], ['d', 'a'], ['other']);
    await subject.store.admit({ chain: ['b', 'a'], counted: true, approval: null }, []);
    await subject.store.endTask({ id: 'b', ...END }, () => []);
    const tree = subject.store.tree('a', 10);
    expect(tree.map(({ task, used }) => [task.id, task.state, used.calls])).toEqual([
      ['a', 'active', 1],
      ['b', 'revoked', 1],
      ['d', 'active', 0],
      ['c', 'revoked', 0],
    ]);
    expect(subject.store.tree('a', 2).map(({ task }) => task.id)).toEqual(['a', 'b']);
    expect(subject.store.tree('none', 10)).toEqual([]);
  });

  it('spends an approval with the task that it is for, once, or makes nothing', async () => {
    await create(['a']);
    const { id } = await subject.store.requestApproval(approvalFixture({ task: 'a' }), () => []);
    const under = (child: string) =>
      subject.store.createTask(taskFixture({ id: child, parent: 'a' }), [recordFixture(`rec_${child}`, child)], id);
    expect(await under('early')).toBe('approval_spent');
    await subject.store.answerApproval({ id, to: 'approved', by: bob, at: NOW }, []);
    expect(await Promise.all(['b', 'c'].map(under))).toEqual(['created', 'approval_spent']);
    expect(subject.store.tree('a', 10).map(({ task }) => task.id)).toEqual(['a', 'b']);
    expect(subject.store.approval(id)?.state).toBe('spent');
    expect(subject.notes()).toEqual(['create a', 'b']);
  });

  it('creates no task under one that has ended, is unknown, was not started, or whose window has closed', async () => {
    await create(['a'], ['late']);
    await subject.store.createTask(taskFixture({ id: 'requested', state: 'requested' }), []);
    await subject.store.endTask({ id: 'a', ...END }, () => []);
    for (const parent of ['a', 'unknown', 'requested']) {
      const child = taskFixture({ id: `under ${parent}`, parent });
      expect(await subject.store.createTask(child, [recordFixture('rec_x')])).toBe('parent_ended');
      expect(subject.store.task(child.id)).toBeUndefined();
    }
    subject.at(NOW + 10 * MINUTE);
    const late = subject.store.createTask(taskFixture({ id: 'x', parent: 'late' }), [recordFixture('rec_x')]);
    expect(await late).toBe('parent_ended');
    expect(subject.notes()).toEqual(['create a', 'create late']);
  });

  it('ends the task with all below it, and closes their approvals', async () => {
    await create(['root'], ['a', 'root'], ['b', 'a'], ['sibling', 'root']);
    await subject.store.requestApproval(approvalFixture({ id: 'of a', task: 'a', digest: '1' }), () => []);
    await subject.store.requestApproval(approvalFixture({ id: 'of b', task: 'b', digest: '2' }), () => []);
    await subject.store.requestApproval(approvalFixture({ id: 'of sibling', task: 'sibling', digest: '3' }), () => []);
    await subject.store.answerApproval({ id: 'of b', to: 'approved', by: bob, at: NOW }, []);

    const ending = await subject.store.endTask({ id: 'a', ...END }, (ended) => [
      recordFixture('rec_end', `end ${ended.map(({ id, state }) => `${id} ${state}`).join(', ')}`),
    ]);

    expect(ending).toMatchObject({ outcome: 'ended', tasks: [{ id: 'a' }, { id: 'b' }] });
    expect(subject.notes().at(-1)).toBe('end a revoked, b revoked');
    expect(subject.store.task('b')).toMatchObject({
      state: 'revoked',
      endedAt: NOW + 1,
      endReason: expect.stringContaining('`a`'),
    });
    expect(subject.store.chain('b').map(({ task }) => task.state)).toEqual(['revoked', 'revoked', 'active']);
    expect(subject.store.approval('of a')?.state).toBe('closed');
    expect(subject.store.approval('of b')?.state).toBe('closed');
    expect(subject.store.givenApproval('b', '2', NOW)).toBeUndefined();
    expect(subject.store.approval('of sibling')?.state).toBe('pending');
    expect(subject.store.task('sibling')?.state).toBe('active');
  });

  it('revokes the children of a task that completes', async () => {
    await create(['a']);
    await subject.store.createTask(taskFixture({ id: 'b', parent: 'a', state: 'requested' }), []);
    await subject.store.createTask(taskFixture({ id: 'c', parent: 'a' }), []);
    await subject.store.endTask({ id: 'a', to: 'completed', at: NOW, reason: 'done' }, () => []);
    expect(['a', 'b', 'c'].map((id) => subject.store.task(id)?.state)).toEqual(['completed', 'revoked', 'revoked']);
  });

  it('ends a task once, and tells an unknown one apart', async () => {
    await create(['a']);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        subject.store.endTask({ id: 'a', ...END }, () => [recordFixture(`rec_end_${i}`, 'end')]),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'ended')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'already_ended')).toHaveLength(19);
    expect(subject.notes()).toEqual(['create a', 'end']);
    const unknown = await subject.store.endTask({ id: 'x', ...END }, () => [recordFixture('rec_x')]);
    expect(unknown).toEqual({ outcome: 'unknown' });
  });

  it('refuses an end that the state of the task does not allow', async () => {
    await create(['a']);
    const denied = subject.store.endTask({ id: 'a', to: 'denied', at: NOW, reason: 'late' }, () => []);
    await expect(denied).rejects.toBeInstanceOf(Conflict);
    expect(subject.store.task('a')?.state).toBe('active');
  });

  it('lists those that end with one as parents before children, whatever their times and names', async () => {
    await create(['z'], ['a', 'z'], ['m', 'a'], ['b', 'z']);
    const ending = await subject.store.endTask({ id: 'z', ...END }, () => []);
    expect(ending.outcome === 'ended' && ending.tasks.map(({ id }) => id)).toEqual(['z', 'a', 'b', 'm']);
  });

  it('ends nothing when its records cannot be made', async () => {
    await create(['a'], ['b', 'a']);
    const ending = subject.store.endTask({ id: 'a', ...END }, () => {
      throw new RangeError('no record');
    });
    await expect(ending).rejects.toThrow('no record');
    expect([subject.store.task('a')?.state, subject.store.task('b')?.state]).toEqual(['active', 'active']);
  });

  it('compares identifiers byte for byte', async () => {
    const ids = ['A', 'a', '\u00e9', 'e\u0301', 'x', 'x ', ' x', 'x\0', 'x\0y', 'ß', 'ss', 'ﬁ', 'fi'];
    await create(...ids.map((id): [string] => [id]));
    for (const id of ids) expect(subject.store.task(id)?.id).toBe(id);
    await subject.store.endTask({ id: '\u00e9', ...END }, () => []);
    await subject.store.endTask({ id: 'x ', ...END }, () => []);
    await subject.reopen();
    for (const id of ids) {
      expect(subject.store.task(id)).toMatchObject({
        id,
        state: id === '\u00e9' || id === 'x ' ? 'revoked' : 'active',
      });
    }
    expect(subject.store.indexOf('rec_e\u0301')).toBe(ids.indexOf('e\u0301'));
    expect(subject.store.indexOf('REC_A')).toBeUndefined();
    expect(subject.store.tasks({ agent: 'SPIFFE://example.org/agent/writer', limit: 10 })).toEqual([]);
  });

  it('takes no identifier that has no bytes', async () => {
    await create(['\ufffd']);
    await expect(create(['\ud800'])).rejects.toBeInstanceOf(InvalidRequest);
    await subject.store.endTask({ id: '\ufffd', ...END }, () => []);
    expect(subject.store.task('\ud800')).toBeUndefined();
    await subject.store.createTask(taskFixture({ id: '\ufffd2' }), []);
    for (const verb of [
      subject.store.endTask({ id: '\ud8002', ...END }, () => []),
      subject.store.admit({ chain: ['\ud8002'], counted: true, approval: null }, []),
    ]) {
      await expect(verb).rejects.toBeInstanceOf(InvalidRequest);
    }
  });

  it('lists the newest first, by state, delegator and agent, in pages', async () => {
    for (let i = 0; i < 7; i++) {
      await subject.store.createTask(
        taskFixture({ id: `t${i}`, delegator: i % 2 === 0 ? alice : bob, createdAt: NOW + i }),
        [],
      );
    }
    await subject.store.endTask({ id: 't4', ...END }, () => []);
    const ids = (filter: Parameters<typeof subject.store.tasks>[0]) => subject.store.tasks(filter).map(({ id }) => id);

    expect(ids({ limit: 100 })).toEqual(['t6', 't5', 't4', 't3', 't2', 't1', 't0']);
    expect(ids({ limit: 3 })).toEqual(['t6', 't5', 't4']);
    expect(ids({ limit: 3, after: 't4' })).toEqual(['t3', 't2', 't1']);
    expect(ids({ limit: 3, after: 't1' })).toEqual(['t0']);
    expect(ids({ limit: 3, after: 't0' })).toEqual([]);
    expect(ids({ limit: 0 })).toEqual([]);
    expect(ids({ delegator: alice, state: 'active', limit: 2 })).toEqual(['t6', 't2']);
    expect(ids({ delegator: alice, state: 'active', limit: 2, after: 't2' })).toEqual(['t0']);
    expect(ids({ delegator: { ...alice, issuer: 'https://other.example' }, limit: 9 })).toEqual([]);
    expect(ids({ state: 'revoked', limit: 9 })).toEqual(['t4']);
    expect(ids({ agent: 'spiffe://example.org/agent/writer', limit: 1 })).toEqual(['t6']);
    expect(ids({ limit: 3, after: 'nobody' })).toEqual([]);
  });

  it('finds the active tasks whose window has closed', async () => {
    const window = (end: number) => ({ notBefore: NOW, expiresAt: end });
    await subject.store.createTask(taskFixture({ id: 'soon', window: window(NOW + 5) }), []);
    await subject.store.createTask(taskFixture({ id: 'sooner', window: window(NOW + 3) }), []);
    await subject.store.createTask(taskFixture({ id: 'ended', window: window(NOW + 3) }), []);
    await subject.store.createTask(taskFixture({ id: 'later', window: window(NOW + 6) }), []);
    await subject.store.endTask({ id: 'ended', ...END }, () => []);
    expect(subject.store.overdue(NOW + 2)).toEqual([]);
    expect(
      subject.store
        .overdue(NOW + 5)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['soon', 'sooner']);
  });

  it('keeps everything over a restart', async () => {
    await create(['a'], ['b', 'a'], ['c']);
    await subject.store.admit({ chain: ['b', 'a'], counted: true, approval: null }, [
      recordFixture('rec_call', 'call'),
    ]);
    await subject.store.endTask({ id: 'c', ...END }, () => [recordFixture('rec_end', 'end c')]);
    const before = ['a', 'b', 'c'].map((id) => subject.store.chain(id));
    await subject.reopen();
    expect(['a', 'b', 'c'].map((id) => subject.store.chain(id))).toEqual(before);
    expect(subject.store.chain('b').map(({ used }) => used.calls)).toEqual([1, 1]);
    expect(subject.notes()).toEqual(['create a', 'create b', 'create c', 'call', 'end c']);
  });
}
