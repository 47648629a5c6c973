import { expect, it, beforeEach } from 'vitest';
import { alice, approvalFixture, bob, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const DIGEST = 'sha256:00';
const YES = { id: 'apr_1', to: 'approved', by: bob, at: NOW + 1 } as const;

export function approvalConformance(open: OpenStore): void {
  const subject = useStore(open);
  beforeEach(() => subject.store.createTask(taskFixture(), []));

  it('makes a request with its record', async () => {
    const wanted = approvalFixture();
    const made = await subject.store.requestApproval(wanted, ({ id }) => [recordFixture('rec_1', `hold for ${id}`)]);
    expect(made).toEqual(wanted);
    expect(subject.store.approval('apr_1')).toEqual(wanted);
    expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toBeUndefined();
    expect(subject.notes()).toEqual(['hold for apr_1']);
  });

  it('returns the request that waits for the same digest, also once it is approved', async () => {
    const requests = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        subject.store.requestApproval(approvalFixture({ id: `apr_${i}` }), ({ id }) => [
          recordFixture(`rec_${i}`, `hold for ${id}`),
        ]),
      ),
    );
    expect(new Set(requests.map(({ id }) => id))).toEqual(new Set(['apr_0']));
    expect(new Set(subject.notes())).toEqual(new Set(['hold for apr_0']));
    expect(subject.store.size()).toBe(20);
    await subject.store.answerApproval({ ...YES, id: 'apr_0' }, []);
    expect(await subject.store.requestApproval(approvalFixture({ id: 'apr_x' }), () => [])).toMatchObject({
      id: 'apr_0',
      state: 'approved',
    });
    expect(subject.store.approvals({ limit: 10 })).toHaveLength(1);
  });

  it('makes separate requests for other digests and other tasks', async () => {
    await subject.store.createTask(taskFixture({ id: 'task_2' }), []);
    const wanted = [
      approvalFixture(),
      approvalFixture({ id: 'apr_2', digest: 'sha256:0' }),
      approvalFixture({ id: 'apr_3', task: 'task_2' }),
    ];
    for (const approval of wanted) expect(await subject.store.requestApproval(approval, () => [])).toEqual(approval);
  });

  it('makes a new request after the earlier one was refused, spent, or has expired', async () => {
    const request = async (id: string) => (await subject.store.requestApproval(approvalFixture({ id }), () => [])).id;
    await request('refused');
    await subject.store.answerApproval({ ...YES, id: 'refused', to: 'refused' }, []);
    expect(await request('spent')).toBe('spent');
    await subject.store.answerApproval({ ...YES, id: 'spent' }, []);
    await subject.store.admit({ chain: ['task_1'], counted: true, approval: 'spent' }, []);
    expect(await request('expired')).toBe('expired');
    subject.at(NOW + 5 * MINUTE);
    const wanted = approvalFixture({ id: 'last', createdAt: NOW + 5 * MINUTE, expiresAt: NOW + 10 * MINUTE });
    expect(await subject.store.requestApproval(wanted, () => [])).toEqual(wanted);
    expect(['last', 'spent', 'refused'].map((id) => subject.store.approval(id)?.state)).toEqual([
      'pending',
      'spent',
      'refused',
    ]);
  });

  it('closes a request for a task that has ended, and makes none for an unknown one', async () => {
    await subject.store.endTask({ id: 'task_1', to: 'revoked', at: NOW, reason: 'stop' }, () => []);
    const records = ({ state }: { state: string }) => [recordFixture('rec_1', `hold, ${state}`)];
    expect(await subject.store.requestApproval(approvalFixture(), records)).toMatchObject({ state: 'closed' });
    expect(subject.store.approval('apr_1')?.state).toBe('closed');
    expect(await subject.store.answerApproval(YES, [recordFixture('rec_2')])).toBe('task_ended');
    await expect(subject.store.requestApproval(approvalFixture({ task: 'nothing' }), records)).rejects.toThrow();
    expect(subject.notes()).toEqual(['hold, closed']);
  });

  it('gives the approval once it is approved, for its task and digest, until it expires', async () => {
    await subject.store.requestApproval(approvalFixture(), () => []);
    expect(await subject.store.answerApproval(YES, [recordFixture('rec_yes', 'yes')])).toBe('answered');
    expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toMatchObject({
      id: 'apr_1',
      state: 'approved',
      answeredBy: bob,
      answeredAt: NOW + 1,
    });
    expect(subject.store.givenApproval('task_1', 'sha256:0', NOW)).toBeUndefined();
    expect(subject.store.givenApproval('task_2', DIGEST, NOW)).toBeUndefined();
    expect(subject.store.givenApproval('task_1', DIGEST, NOW + 5 * MINUTE - 1)?.id).toBe('apr_1');
    expect(subject.store.givenApproval('task_1', DIGEST, NOW + 5 * MINUTE)).toBeUndefined();
    expect(subject.notes()).toEqual(['yes']);
  });

  it('takes the first answer and no other', async () => {
    await subject.store.requestApproval(approvalFixture(), () => []);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        subject.store.answerApproval({ ...YES, to: i % 2 === 0 ? 'refused' : 'approved' }, [
          recordFixture(`rec_${i}`, `answer ${i}`),
        ]),
      ),
    );
    const winner = answers.indexOf('answered');
    expect(answers.filter((answer) => answer === 'already_answered')).toHaveLength(19);
    expect(subject.notes()).toEqual([`answer ${winner}`]);
    expect(subject.store.approval('apr_1')?.state).toBe(winner % 2 === 0 ? 'refused' : 'approved');
  });

  it('takes no answer that comes too late, for an ended task, or for nothing', async () => {
    const record = [recordFixture('rec_1')];
    await subject.store.requestApproval(approvalFixture(), () => []);
    expect(await subject.store.answerApproval({ ...YES, id: 'APR_1' }, record)).toBe('unknown');
    expect(await subject.store.answerApproval({ ...YES, at: NOW + 5 * MINUTE }, record)).toBe('expired');
    subject.at(NOW + 5 * MINUTE);
    expect(await subject.store.answerApproval(YES, record)).toBe('expired');
    await subject.store.endTask({ id: 'task_1', to: 'expired', at: NOW, reason: 'window' }, () => []);
    expect(await subject.store.answerApproval(YES, record)).toBe('task_ended');
    expect(subject.store.size()).toBe(0);
  });

  it('takes no answer once the window of the task has closed', async () => {
    const long = { expiresAt: NOW + 60 * MINUTE };
    await subject.store.requestApproval(approvalFixture(long), () => []);
    subject.at(NOW + 10 * MINUTE);
    expect(await subject.store.answerApproval(YES, [recordFixture('rec_1')])).toBe('task_ended');
    expect(subject.store.size()).toBe(0);
  });

  it('answers nothing when the record cannot be written', async () => {
    await subject.store.requestApproval(approvalFixture(), () => [recordFixture('rec_taken', 'hold')]);
    await expect(subject.store.answerApproval(YES, [recordFixture('rec_taken')])).rejects.toThrow();
    expect(subject.store.approval('apr_1')?.state).toBe('pending');
    expect(await subject.store.answerApproval(YES, [])).toBe('answered');
  });

  it('lists by state and task, the newest first', async () => {
    await subject.store.createTask(taskFixture({ id: 'task_2' }), []);
    let created = NOW;
    for (const [id, task] of [
      ['a', 'task_1'],
      ['b', 'task_2'],
      ['c', 'task_1'],
      ['d', 'task_1'],
    ] as const) {
      await subject.store.requestApproval(approvalFixture({ id, task, digest: id, createdAt: created++ }), () => []);
    }
    await subject.store.answerApproval({ ...YES, id: 'c' }, []);
    const ids = (filter: Parameters<typeof subject.store.approvals>[0]) =>
      subject.store.approvals(filter).map(({ id }) => id);
    expect(ids({ limit: 10 })).toEqual(['d', 'c', 'b', 'a']);
    expect(ids({ limit: 2 })).toEqual(['d', 'c']);
    expect(ids({ state: 'pending', limit: 10 })).toEqual(['d', 'b', 'a']);
    expect(ids({ state: 'pending', task: 'task_1', limit: 10 })).toEqual(['d', 'a']);
    expect(ids({ state: 'approved', limit: 10 })).toEqual(['c']);
  });

  it('keeps requests and answers over a restart', async () => {
    await subject.store.requestApproval(approvalFixture(), () => []);
    await subject.store.requestApproval(approvalFixture({ id: 'apr_2', digest: '2' }), () => []);
    await subject.store.answerApproval({ ...YES, by: { ...alice, amr: ['hwk'] } }, []);
    const before = subject.store.approvals({ limit: 10 });
    await subject.reopen();
    expect(subject.store.approvals({ limit: 10 })).toEqual(before);
    expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toMatchObject({ answeredBy: { amr: ['hwk'] } });
    expect(subject.store.approval('apr_2')?.state).toBe('pending');
  });
}
