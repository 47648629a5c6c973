import { expect, it } from 'vitest';
import type { Draw } from '../../core/budget.ts';
import { bob, approvalFixture, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

export function admissionConformance(open: OpenStore): void {
  const subject = useStore(open);
  let calls = 0;

  function call(chain: string[], options: { approval?: string; counted?: boolean; draws?: Draw[] } = {}) {
    calls += 1;
    const { approval = null, counted = true, draws = [] } = options;
    return subject.store.admit({ chain, counted, draws, approval }, [
      recordFixture(`rec_call_${calls}`, `call ${chain[0]}`),
    ]);
  }
  const used = (id: string) => subject.store.chain(id)[0]!.used.calls;

  async function approved(change: Partial<Parameters<typeof approvalFixture>[0]> = {}): Promise<string> {
    const approval = await subject.store.requestApproval(approvalFixture(change), () => []);
    const answer = { id: approval.id, to: 'approved', by: bob, at: NOW } as const;
    expect(await subject.store.answerApproval(answer, [])).toBe('answered');
    return approval.id;
  }

  it('admits, takes one call from every level, and records', async () => {
    await subject.store.createTask(taskFixture({ id: 'a' }), []);
    await subject.store.createTask(taskFixture({ id: 'b', parent: 'a' }), []);
    expect(await call(['b', 'a'])).toEqual({ admitted: true });
    expect(await call(['a'])).toEqual({ admitted: true });
    expect([used('b'), used('a')]).toEqual([1, 2]);
    expect(subject.notes()).toEqual(['call b', 'call a']);
  });

  it('counts nothing for what is not counted, also on a used-up budget', async () => {
    await subject.store.createTask(taskFixture({ budget: { calls: 0 } }), []);
    expect(await call(['task_1'], { counted: false })).toEqual({ admitted: true });
    expect(used('task_1')).toBe(0);
    expect(subject.notes()).toEqual(['call task_1']);
  });

  it('admits what stands under no task', async () => {
    expect(await call([])).toEqual({ admitted: true });
    expect(subject.store.size()).toBe(1);
  });

  it('admits exactly the budget to 100 callers at once', async () => {
    await subject.store.createTask(taskFixture({ budget: { calls: 10 } }), []);
    const admissions = await Promise.all(Array.from({ length: 100 }, () => call(['task_1'])));
    expect(admissions.filter(({ admitted }) => admitted)).toHaveLength(10);
    expect(admissions.at(-1)).toEqual({ admitted: false, because: 'over_budget' });
    expect([used('task_1'), subject.store.size()]).toEqual([10, 10]);
    await subject.reopen();
    expect(used('task_1')).toBe(10);
    expect(await call(['task_1'])).toEqual({ admitted: false, because: 'over_budget' });
  });

  it('admits in order until one is not admitted, and of that and what stands behind it nothing happens', async () => {
    await subject.store.createTask(taskFixture({ budget: { calls: 2 } }), []);
    const request = { chain: ['task_1'], counted: true, approval: null };
    const entries = ['first', 'denied', 'second', 'third', 'last'].map((note) => ({
      ...(note === 'denied' || note === 'last' ? {} : { request }),
      records: [recordFixture(`rec_${note}`, note)],
    }));
    expect(await subject.store.admitInOrder(entries)).toBe(3);
    expect([used('task_1'), subject.notes()]).toEqual([2, ['first', 'denied', 'second']]);
    await subject.reopen();
    expect([used('task_1'), subject.notes()]).toEqual([2, ['first', 'denied', 'second']]);
    expect(await subject.store.admitInOrder(entries.slice(3, 4))).toBe(0);
    expect(await subject.store.admitInOrder(entries.slice(4))).toBe(1);
    expect(await subject.store.admitInOrder([])).toBe(0);
  });

  it('admits in order as much as is there, to two callers at once, and a broken rule undoes all of one', async () => {
    await subject.store.createTask(taskFixture({ budget: { calls: 5 } }), []);
    const request = { chain: ['task_1'], counted: true, approval: null };
    const entries = (name: string) =>
      Array.from({ length: 4 }, (_none, n) => ({ request, records: [recordFixture(`rec_${name}_${n}`, name)] }));
    const doubled = [...entries('broken').slice(0, 2), { request, records: [recordFixture('rec_broken_0', 'broken')] }];
    const outcomes = await Promise.allSettled([
      subject.store.admitInOrder(doubled),
      subject.store.admitInOrder(entries('a')),
      subject.store.admitInOrder(entries('b')),
    ]);
    expect(outcomes.map((each) => (each.status === 'fulfilled' ? each.value : 'refused'))).toEqual(['refused', 4, 1]);
    expect([used('task_1'), subject.notes()]).toEqual([5, ['a', 'a', 'a', 'a', 'b']]);
  });

  it('takes nothing from a child when an ancestor has nothing left', async () => {
    await subject.store.createTask(taskFixture({ id: 'a', budget: { calls: 3 } }), []);
    for (const id of ['b', 'c']) await subject.store.createTask(taskFixture({ id, parent: 'a' }), []);
    const admissions = await Promise.all(
      Array.from({ length: 10 }, (_, i) => call(i % 2 === 0 ? ['b', 'a'] : ['c', 'a'])),
    );
    expect(admissions.filter(({ admitted }) => admitted)).toHaveLength(3);
    expect([used('a'), used('b'), used('c')]).toEqual([3, 2, 1]);
    expect(subject.notes()).toEqual(['call b', 'call c', 'call b']);
  });

  it('admits nothing under a task that has ended, is unknown, was not started, or whose window has closed', async () => {
    const refused = { admitted: false, because: 'task_ended' };
    await subject.store.createTask(taskFixture({ id: 'a' }), []);
    await subject.store.createTask(taskFixture({ id: 'b' }), []);
    await subject.store.createTask(taskFixture({ id: 'requested', state: 'requested' }), []);
    await subject.store.endTask({ id: 'a', to: 'completed', at: NOW, reason: 'done' }, () => []);
    for (const counted of [true, false]) {
      expect(await call(['a'], { counted })).toEqual(refused);
      expect(await call(['unknown'], { counted })).toEqual(refused);
      expect(await call(['requested'], { counted })).toEqual(refused);
    }
    subject.at(NOW + 10 * MINUTE);
    expect(await call(['b'])).toEqual(refused);
    expect(subject.store.size()).toBe(0);
  });

  const BUDGET = {
    calls: 1_000,
    effects: { write: 40 },
    sums: [{ target: 'shop', operations: ['refund'], argument: '/amount', atMost: 100_000 }],
  };
  const draw = (task: string, amount: number) => [
    { task, counter: 'effect:write', amount: 1 },
    { task, counter: 'sum:0', amount },
  ];
  const counters = (id: string) => subject.store.chain(id)[0]!.used.counters;

  it('admits what the limits of every level hold to 100 callers at once, and never more', async () => {
    const above = { ...BUDGET, sums: [{ ...BUDGET.sums[0]!, atMost: 70_000 }] };
    await subject.store.createTask(taskFixture({ id: 'a', budget: above }), []);
    for (const id of ['b', 'c']) {
      await subject.store.createTask(taskFixture({ id, parent: 'a', budget: BUDGET }), []);
    }
    const taking = Array.from({ length: 100 }, (_, i) => ({ id: i % 2 === 0 ? 'b' : 'c', amount: 1_000 + i }));
    const admissions = await Promise.all(
      taking.map(({ id, amount }) => call([id, 'a'], { draws: [...draw(id, amount), ...draw('a', amount)] })),
    );
    const admitted = taking.filter((_taken, i) => admissions[i]!.admitted);
    const sumOf = (id?: string) =>
      admitted.filter((taken) => id === undefined || taken.id === id).reduce((sum, { amount }) => sum + amount, 0);
    const countOf = (id: string) => admitted.filter((taken) => taken.id === id).length;

    expect(admitted).toHaveLength(40);
    expect(admissions.at(-1)).toEqual({ admitted: false, because: 'over_budget' });
    const expected = {
      a: { 'effect:write': 40, 'sum:0': sumOf() },
      b: { 'effect:write': countOf('b'), 'sum:0': sumOf('b') },
      c: { 'effect:write': countOf('c'), 'sum:0': sumOf('c') },
    };
    const now = () => Object.fromEntries(['a', 'b', 'c'].map((id) => [id, counters(id)]));
    expect(now()).toEqual(expected);
    expect([used('a'), subject.store.size()]).toEqual([40, 40]);
    await subject.reopen();
    expect(now()).toEqual(expected);
  });

  it('takes nothing from any counter when one of them does not hold it', async () => {
    await subject.store.createTask(taskFixture({ id: 'a', budget: BUDGET }), []);
    expect(await call(['a'], { draws: draw('a', 100_001) })).toEqual({ admitted: false, because: 'over_budget' });
    const unknown = [...draw('a', 1), { task: 'a', counter: 'effect:read', amount: 1 }];
    expect(await call(['a'], { draws: unknown })).toEqual({ admitted: false, because: 'over_budget' });
    await expect(call(['a'], { draws: draw('b', 1) })).rejects.toThrow('chain');
    expect([used('a'), counters('a')]).toEqual([0, { 'effect:write': 0, 'sum:0': 0 }]);
    await subject.reopen();
    expect([used('a'), counters('a'), subject.store.size()]).toEqual([0, { 'effect:write': 0, 'sum:0': 0 }, 0]);
  });

  it('gives back what was taken at every level, with its record, and never more than that', async () => {
    await subject.store.createTask(taskFixture({ id: 'a', budget: BUDGET }), []);
    await subject.store.createTask(taskFixture({ id: 'b', parent: 'a' }), []);
    const taken = { chain: ['b', 'a'], counted: true, draws: draw('a', 60_000) };
    expect(await call(['b', 'a'], taken)).toEqual({ admitted: true });
    expect(await call(['b', 'a'], taken)).toEqual({ admitted: false, because: 'over_budget' });
    await subject.store.giveBack(taken, [recordFixture('rec_back', 'back')]);
    expect([used('b'), used('a'), counters('a')]).toEqual([0, 0, { 'effect:write': 0, 'sum:0': 0 }]);
    expect(subject.notes().at(-1)).toBe('back');

    await expect(subject.store.giveBack(taken, [recordFixture('rec_twice', 'twice')])).rejects.toThrow();
    await subject.reopen();
    expect([used('b'), used('a'), counters('a')]).toEqual([0, 0, { 'effect:write': 0, 'sum:0': 0 }]);
    expect(subject.notes()).toEqual(['call b', 'back']);
  });

  it('keeps what was taken over a restart, until it is given back', async () => {
    await subject.store.createTask(taskFixture({ id: 'a', budget: BUDGET }), []);
    const taken = { chain: ['a'], counted: true, draws: draw('a', 1) };
    await call(['a'], taken);
    await subject.reopen();
    expect([used('a'), counters('a')]).toEqual([1, { 'effect:write': 1, 'sum:0': 1 }]);
    await subject.store.endTask({ id: 'a', to: 'revoked', at: NOW, reason: 'stop' }, () => []);
    await subject.store.giveBack(taken, []);
    expect([used('a'), counters('a')]).toEqual([0, { 'effect:write': 0, 'sum:0': 0 }]);
  });

  it('refuses a chain with a level left out', async () => {
    await subject.store.createTask(taskFixture({ id: 'a' }), []);
    await subject.store.createTask(taskFixture({ id: 'b', parent: 'a' }), []);
    await expect(call(['b'])).rejects.toThrow('chain');
    await expect(call(['a', 'b'])).rejects.toThrow('chain');
    expect([used('a'), used('b'), subject.store.size()]).toEqual([0, 0, 0]);
  });

  it('takes nothing when the record cannot be written', async () => {
    await subject.store.createTask(taskFixture(), [recordFixture('rec_taken', 'create')]);
    const id = await approved();
    const request = { chain: ['task_1'], counted: true, approval: id };
    await expect(subject.store.admit(request, [recordFixture('rec_taken')])).rejects.toThrow();
    expect(used('task_1')).toBe(0);
    expect(subject.store.approval(id)?.state).toBe('approved');
    expect(await call(['task_1'], { approval: id })).toEqual({ admitted: true });
    expect(subject.notes()).toEqual(['create', 'call task_1']);
  });

  it('lets one of twenty redeemers spend an approval', async () => {
    await subject.store.createTask(taskFixture({ budget: { calls: 100 } }), []);
    const id = await approved();
    const admissions = await Promise.all(Array.from({ length: 20 }, () => call(['task_1'], { approval: id })));
    expect(admissions.filter(({ admitted }) => admitted)).toHaveLength(1);
    expect(admissions.at(-1)).toEqual({ admitted: false, because: 'approval_spent' });
    expect(subject.store.approval(id)?.state).toBe('spent');
    expect(subject.store.givenApproval('task_1', 'sha256:00', NOW)).toBeUndefined();
    expect([used('task_1'), subject.store.size()]).toEqual([1, 1]);
    await subject.reopen();
    expect(await call(['task_1'], { approval: id })).toEqual({ admitted: false, because: 'approval_spent' });
  });

  it('spends no approval that is unknown, unanswered, refused, expired, or of another task', async () => {
    const spent = { admitted: false, because: 'approval_spent' };
    await subject.store.createTask(taskFixture(), []);
    await subject.store.createTask(taskFixture({ id: 'other' }), []);
    await subject.store.requestApproval(approvalFixture({ id: 'pending', digest: '1' }), () => []);
    await subject.store.requestApproval(approvalFixture({ id: 'refused', digest: '2' }), () => []);
    await subject.store.answerApproval({ id: 'refused', to: 'refused', by: bob, at: NOW }, []);
    const expired = await approved({ id: 'expired', digest: '3' });
    for (const approval of ['unknown', 'pending', 'refused']) {
      expect(await call(['task_1'], { approval })).toEqual(spent);
    }
    expect(await call(['other'], { approval: expired })).toEqual(spent);
    expect(await call([], { approval: expired })).toEqual(spent);
    subject.at(NOW + 5 * MINUTE);
    expect(await call(['task_1'], { approval: expired })).toEqual(spent);
    expect([used('task_1'), used('other'), subject.store.size()]).toEqual([0, 0, 0]);
  });

  it('orders an end, answers and calls of one moment: nothing follows the end', async () => {
    await subject.store.createTask(taskFixture({ id: 'a', budget: { calls: 100 } }), []);
    await subject.store.createTask(taskFixture({ id: 'b', parent: 'a', budget: { calls: 100 } }), []);
    const waiting = Array.from({ length: 6 }, (_, i) => `apr_${i}`);
    for (const id of waiting)
      await subject.store.requestApproval(approvalFixture({ id, task: 'b', digest: id }), () => []);

    const admissions = [];
    const answers = [];
    let ending;
    for (let i = 0; i < 12; i++) {
      admissions.push(call(['b', 'a']));
      if (i % 2 === 0) {
        const answer = { id: waiting[i / 2]!, to: 'approved', by: bob, at: NOW } as const;
        answers.push(subject.store.answerApproval(answer, [recordFixture(`rec_answer_${i}`, 'answer')]));
      }
      if (i === 5) {
        const end = { id: 'a', to: 'revoked', at: NOW, reason: 'stop' } as const;
        ending = subject.store.endTask(end, () => [recordFixture('rec_end', 'end')]);
      }
    }
    expect((await ending)?.outcome).toBe('ended');
    const admitted = (await Promise.all(admissions)).filter((admission) => admission.admitted).length;
    const answered = (await Promise.all(answers)).filter((answer) => answer === 'answered').length;

    const notes = subject.notes();
    expect(notes.at(-1)).toBe('end');
    expect(notes.filter((note) => note === 'call b')).toHaveLength(admitted);
    expect(notes.filter((note) => note === 'answer')).toHaveLength(answered);
    expect(used('b')).toBe(admitted);
    expect((await Promise.all(answers)).every((answer) => answer === 'answered' || answer === 'task_ended')).toBe(true);
    for (const id of waiting) {
      expect(subject.store.approval(id)?.state).toBe('closed');
      expect(await call(['b', 'a'], { approval: id })).toEqual({ admitted: false, because: 'task_ended' });
    }
  });
}
