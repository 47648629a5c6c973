import { afterEach, beforeEach, expect, test } from 'vitest';
import fc from 'fast-check';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  sampleApproval,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { moved, type LeaseEnd } from '../core/lease.ts';
import type { WorkKind } from '../gateway/live.ts';
import { leaseFixture } from '../store/conformance/fixture.ts';

let plane: ControlPlane;
let alice: Session;
let agent: Session;
let task: string;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  agent = await agentSession(plane);
  task = (await requestTask(alice, { max_hops: 2 })).id;
});
afterEach(() => plane.close());

const HOP = { agent: OTHER_AGENT, purpose: 'read', grant: [{ target: 'files', effects: ['read'] }] };

async function hop(): Promise<string> {
  return ((await (await agent.call('POST', `/v1/tasks/${task}/hops`, HOP)).json()) as { id: string }).id;
}

async function exchange(id = task): Promise<Response> {
  return agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, id),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: 'https://remit.example.test/mcp/files',
  });
}

function work(kind: WorkKind, id: string): () => string[] {
  const cut: string[] = [];
  plane.live.attach({ taskId: task, kind, id, target: 'files' }, (reason) => cut.push(reason));
  return () => cut;
}

/** Each makes one thing of the task, and gives its id and whether it has ended. */
const CASCADE: Record<string, () => Promise<{ id: string; ended: () => boolean }>> = {
  tasks: async () => {
    const id = await hop();
    return { id, ended: () => plane.store.task(id)?.state === 'revoked' };
  },
  approvals: async () => {
    await plane.store.requestApproval(sampleApproval(task, plane.clock.now()), () => []);
    return { id: 'apr_1', ended: () => plane.store.approval('apr_1')?.state === 'closed' };
  },
  tokens: async () => {
    expect((await exchange()).status).toBe(200);
    const [id] = plane.store.tokensOf(task, plane.clock.now());
    return { id: id!, ended: () => plane.store.isTokenRevoked(id!) };
  },
  calls: async () => {
    const cut = work('call', 'req_1');
    return { id: 'req_1', ended: () => cut().length === 1 };
  },
  streams: async () => {
    const cut = work('stream', 'req_2');
    return { id: 'req_2', ended: () => cut().length === 1 };
  },
  sessions: async () => {
    const cut = work('session', 'mcp_1');
    return { id: 'mcp_1', ended: () => cut().length === 1 };
  },
  leases: async () => {
    const lease = leaseFixture({ task, target: 'files', id: 'lse_1' });
    await plane.store.admit({ chain: [task], counted: false, approval: null, lease }, []);
    const end: LeaseEnd = { by: 'call', operation: 'delete_key', arguments: { id: 'key-1' }, gone: [] };
    const held = moved(lease, 'held', { identifier: 'key-1', end });
    await plane.store.saveLease({ lease: held, from: ['intended'] }, []);
    const deleted: unknown[] = [];
    plane.caller.open = async () => ({
      call: async (operation, args) => {
        deleted.push([operation, args]);
        return { said: 'done', answer: {} };
      },
      close: async () => {},
    });
    return { id: 'lse_1', ended: () => deleted.length === 1 && plane.store.lease('lse_1')?.state === 'revoked' };
  },
  processes: async () => {
    const cut = work('upstream', 'files');
    await plane.store.processStarted({ id: 'files:7', pid: 7, birth: 'then', task });
    return {
      id: 'files:7',
      ended: () => {
        // The gateway's part: whoever was told to end it says so when it has gone.
        if (cut().length === 1) void plane.store.processGone('files:7');
        return cut().length === 1;
      },
    };
  },
};

test.each(Object.keys(CASCADE))('the end of a task ends its %s, and the closing names them', async (kind) => {
  const { id, ended } = await CASCADE[kind]!();
  expect(ended()).toBe(false);
  expect((await alice.call('POST', `/v1/tasks/${task}/complete`)).status).toBe(200);
  // What is in this process, and what the step of the end covers, has ended by then.
  if (kind !== 'tokens' && kind !== 'leases') expect(ended()).toBe(true);
  await plane.closer.settled();
  expect(ended()).toBe(true);
  const shown = (await (await alice.call('GET', `/v1/tasks/${task}`)).json()) as { closing: unknown };
  expect(shown.closing).toMatchObject({
    cause: 'completed',
    complete: true,
    ended: { [kind]: { count: 1, ids: [id] } },
    outstanding: {},
  });
  expect(
    plane
      .records()
      .find((record) => record.kind === 'event' && record.event === 'task.closed' && record.subject['task'] === task),
  ).toMatchObject({
    subject: { complete: true, ended: { [kind]: { count: 1, ids: [id] } } },
  });
});

