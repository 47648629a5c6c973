import { beforeEach, describe, expect, it } from 'vitest';
import type { Approval } from '../../core/approval.ts';
import type { Delegator } from '../../core/party.ts';
import { approvalFixture, bob, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
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

  it('makes a new request after the earlier one was spent or has expired, also when it was refused', async () => {
    const request = async (id: string) => (await subject.store.requestApproval(approvalFixture({ id }), () => [])).id;
    await request('spent');
    await subject.store.answerApproval({ ...YES, id: 'spent' }, []);
    await subject.store.admit({ chain: ['task_1'], counted: true, approval: 'spent' }, []);
    expect(await request('refused')).toBe('refused');
    await subject.store.answerApproval({ ...YES, id: 'refused', to: 'refused' }, []);
    subject.at(NOW + 5 * MINUTE - 1);
    expect(await subject.store.requestApproval(approvalFixture({ id: 'again' }), () => [])).toMatchObject({
      id: 'refused',
      state: 'refused',
    });
    expect(subject.store.approvalState('refused')).toEqual({ task: 'task_1', state: 'refused' });
    expect(subject.store.approvalState('again')).toBeUndefined();
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
    expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toEqual({ id: 'apr_1', approvers: [bob] });
    expect(subject.store.approval('apr_1')).toMatchObject({
      state: 'approved',
      answers: [{ to: 'approved', by: bob, at: NOW + 1 }],
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
    await subject.store.answerApproval({ ...YES, by: { ...bob, amr: ['hwk'] }, reason: 'looked at it' }, []);
    const before = subject.store.approvals({ limit: 10 });
    await subject.reopen();
    expect(subject.store.approvals({ limit: 10 })).toEqual(before);
    expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toMatchObject({ approvers: [{ amr: ['hwk'] }] });
    expect(subject.store.approval('apr_2')?.state).toBe('pending');
  });

  describe('rules for several people', () => {
    const carol: Delegator = { issuer: bob.issuer, subject: 'carol', groups: ['owners'] };
    const ask = (approvers: string[]) => subject.store.requestApproval(approvalFixture({ approvers }), () => []);
    const yes = (by: Delegator, id = 'apr_1') =>
      subject.store.answerApproval({ ...YES, id, by }, [recordFixture(`rec_${noted++}`, by.subject)]);
    const no = (by: Delegator) => subject.store.answerApproval({ ...YES, to: 'refused', by }, []);
    let noted = 0;

    it('counts different people until each rule is met', async () => {
      await ask(['2 of owners', 'staff']);
      expect(await yes(carol)).toBe('counted');
      expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toBeUndefined();
      expect(subject.store.approval('apr_1')).toMatchObject({ state: 'pending', answers: [{ by: carol }] });
      expect(await yes(bob)).toBe('answered');
      expect(subject.store.givenApproval('task_1', DIGEST, NOW)?.approvers.map(({ subject: name }) => name)).toEqual([
        'bob',
        'carol',
      ]);
      expect(subject.notes()).toEqual(['carol', 'bob']);
    });

    it('counts a person once, through whichever account', async () => {
      await ask(['2 of owners']);
      const twice = { ...carol, email: 'carol@example.test' };
      expect(await yes(twice)).toBe('counted');
      expect(await yes(twice)).toBe('already_counted');
      expect(await yes({ ...twice, issuer: 'https://other.example', email: 'Carol@example.test' })).toBe(
        'already_counted',
      );
      expect(subject.notes()).toEqual(['carol']);
      expect(await yes({ ...carol, issuer: 'https://other.example', subject: 'Carol' })).toBe('answered');
    });

    it('ends with one no, also with that of who has said yes', async () => {
      await ask(['3 of owners']);
      await yes(carol);
      await yes(bob);
      expect(await no(carol)).toBe('answered');
      expect(subject.store.approval('apr_1')).toMatchObject({ state: 'refused' });
      expect(subject.store.approval('apr_1')!.answers.map(({ to }) => to)).toEqual(['approved', 'refused']);
      expect(await yes({ ...carol, subject: 'dan' })).toBe('already_answered');
    });

    it('of twenty people at once takes as many as it needs', async () => {
      await ask(['2 of owners']);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_none, n) => yes({ ...carol, subject: `carol-${n}` })),
      );
      expect(outcomes.slice(0, 2)).toEqual(['counted', 'answered']);
      expect(new Set(outcomes.slice(2))).toEqual(new Set(['already_answered']));
    });

    it('keeps the first of two answers over a restart', async () => {
      await ask(['2 of owners']);
      await yes(carol);
      await subject.reopen();
      expect(await yes(carol)).toBe('already_counted');
      expect(await yes(bob)).toBe('answered');
      await subject.reopen();
      expect(subject.store.givenApproval('task_1', DIGEST, NOW)?.approvers).toHaveLength(2);
    });

    it('two approvals and an end at once, twenty times: whoever comes first, nothing is permitted after the end', async () => {
      for (let round = 0; round < 20; round++) {
        const [task, id] = [`race_${round}`, `apr_race_${round}`];
        await subject.store.createTask(taskFixture({ id: task }), []);
        await subject.store.requestApproval(approvalFixture({ id, task, approvers: ['2 of owners'] }), () => []);
        const end = () => subject.store.endTask({ id: task, to: 'revoked', at: NOW, reason: 'stop' }, () => []);
        const race = [() => yes(bob, id), () => yes(carol, id), end];
        const turned = [...race.slice(round % 3), ...race.slice(0, round % 3)];
        await Promise.all(turned.map((act) => act()));
        expect(subject.store.approval(id)?.state).toBe('closed');
        expect(subject.store.givenApproval(task, DIGEST, NOW)).toBeUndefined();
        expect(await subject.store.admit({ chain: [task], counted: true, approval: id }, [])).toMatchObject({
          admitted: false,
        });
      }
    });
  });

  describe('without a task', () => {
    const own = (change: Partial<Approval> = {}) => approvalFixture({ task: null, ...change });

    it('is asked for, answered, given and spent', async () => {
      await subject.store.requestApproval(own(), () => []);
      expect(await subject.store.answerApproval(YES, [])).toBe('answered');
      expect(subject.store.givenApproval(null, DIGEST, NOW)?.id).toBe('apr_1');
      expect(subject.store.givenApproval('task_1', DIGEST, NOW)).toBeUndefined();
      expect(await subject.store.createTask(taskFixture({ id: 'other', parent: 'task_1' }), [], 'apr_1')).toBe(
        'approval_spent',
      );
      expect(await subject.store.createTask(taskFixture({ id: 'new' }), [], 'apr_1')).toBe('created');
      expect(await subject.store.createTask(taskFixture({ id: 'newer' }), [], 'apr_1')).toBe('approval_spent');
      expect(subject.store.givenApproval(null, DIGEST, NOW)).toBeUndefined();
    });

    it('publishes a policy set once', async () => {
      const publish = (hash: string, replaces: string | null) =>
        subject.store.publishPolicySet({ hash, files: {}, folder: hash, at: NOW, replaces }, [], 'apr_1');
      expect(await publish('a', null)).toBe('approval_spent');
      expect(subject.store.policyHistory(9)).toEqual([]);
      await subject.store.requestApproval(own(), () => []);
      await subject.store.answerApproval(YES, []);
      expect(await publish('a', null)).toBe('published');
      expect(await publish('b', 'a')).toBe('approval_spent');
    });
  });

  it('does not bury people: so many wait of one task, or of one person', async () => {
    const ask = (change: Partial<Approval>) =>
      subject.store.requestApproval(
        approvalFixture(change),
        ({ state }) => [recordFixture(`rec_${state}_${change.id}`, state)],
        2,
      );
    for (const task of ['task_1', null]) {
      const name = (n: number) => `${task}_${n}`;
      for (const n of [1, 2])
        expect(await ask({ id: name(n), digest: name(n), task })).toMatchObject({ state: 'pending' });
      expect(await ask({ id: name(3), digest: name(3), task })).toMatchObject({ state: 'closed' });
      expect(subject.store.approval(name(3))).toBeUndefined();
      // What waits already is not another one.
      expect(await ask({ id: name(4), digest: name(1), task })).toMatchObject({ id: name(1), state: 'pending' });
      await subject.store.answerApproval({ ...YES, id: name(1) }, []);
      expect(await ask({ id: name(5), digest: name(5), task })).toMatchObject({ state: 'pending' });
    }
    const other = { ...approvalFixture().requester, delegator: { issuer: bob.issuer, subject: 'bob' } };
    expect(await ask({ id: 'of bob', digest: 'x', task: null, requester: other })).toMatchObject({ state: 'pending' });
    expect(subject.notes().filter((note) => note === 'closed')).toHaveLength(2);
  });

  it('says how the like of it was answered, and how much a person answers', async () => {
    const asked = { target: 'files', operation: 'write_file', agent: 'spiffe://example.org/agent/writer' };
    for (const [n, to] of (['approved', 'refused', 'approved'] as const).entries()) {
      await subject.store.requestApproval(approvalFixture({ id: `apr_${n}`, digest: `${n}` }), () => []);
      await subject.store.answerApproval({ id: `apr_${n}`, to, by: bob, at: NOW + n, reason: `reason ${n}` }, []);
    }
    const { card } = approvalFixture();
    await subject.store.requestApproval(
      approvalFixture({ id: 'apr_x', digest: 'x', card: { ...card, operation: 'move_file' } }),
      () => [],
    );
    await subject.store.answerApproval({ ...YES, id: 'apr_x' }, []);
    expect(subject.store.answersAlike({ ...asked, since: NOW }, 2)).toEqual({
      approved: 2,
      refused: 1,
      last: [
        { to: 'approved', by: bob, at: NOW + 2, reason: 'reason 2' },
        { to: 'refused', by: bob, at: NOW + 1, reason: 'reason 1' },
      ],
    });
    expect(subject.store.answersAlike({ ...asked, since: NOW + 2 }, 9)).toMatchObject({ approved: 1, refused: 0 });
    expect(subject.store.answersAlike({ ...asked, agent: null, since: 0 }, 9).last).toEqual([]);
    expect(subject.store.answersBy(bob, NOW + 1)).toBe(3);
    expect(subject.store.answersBy({ ...bob, subject: 'Bob' }, 0)).toBe(0);
  });

  it('looks at the newest for those that are asked for', async () => {
    for (const n of [1, 2, 3, 4]) {
      await subject.store.requestApproval(
        approvalFixture({ id: `apr_${n}`, digest: `${n}`, createdAt: NOW + n }),
        () => [],
      );
    }
    const isEven = ({ createdAt }: Approval) => createdAt % 2 === 0;
    const found = (limit: number, among: number) =>
      subject.store.approvals({ limit, among, matching: isEven }).map(({ id }) => id);
    expect(found(9, 9)).toEqual(['apr_4', 'apr_2']);
    expect(found(1, 9)).toEqual(['apr_4']);
    expect(found(9, 2)).toEqual(['apr_4']);
  });
}
