import { expect, test } from 'vitest';
import type { Approval } from '../core/approval.ts';
import type { LogRecord } from '../core/record.ts';
import type { EventRecord } from '../core/record.ts';
import type { Task } from '../core/task.ts';
import type { Delegator } from '../core/party.ts';
import type { Store } from './ports.ts';

/** A store for one test, and a way to open what it left behind anew. */
export type OpenedStore = { store: Store; reopen: () => Promise<Store> };

/** Contract time: the clock that the adapter under test is opened with must say this. */
export const CONFORMANCE_NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

const alice: Delegator = { issuer: 'https://idp.example.test', subject: 'alice', groups: [] };
const bob: Delegator = { issuer: 'https://idp.example.test', subject: 'bob', groups: ['owners'] };

/** What every database adapter must do. Run it with a function that opens an empty store. */
export function storeConformance(open: () => Promise<OpenedStore>): void {
  test('a task is kept with its record, also after reopening', async () => {
    const { store, reopen } = await open();
    const task = sampleTask('task_1');
    expect(await store.createTask(task, [event('r1')])).toBe('created');
    expect(store.task('task_1')).toEqual(task);
    await store.close();
    const again = await reopen();
    expect(again.task('task_1')).toEqual(task);
    expect(again.chain('task_1')).toEqual([{ task, used: { calls: 0 } }]);
    expect(idsOf(again)).toEqual(['r1']);
    await again.close();
  });

  test('identifiers are compared byte for byte', async () => {
    const { store } = await open();
    for (const id of ['task_a', 'task_A', 'task_\u00e9', 'task_e\u0301', 'task_a ']) {
      await store.createTask({ ...sampleTask(id), purpose: id }, []);
    }
    for (const id of ['task_a', 'task_A', 'task_\u00e9', 'task_e\u0301', 'task_a ']) {
      expect(store.task(id)?.purpose).toBe(id);
    }
    expect(store.task('TASK_A')).toBeUndefined();
    await store.close();
  });

  test('a verb that fails changes neither state nor log, and spoils no other', async () => {
    const { store } = await open();
    const [good, bad, other] = await Promise.allSettled([
      store.createTask(sampleTask('task_1'), [event('r1')]),
      store.createTask(sampleTask('task_2'), [event('r2'), event('r1')]),
      store.createTask(sampleTask('task_3'), [event('r3')]),
    ]);
    expect([good?.status, bad?.status, other?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(store.task('task_2')).toBeUndefined();
    expect(idsOf(store)).toEqual(['r1', 'r3']);
    await store.close();
  });

  test('records stand in the log in the order in which their verbs took effect', async () => {
    const { store } = await open();
    await Promise.all(Array.from({ length: 200 }, (_, i) => store.append([event(`r${i}a`), event(`r${i}b`)])));
    expect(idsOf(store)).toEqual(Array.from({ length: 200 }, (_, i) => [`r${i}a`, `r${i}b`]).flat());
    expect(store.indexOf('r7b')).toBe(15);
    expect(store.indexOf('none')).toBeUndefined();
    await store.close();
  });

  test('INVARIANT 5: commits are announced with the size that is durable', async () => {
    const { store } = await open();
    const sizes: number[] = [];
    store.onCommit((size) => sizes.push(size));
    await store.append([event('r1')]);
    await store.append([event('r2'), event('r3')]);
    expect(sizes).toEqual([1, 3]);
    await store.close();
  });

  test('a budget is exact under a hundred callers at once', async () => {
    const { store, reopen } = await open();
    await store.createTask({ ...sampleTask('task_1'), budget: { calls: 10 } }, []);
    const admissions = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        store.admit({ chain: ['task_1'], counted: true, approval: null }, [event(`r${i}`)]),
      ),
    );
    expect(admissions.filter((admission) => admission.admitted)).toHaveLength(10);
    expect(admissions.filter((a) => !a.admitted).every((a) => a.because === 'over_budget')).toBe(true);
    expect(store.size()).toBe(10);
    expect(store.chain('task_1')[0]?.used.calls).toBe(10);
    await store.close();
    const again = await reopen();
    expect(again.chain('task_1')[0]?.used.calls).toBe(10);
    await again.close();
  });

  test("a call takes from every level's budget, or from none", async () => {
    const { store } = await open();
    await store.createTask({ ...sampleTask('root'), budget: { calls: 1 } }, []);
    await store.createTask({ ...sampleTask('child'), parent: 'root', budget: { calls: 5 } }, []);
    const admit = () => store.admit({ chain: ['child', 'root'], counted: true, approval: null }, []);
    expect(await admit()).toEqual({ admitted: true });
    expect(await admit()).toEqual({ admitted: false, because: 'over_budget' });
    expect(store.chain('child').map((view) => view.used.calls)).toEqual([1, 1]);
    await store.close();
  });

  test('twenty redeemers of one approval have one winner', async () => {
    const { store } = await open();
    await approved(store);
    const admissions = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.admit({ chain: ['task_1'], counted: true, approval: 'apr_1' }, [event(`r${i}`)]),
      ),
    );
    expect(admissions.filter((admission) => admission.admitted)).toHaveLength(1);
    expect(admissions.filter((a) => !a.admitted).every((a) => a.because === 'approval_spent')).toBe(true);
    expect(store.approval('apr_1')?.state).toBe('spent');
    expect(store.givenApproval('task_1', 'sha256:1', CONFORMANCE_NOW)).toBeUndefined();
    // The losers took nothing from the budget either.
    expect(store.chain('task_1')[0]?.used.calls).toBe(1);
    await store.close();
  });

  test('asking again for the same action gives the approval that waits', async () => {
    const { store } = await open();
    await store.createTask(sampleTask('task_1'), []);
    const [first, second, other] = await Promise.all([
      store.requestApproval(sampleApproval('apr_1'), (kept) => [event(`for-${kept.id}-1`)]),
      store.requestApproval(sampleApproval('apr_2'), (kept) => [event(`for-${kept.id}-2`)]),
      store.requestApproval({ ...sampleApproval('apr_3'), digest: 'sha256:2' }, (kept) => [event(`for-${kept.id}`)]),
    ]);
    expect([first?.id, second?.id, other?.id]).toEqual(['apr_1', 'apr_1', 'apr_3']);
    expect(idsOf(store)).toEqual(['for-apr_1-1', 'for-apr_1-2', 'for-apr_3']);
    expect(store.approvals({ state: 'pending', limit: 10 })).toHaveLength(2);
    await store.close();
  });

  test('an approval is answered once', async () => {
    const { store, reopen } = await open();
    await store.createTask(sampleTask('task_1'), []);
    await store.requestApproval(sampleApproval('apr_1'), () => []);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.answerApproval({ id: 'apr_1', to: i % 2 === 0 ? 'approved' : 'refused', by: bob, at: CONFORMANCE_NOW }, [
          event(`r${i}`),
        ]),
      ),
    );
    expect(answers.filter((answer) => answer === 'answered')).toHaveLength(1);
    expect(idsOf(store)).toEqual(['r0']);
    expect(store.givenApproval('task_1', 'sha256:1', CONFORMANCE_NOW)?.answeredBy).toEqual(bob);
    await store.close();
    const again = await reopen();
    expect(again.givenApproval('task_1', 'sha256:1', CONFORMANCE_NOW)?.answeredBy).toEqual(bob);
    await again.close();
  });

  test('an approval that was not answered in time cannot be, and one not used in time is none', async () => {
    const { store } = await open();
    await approved(store);
    await store.requestApproval({ ...sampleApproval('apr_2'), digest: 'sha256:2' }, () => []);
    const late = CONFORMANCE_NOW + 60_000;
    expect(await store.answerApproval({ id: 'apr_2', to: 'approved', by: bob, at: late }, [])).toBe('expired');
    expect(await store.answerApproval({ id: 'none', to: 'approved', by: bob, at: late }, [])).toBe('unknown');
    expect(store.givenApproval('task_1', 'sha256:1', late)).toBeUndefined();
    await store.close();
  });

  test('INVARIANT 6: the end of a task ends its descendants and closes their approvals, in one step', async () => {
    const { store, reopen } = await open();
    await store.createTask(sampleTask('root'), []);
    await store.createTask({ ...sampleTask('child'), parent: 'root' }, []);
    await store.createTask({ ...sampleTask('grandchild'), parent: 'child' }, []);
    await store.createTask(sampleTask('bystander'), []);
    await store.requestApproval({ ...sampleApproval('apr_1'), task: 'grandchild' }, () => []);
    const end = { id: 'root', to: 'completed' as const, at: CONFORMANCE_NOW, reason: 'done' };
    const result = await store.endTask(end, (ended) => [event(`ended-${ended.map((task) => task.id).join('-')}`)]);
    expect(result.outcome === 'ended' ? result.tasks.map((task) => [task.id, task.state]) : []).toEqual(
      [
        ['child', 'revoked'],
        ['grandchild', 'revoked'],
        ['root', 'completed'],
      ].toSorted((a, b) => (result.outcome === 'ended' ? order(result.tasks, a[0]!) - order(result.tasks, b[0]!) : 0)),
    );
    expect(await store.endTask(end, () => [event('never')])).toEqual({ outcome: 'already_ended' });
    expect(await store.endTask({ ...end, id: 'none' }, () => [event('never')])).toEqual({ outcome: 'unknown' });
    expect(await store.answerApproval({ id: 'apr_1', to: 'approved', by: bob, at: CONFORMANCE_NOW }, [])).toBe(
      'task_ended',
    );
    expect(await store.createTask({ ...sampleTask('late'), parent: 'child' }, [])).toBe('parent_ended');
    expect(store.task('bystander')?.state).toBe('active');
    expect(store.task('root')).toMatchObject({ state: 'completed', endReason: 'done', endedAt: CONFORMANCE_NOW });
    expect(idsOf(store).filter((id) => id.startsWith('ended-'))).toHaveLength(1);
    await store.close();
    const again = await reopen();
    expect(again.task('grandchild')?.state).toBe('revoked');
    expect(again.approval('apr_1')?.state).toBe('closed');
    await again.close();
  });

  test('INVARIANT 6: an end, admissions and an answer at one moment: nothing takes effect after the end', async () => {
    for (let round = 0; round < 20; round++) {
      const { store } = await open();
      await approved(store);
      await store.requestApproval({ ...sampleApproval('apr_2'), digest: 'sha256:2' }, () => []);
      const verbs = [
        ...Array.from(
          { length: 5 },
          (_, i) => () =>
            store
              .admit({ chain: ['task_1'], counted: true, approval: i === 0 ? 'apr_1' : null }, [event(`admit-${i}`)])
              .then((admission) => admission.admitted),
        ),
        () =>
          store
            .answerApproval({ id: 'apr_2', to: 'approved', by: bob, at: CONFORMANCE_NOW }, [event('answer')])
            .then((answer) => answer === 'answered'),
      ];
      verbs.splice(round % 7, 0, () =>
        store
          .endTask({ id: 'task_1', to: 'revoked', at: CONFORMANCE_NOW, reason: 'x' }, () => [event('end')])
          .then((result) => result.outcome === 'ended'),
      );
      await Promise.all(verbs.map((verb) => verb()));
      expect(idsOf(store).at(-1)).toBe('end');
      await store.close();
    }
  });

  test('lists are filtered and paged, newest first', async () => {
    const { store } = await open();
    for (let i = 0; i < 5; i++) {
      await store.createTask({ ...sampleTask(`task_${i}`), createdAt: CONFORMANCE_NOW + i }, []);
    }
    await store.createTask({ ...sampleTask('other'), delegator: bob, createdAt: CONFORMANCE_NOW + 9 }, []);
    const page = store.tasks({ delegator: alice, limit: 2 });
    expect(page.map((task) => task.id)).toEqual(['task_4', 'task_3']);
    expect(store.tasks({ delegator: alice, limit: 9, after: 'task_3' }).map((task) => task.id)).toEqual([
      'task_2',
      'task_1',
      'task_0',
    ]);
    expect(store.tasks({ agent: 'spiffe://x.test/none', limit: 9 })).toEqual([]);
    expect(store.overdue(CONFORMANCE_NOW + 3_600_000)).toHaveLength(6);
    expect(store.overdue(CONFORMANCE_NOW)).toEqual([]);
    await store.close();
  });

  test('INVARIANT 12: a definition is pinned at first sight, quarantined when it changes, accepted by digest', async () => {
    const { store, reopen } = await open();
    const see = (digest: string) =>
      store.observeDefinition(
        { target: 't', operation: 'o', digest, definition: `{"v":"${digest}"}`, at: CONFORMANCE_NOW },
        (verdict) => [event(`${verdict}-${digest}`)],
      );
    expect(await see('d1')).toBe('pinned');
    expect(await see('d1')).toBe('unchanged');
    expect(await see('d2')).toBe('changed');
    expect(await see('d2')).toBe('changed');
    expect(idsOf(store)).toEqual(['pinned-d1', 'changed-d2']);
    expect(store.definition('t', 'o')).toMatchObject({ digest: 'd1', quarantined: { digest: 'd2' } });
    const accept = (digest: string) =>
      store.acceptDefinition({ target: 't', operation: 'o', digest }, [event(`ok-${digest}`)]);
    expect(await accept('d3')).toBe('other_digest');
    expect(await accept('d2')).toBe('accepted');
    expect(await accept('d2')).toBe('not_quarantined');
    expect(await see('d2')).toBe('unchanged');
    await store.close();
    const again = await reopen();
    expect(again.definitions('t')).toEqual([{ target: 't', operation: 'o', digest: 'd2', definition: '{"v":"d2"}' }]);
    await again.close();
  });

  test('a policy set is kept once under its hash', async () => {
    const { store } = await open();
    await store.keepPolicySet('h', { 'a.cedar': 'x' }, [event('r1')]);
    await store.keepPolicySet('h', { 'a.cedar': 'x' }, [event('r2')]);
    expect(store.policySet('h')).toEqual({ 'a.cedar': 'x' });
    expect(idsOf(store)).toEqual(['r1']);
    await store.close();
  });

  test('a closed store takes nothing more', async () => {
    const { store } = await open();
    const last = store.append([event('r1')]);
    await store.close();
    await expect(last).resolves.toBeUndefined();
    await expect(store.append([event('r2')])).rejects.toMatchObject({ code: 'unavailable' });
  });
}