test('INVARIANT 6: an end beats an approval and a spending of it, a hop and an exchange of the same moment: twenty times over', async () => {
  const bob = await personSession(plane, 'bob');
  for (let round = 0; round < 20; round++) {
    task = (await requestTask(alice, { max_hops: 1 })).id;
    const approvals = [`apr_a${round}`, `apr_b${round}`];
    for (const [n, id] of approvals.entries()) {
      const digest = `sha256:${round}${n}`;
      await plane.store.requestApproval(sampleApproval(task, plane.clock.now(), { id, digest }), () => []);
    }
    const subject = await subjectToken(agent, task);
    const svid = await plane.svid(SUMMARISER);
    const answer = (id: string) => bob.call('POST', `/v1/approvals/${id}/approve`);
    const acts: (() => Promise<unknown>)[] = [
      () => alice.call('POST', `/v1/tasks/${task}/complete`),
      () => answer(approvals[0]!),
      () => answer(approvals[1]!),
      () => plane.store.admit({ chain: [task], counted: true, approval: approvals[0]! }, []),
      () => agent.call('POST', `/v1/tasks/${task}/hops`, HOP),
      () =>
        agent.token({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: subject,
          subject_token_type: 'urn:remit:params:oauth:token-type:task',
          actor_token: svid,
          actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          resource: 'https://remit.example.test/mcp/files',
        }),
    ];
    const turn = round % acts.length;
    await Promise.all([...acts.slice(turn), ...acts.slice(0, turn)].map((act) => act()));
    await plane.closer.settled();
    expect(plane.store.tree(task, 10).filter(({ task: { state } }) => state === 'active')).toEqual([]);
    for (const id of approvals) expect(['closed', 'spent']).toContain(plane.store.approval(id)?.state);
    expect(plane.store.tokensOf(task, plane.clock.now())).toEqual([]);
    expect(await plane.store.admit({ chain: [task], counted: true, approval: null }, [])).toMatchObject({
      because: 'task_ended',
    });
    for (const { task: each } of plane.store.tree(task, 10)) {
      expect(plane.store.closing(each.id)).toMatchObject({ outstanding: {}, completeAt: expect.any(Number) });
    }
  }
  expect(plane.faults).toEqual([]);
});

test('a revoked token of a task that has ended comes as far as the decision, which denies it and records what was tried', async () => {
  const { access_token: token } = (await (await exchange()).json()) as { access_token: string };
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  const request = async () => ({
    method: 'POST',
    url: 'https://remit.example.test/mcp/files',
    headers: new Headers({
      authorization: `DPoP ${token}`,
      dpop: await agent.proof({ method: 'POST', url: 'https://remit.example.test/mcp/files', accessToken: token }),
    }),
  });
  const audience = 'https://remit.example.test/mcp/files';
  const caller = await plane.parts.authenticator.authenticate(await request(), audience);
  expect(caller.taskId).toBe(task);
  expect(plane.store.isTokenRevoked(caller.token.id)).toBe(true);
});

test('an idle task ends by itself, as expired, and says why; one that is used, or has a call in flight, does not', async () => {
  const used = (await requestTask(alice, { lifetime_seconds: 3600 })).id;
  const busy = (await requestTask(alice, { lifetime_seconds: 3600, max_hops: 1 })).id;
  const idle = (await requestTask(alice, { lifetime_seconds: 3600 })).id;
  const child = (await (await agent.call('POST', `/v1/tasks/${busy}/hops`, HOP)).json()) as { id: string };
  plane.live.attach({ taskId: child.id, kind: 'call', id: 'req_1', target: 'files' }, () => {});
  plane.clock.advance(899_000);
  await plane.store.admit({ chain: [used], counted: true, approval: null }, []);
  expect(await plane.lifecycle.endIdle()).toEqual([]);
  plane.clock.advance(2_000);
  expect((await plane.lifecycle.endIdle()).map(({ id }) => id).toSorted()).toEqual([idle, task].toSorted());
  await plane.closer.settled();
  expect(plane.store.task(idle)).toMatchObject({ state: 'expired', endReason: 'it was not used for 15 minutes' });
  expect(plane.store.closing(idle)).toMatchObject({ cause: 'idle', by: null });
  expect([used, busy, child.id].map((id) => plane.store.task(id)?.state)).toEqual(['active', 'active', 'active']);
});

test('revocation is monotone: whatever comes after an end, in whatever order, nothing is permitted under it again', async () => {
  const bob = await personSession(plane, 'bob');
  let round = 0;
  const acts: Record<string, (id: string) => Promise<unknown>> = {
    complete: (id) => alice.call('POST', `/v1/tasks/${id}/complete`),
    revoke: (id) => alice.call('POST', `/v1/tasks/${id}/revoke`, { reason: 'again' }),
    hop: (id) => agent.call('POST', `/v1/tasks/${id}/hops`, HOP),
    approve: (id) => bob.call('POST', `/v1/approvals/apr_${id}/approve`),
    expire: () => plane.lifecycle.expireOverdue(),
    idle: () => plane.lifecycle.endIdle(),
    sweep: async () => plane.closer.sweep(),
    suspend: () => plane.parts.suspensions.begin(SUSPENSION, []),
    resume: () => plane.store.resume(SUSPENSION, []),
    request: () => requestTask(alice).catch(() => null),
  };
  const SUSPENSION = { kind: 'trust_domain', id: 'ci.example.test', since: 0, by: 'carol', reason: 'x' } as const;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...Object.keys(acts)), { minLength: 1, maxLength: 8 }), async (names) => {
      const { id } = await requestTask(alice, { max_hops: 1 });
      const digest = `sha256:m${++round}`;
      await plane.store.requestApproval(sampleApproval(id, plane.clock.now(), { id: `apr_${id}`, digest }), () => []);
      let ended = false;
      for (const name of names) {
        await acts[name]!(id);
        const admission = await plane.store.admit({ chain: [id], counted: false, approval: null }, []);
        if (ended) expect(admission.admitted).toBe(false);
        ended ||= !admission.admitted;
      }
      await plane.store.resume(SUSPENSION, []);
    }),
    { numRuns: 40 },
  );
});
