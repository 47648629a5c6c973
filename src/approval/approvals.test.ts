import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  sampleApproval,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import type { Approval } from '../core/approval.ts';

let plane: ControlPlane;
let alice: Session;
let bob: Session;
let task: string;
let asked: number;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  bob = await personSession(plane, 'bob');
  task = (await requestTask(alice)).id;
  asked = 0;
});
afterEach(() => plane.close());

/** What the gateway leaves behind when it holds a call. */
async function ask(overrides: Partial<Approval> = {}): Promise<Approval> {
  const now = plane.clock.now() + asked++;
  const own = { id: `apr_${asked}`, digest: `sha256:${String(asked).padStart(64, '0')}` };
  const approval = sampleApproval(task, now, { ...own, ...overrides });
  return plane.store.requestApproval(approval, () => []);
}

const approve = (session: Session, id: string) => session.call('POST', `/v1/approvals/${id}/approve`);
const refuse = (session: Session, id: string) => session.call('POST', `/v1/approvals/${id}/refuse`);

async function listed(session: Session, query = ''): Promise<string[]> {
  const response = await session.call('GET', `/v1/approvals${query}`);
  return ((await response.json()) as { approvals: { id: string }[] }).approvals.map(({ id }) => id);
}

describe('answering', () => {
  test('an approver says yes; answer and record are one', async () => {
    const { id, digest } = await ask();
    const response = await approve(bob, id);
    expect(await response.json()).toMatchObject({
      id,
      state: 'approved',
      answered_by: 'https://idp.example.test|bob',
      operation: 'write_file',
      arguments: { path: 'out/summary.md', content: 'all is well' },
    });
    expect(plane.store.givenApproval(task, digest, plane.clock.now())?.id).toBe(id);
    expect(plane.records().at(-1)).toMatchObject({
      kind: 'decision',
      action: {
        operation: 'approval.answer',
        resources: [`approval:${id}`],
        arguments: { answer: 'approved', digest },
      },
      decision: { outcome: 'permit' },
      delegator: { subject: 'bob' },
    });
  });

  test('an approver says no', async () => {
    const { id, digest } = await ask();
    expect(await (await refuse(bob, id)).json()).toMatchObject({ state: 'refused' });
    expect(plane.store.givenApproval(task, digest, plane.clock.now())).toBeUndefined();
  });

  test('INVARIANT 8: the delegator of the task cannot, though named as an approver', async () => {
    const { id } = await ask({ approvers: ['staff'] });
    const response = await approve(alice, id);
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { detail: expect.stringContaining('another') },
    ]);
    expect(plane.store.approval(id)?.state).toBe('pending');
    expect(plane.records().at(-1)).toMatchObject({ event: 'request.refused', subject: { approval: id } });
  });

  test('INVARIANT 8: no agent can', async () => {
    const { id } = await ask({ approvers: [SUMMARISER] });
    expect((await approve(await agentSession(plane), id)).status).toBe(403);
    expect((await approve(await agentSession(plane, OTHER_AGENT), id)).status).toBe(404);
    expect(plane.store.approval(id)?.state).toBe('pending');
  });

  test('who is not asked does not learn of it', async () => {
    const { id } = await ask();
    const carol = await personSession(plane, 'carol');
    for (const response of [await approve(carol, id), await carol.call('GET', `/v1/approvals/${id}`)]) {
      expect(response.status).toBe(404);
    }
  });

  test('every entry must be satisfied by the one who answers', async () => {
    const { id } = await ask({ approvers: ['note-owners', 'security'] });
    expect((await approve(bob, id)).status).toBe(404);
    expect(plane.store.approval(id)?.state).toBe('pending');
  });

  test('of twenty answers at once, one wins', async () => {
    const { id } = await ask();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? approve : refuse)(bob, id)));
    expect(Map.groupBy(answers, ({ status }) => status).get(200)).toHaveLength(1);
    expect(Map.groupBy(answers, ({ status }) => status).get(409)).toHaveLength(19);
  });

  test('an expired one is not answered', async () => {
    const { id } = await ask();
    plane.clock.advance(299_000 + 2_000);
    const late = await personSession(plane, 'bob');
    const response = await approve(late, id);
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { detail: expect.stringContaining('expired') },
    ]);
  });

  test('the end of the task comes first', async () => {
    const { id, digest } = await ask();
    await alice.call('POST', `/v1/tasks/${task}/complete`);
    expect((await approve(bob, id)).status).toBe(409);
    expect(plane.store.givenApproval(task, digest, plane.clock.now())).toBeUndefined();
  });

  test('an unknown one', async () => {
    expect((await approve(bob, 'apr_unknown')).status).toBe(404);
  });
});

describe('showing', () => {
  test('lists what the asker could answer or has asked for, newest first', async () => {
    const [first, second] = [await ask(), await ask({ approvers: ['security'] })];
    expect(await listed(bob)).toEqual([first.id]);
    expect(await listed(alice)).toEqual([second.id, first.id]);
    expect((await (await agentSession(plane)).call('GET', '/v1/approvals')).status).toBe(403);
    expect(await listed(await personSession(plane, 'dan'))).toEqual([]);
  });

  test('what is for others does not push one’s own out of the page', async () => {
    const own = await ask();
    for (let i = 0; i < 5; i++) await ask({ approvers: ['security'] });
    expect(await listed(bob, '?limit=1')).toEqual([own.id]);
  });

  test('by state, where what is over has expired', async () => {
    const [old, answered] = [await ask({ expiresAt: plane.clock.now() + 1000 }), await ask()];
    await approve(bob, answered.id);
    plane.clock.advance(2000);
    expect(await listed(bob, '?state=pending')).toEqual([]);
    expect(await listed(bob, '?state=expired')).toEqual([old.id]);
    expect(await listed(bob, '?state=approved')).toEqual([answered.id]);
    expect((await bob.call('GET', '/v1/approvals?state=none')).status).toBe(400);
  });

  test('shows every argument, purpose, chain and reason', async () => {
    const { id } = await ask();
    expect(await (await bob.call('GET', `/v1/approvals/${id}`)).json()).toMatchObject({
      target: 'files',
      operation: 'write_file',
      effect: 'write',
      resources: ['file:out/summary.md'],
      arguments: { path: 'out/summary.md', content: 'all is well' },
      purpose: 'summarise the notes',
      chain: [{ task, agent: SUMMARISER }],
      reasons: ['an owner must agree'],
      requester: { agent: SUMMARISER, delegator: 'https://idp.example.test|alice' },
    });
  });
});
