import { beforeEach, expect, it } from 'vitest';
import type { SettledDelivery } from '../ports.ts';
import { approvalFixture, bob, MINUTE, NOW, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

export function webhookConformance(open: OpenStore): void {
  const subject = useStore(open);
  beforeEach(async () => {
    await subject.store.createTask(taskFixture(), []);
    for (const n of [1, 2]) {
      const change = { id: `apr_${n}`, digest: `${n}`, createdAt: NOW + n };
      await subject.store.requestApproval(approvalFixture(change), () => []);
    }
  });
  const due = (now = NOW, endpoint = 'chat', limit = 9) =>
    subject.store
      .dueDeliveries(endpoint, now, limit)
      .map(({ approval, event, attempts }) => `${approval} ${event.replace('approval.', '')} ${attempts}`);
  const settle = (approval: string, change: Partial<SettledDelivery> = {}) =>
    subject.store.settleDelivery({
      endpoint: 'chat',
      approval,
      event: 'approval.requested',
      attempts: 1,
      state: 'delivered',
      nextAt: 0,
      problem: null,
      ...change,
    });
  const answer = (id: string) => subject.store.answerApproval({ id, to: 'refused', by: bob, at: NOW }, []);

  it('has what waits due, the oldest first, until it was taken, for each endpoint by itself', async () => {
    expect(due()).toEqual(['apr_1 requested 0', 'apr_2 requested 0']);
    expect(due(NOW, 'chat', 1)).toEqual(['apr_1 requested 0']);
    await settle('apr_1');
    expect(due()).toEqual(['apr_2 requested 0']);
    expect(due(NOW, 'other')).toHaveLength(2);
    await subject.reopen();
    expect(due()).toEqual(['apr_2 requested 0']);
  });

  it('has what failed due again at its time, over a restart, and not what was given up or is for others', async () => {
    await settle('apr_1', { state: 'retry', attempts: 3, nextAt: NOW + 1000, problem: 'status 500' });
    await settle('apr_2', { state: 'given_up' });
    await subject.reopen();
    expect(due(NOW + 999)).toEqual([]);
    expect(due(NOW + 1000)).toEqual(['apr_1 requested 3']);
    await settle('apr_1', { state: 'skipped' });
    expect(due(NOW + 1000)).toEqual([]);
  });

  it('has what nobody was told of not due once it is over', async () => {
    await answer('apr_1');
    expect(due()).toEqual(['apr_2 requested 0']);
    expect(due(NOW + 5 * MINUTE)).toEqual([]);
  });

  it('tells the end of what was told, once', async () => {
    await settle('apr_1');
    await settle('apr_2');
    expect(due()).toEqual([]);
    await answer('apr_1');
    expect(due()).toEqual(['apr_1 resolved 0']);
    await settle('apr_1', { event: 'approval.resolved', state: 'retry', attempts: 1, nextAt: NOW + 10 });
    expect(due(NOW + 9)).toEqual([]);
    expect(due(NOW + 10)).toEqual(['apr_1 resolved 1']);
    await settle('apr_1', { event: 'approval.resolved', attempts: 2 });
    expect(due(NOW + 10)).toEqual([]);
    expect(due(NOW + 5 * MINUTE)).toEqual(['apr_2 resolved 0']);
  });
}
