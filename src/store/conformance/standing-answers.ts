import { beforeEach, expect, it } from 'vitest';
import type { StandingAnswer } from '../../core/standing-answer.ts';
import { approvalFixture, bob, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const standing = (change: Partial<StandingAnswer> = {}): StandingAnswer => ({
  id: 'sta_1',
  task: 'task_1',
  approval: 'apr_1',
  target: 'files',
  operation: 'write_file',
  resources: [{ exactly: 'file:a' }],
  arguments: { path: { exactly: 'a' }, content: { any: true } },
  policySet: 'sha256:01',
  approvers: [bob],
  uses: 3,
  usesLeft: 3,
  state: 'active',
  createdAt: NOW,
  expiresAt: NOW + 5 * MINUTE,
  ...change,
});

export function standingAnswerConformance(open: OpenStore): void {
  const subject = useStore(open);
  beforeEach(async () => {
    await subject.store.createTask(taskFixture(), []);
    await subject.store.requestApproval(approvalFixture(), () => []);
  });
  const yes = { id: 'apr_1', to: 'approved', by: bob, at: NOW } as const;
  const use = (id = 'sta_1', task = 'task_1') =>
    subject.store.admit({ chain: [task], counted: true, approval: id }, []);

  it('stands from the yes that it was given with, and from no other answer', async () => {
    expect(await subject.store.answerApproval({ ...yes, to: 'refused' }, [], standing())).toBe('answered');
    expect(subject.store.standingFor('task_1')).toEqual([]);
    await subject.store.requestApproval(
      approvalFixture({ id: 'apr_2', digest: '2', approvers: ['2 of owners'] }),
      () => [],
    );
    expect(await subject.store.answerApproval({ ...yes, id: 'apr_2' }, [], standing({ approval: 'apr_2' }))).toBe(
      'counted',
    );
    expect(subject.store.standingAnswer('sta_1')).toBeUndefined();
    await subject.store.requestApproval(approvalFixture({ id: 'apr_3', digest: '3' }), () => []);
    const given = standing({ approval: 'apr_3' });
    expect(await subject.store.answerApproval({ ...yes, id: 'apr_3' }, [recordFixture('rec_1', 'yes')], given)).toBe(
      'answered',
    );
    expect(subject.store.standingFor('task_1')).toEqual([given]);
    expect(subject.store.standingFor('task_2')).toEqual([]);
    expect(subject.notes()).toEqual(['yes']);
  });

  it('is used so often as was said, by twenty at once', async () => {
    await subject.store.answerApproval(yes, [], standing());
    const uses = await Promise.all(Array.from({ length: 20 }, () => use().catch(() => null)));
    expect(uses.filter((admission) => admission?.admitted === true)).toHaveLength(3);
    expect(uses.at(-1)).toMatchObject({ admitted: false, because: 'approval_spent' });
    expect(subject.store.standingFor('task_1')).toEqual([]);
    expect(subject.store.standingAnswer('sta_1')).toMatchObject({ state: 'used_up', usesLeft: 0 });
    expect(subject.store.chain('task_1')[0]?.used.calls).toBe(3);
  });

  it('is used in time, and for its task alone', async () => {
    await subject.store.createTask(taskFixture({ id: 'task_2' }), []);
    await subject.store.answerApproval(yes, [], standing());
    expect(await use('sta_1', 'task_2')).toMatchObject({ admitted: false, because: 'approval_spent' });
    expect(await use('sta_2')).toMatchObject({ admitted: false, because: 'approval_spent' });
    expect(await use('apr_1')).toEqual({ admitted: true });
    expect(await use()).toEqual({ admitted: true });
    expect(subject.store.standingFor('task_1')).toMatchObject([{ usesLeft: 2 }]);
    subject.at(NOW + 5 * MINUTE);
    expect(await use()).toMatchObject({ admitted: false });
  });

  it('is taken back once, with its record, and used no more', async () => {
    await subject.store.answerApproval(yes, [], standing());
    const revoke = (id: string, n: number) =>
      subject.store.revokeStandingAnswer(id, [recordFixture(`rec_${n}`, `${id} revoked`)]);
    expect(await revoke('sta_2', 0)).toBe('unknown');
    const outcomes = await Promise.all(Array.from({ length: 5 }, (_none, n) => revoke('sta_1', n)));
    expect(outcomes).toEqual(['revoked', 'over', 'over', 'over', 'over']);
    expect(subject.notes()).toEqual(['sta_1 revoked']);
    expect(await use()).toMatchObject({ admitted: false });
    expect(subject.store.standingAnswer('sta_1')).toMatchObject({ state: 'revoked', usesLeft: 3 });
  });

  it('ends with its task, and comes back after a restart as it was', async () => {
    await subject.store.createTask(taskFixture({ id: 'child', parent: 'task_1' }), []);
    await subject.store.requestApproval(approvalFixture({ id: 'apr_2', task: 'child' }), () => []);
    await subject.store.answerApproval(yes, [], standing());
    await subject.store.answerApproval(
      { ...yes, id: 'apr_2' },
      [],
      standing({ id: 'sta_2', task: 'child', approval: 'apr_2' }),
    );
    await use();
    await subject.reopen();
    expect(subject.store.standingFor('task_1')).toEqual([standing({ usesLeft: 2 })]);
    await subject.store.endTask({ id: 'task_1', to: 'completed', at: NOW, reason: 'done' }, () => []);
    expect([subject.store.standingFor('task_1'), subject.store.standingFor('child')]).toEqual([[], []]);
    expect(subject.store.standingAnswer('sta_2')?.state).toBe('closed');
    const all = { limit: 9, among: 9, matching: () => true };
    expect(subject.store.standingAnswers(all).map(({ id }) => id)).toEqual(['sta_2', 'sta_1']);
    expect(subject.store.standingAnswers({ ...all, matching: ({ task }) => task === 'task_1' })).toHaveLength(1);
  });

  it('knows what was refused, until the request would have expired', async () => {
    expect(subject.store.isRefused('task_1', 'sha256:00', NOW)).toBe(false);
    await subject.store.answerApproval({ ...yes, to: 'refused' }, []);
    expect(subject.store.isRefused('task_1', 'sha256:00', NOW)).toBe(true);
    expect(subject.store.isRefused('task_1', 'sha256:01', NOW)).toBe(false);
    expect(subject.store.isRefused(null, 'sha256:00', NOW)).toBe(false);
    expect(subject.store.isRefused('task_1', 'sha256:00', NOW + 5 * MINUTE)).toBe(false);
  });
}