function order(tasks: readonly Task[], id: string): number {
  return tasks.findIndex((task) => task.id === id);
}

function sampleTask(id: string): Task {
  return {
    id,
    parent: null,
    delegator: alice,
    agent: { id: 'spiffe://x.test/agent' as Task['agent']['id'], trustDomain: 'x.test' },
    purpose: 'test',
    parameters: {},
    grant: [],
    sensitivity: 'internal',
    origin: { channel: 'api', trust: 'authenticated' },
    window: { notBefore: CONFORMANCE_NOW, expiresAt: CONFORMANCE_NOW + 3_600_000 },
    budget: { calls: 100 },
    maxHops: 3,
    state: 'active',
    createdAt: CONFORMANCE_NOW,
  };
}

function sampleApproval(id: string): Approval {
  return {
    id,
    digest: 'sha256:1',
    task: 'task_1',
    approvers: ['owners'],
    requester: { agent: 'spiffe://x.test/agent', delegator: alice },
    card: {
      target: 't',
      operation: 'o',
      effect: 'write',
      resources: [],
      arguments: {},
      purpose: 'test',
      chain: [],
      reasons: [],
    },
    policySet: 'p',
    state: 'pending',
    createdAt: CONFORMANCE_NOW,
    expiresAt: CONFORMANCE_NOW + 60_000,
  };
}

async function approved(store: Store): Promise<void> {
  await store.createTask(sampleTask('task_1'), []);
  await store.requestApproval(sampleApproval('apr_1'), () => []);
  await store.answerApproval({ id: 'apr_1', to: 'approved', by: bob, at: CONFORMANCE_NOW }, []);
}

function event(id: string): EventRecord {
  return { version: 1, id, time: CONFORMANCE_NOW, kind: 'event', event: 'process.started', subject: {} };
}

function idsOf(store: Store): string[] {
  return store.entries(0, 10_000).map(({ entry }) => (JSON.parse(entry) as LogRecord).id);
}
