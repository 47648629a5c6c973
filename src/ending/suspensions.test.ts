import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  PEOPLE,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  taskBody,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';

let plane: ControlPlane;
let alice: Session;
let carol: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  carol = await personSession(plane, 'carol');
});
afterEach(() => plane.close());

type Body = { detail?: string; ended?: number; suspensions?: { kind: string; id: string; reason: string }[] };
async function post(path: string, body: object, session = carol): Promise<[status: number, body: Body]> {
  const response = await session.call('POST', path, body);
  return [response.status, (await response.json()) as Body];
}
const suspend = (named: object, session = carol) =>
  post('/v1/suspensions', { reason: 'an incident', ...named }, session);
const resume = (named: object, session = carol) =>
  post('/v1/suspensions/resume', { reason: 'over', ...named }, session);
const request = (overrides: Record<string, unknown> = {}, session = alice) =>
  post('/v1/tasks', taskBody(overrides), session);
const last = () => plane.records().at(-1);

const HOP = { agent: OTHER_AGENT, purpose: 'read', grant: [{ target: 'files', effects: ['read'] }] };

describe('the kill switch', () => {
  test('ends every task, refuses tasks, hops and tokens with the reason, and leaves the way back open', async () => {
    const agent = await agentSession(plane);
    const { id } = await requestTask(alice, { max_hops: 2 });
    const hop = (await (await agent.call('POST', `/v1/tasks/${id}/hops`, HOP)).json()) as { id: string };
    const other = await requestTask(carol);

    expect(await suspend({ kind: 'everything' })).toMatchObject([200, { kind: 'everything', ended: 3 }]);
    for (const task of [id, hop.id, other.id]) expect(plane.store.task(task)?.state).toBe('revoked');
    await plane.closer.settled();
    expect(plane.store.closing(other.id)).toMatchObject({
      cause: 'everything',
      by: `${PEOPLE}|carol`,
      completeAt: expect.any(Number),
    });

    const [status, body] = await request();
    expect([status, body.detail]).toEqual([403, 'everything is stopped: an incident']);
    expect(last()).toMatchObject({
      action: { operation: 'task.create' },
      decision: { outcome: 'deny', reasons: [{ code: 'suspended', message: 'everything is stopped: an incident' }] },
      facts: { suspended: { kind: 'everything', by: `${PEOPLE}|carol`, reason: 'an incident' } },
    });
    await expect(agentSession(plane)).rejects.toThrow('everything is stopped');
    expect((await agent.call('POST', `/v1/tasks/${id}/hops`, HOP)).status).toBe(403);
    // Whoever has to deal with it can sign in, look, and end it.
    const again = await personSession(plane, 'carol');
    expect((await again.call('GET', `/v1/tasks/${id}`)).status).toBe(200);
    expect(await resume({ kind: 'everything' }, again)).toEqual([200, {}]);
    expect((await request())[0]).toBe(200);
    expect(plane.store.task(id)?.state).toBe('revoked');
  });

  test('is recorded in one step: the permit, the suspension, each end', async () => {
    const { id } = await requestTask(alice);
    const before = plane.store.size();
    await suspend({ kind: 'everything' });
    expect(plane.records().slice(before, before + 3)).toMatchObject([
      { kind: 'decision', action: { operation: 'access.stop', resources: ['everything'] } },
      {
        event: 'access.suspended',
        subject: { kind: 'everything', reason: 'an incident', by: `${PEOPLE}|carol`, tasks: 1 },
      },
      { event: 'task.ended', subject: { task: id, state: 'revoked', reason: 'an incident' } },
    ]);
  });

  test('holds although the store cannot take it, and says so; what is under way is cut', async () => {
    const { id } = await requestTask(alice);
    const cut: string[] = [];
    plane.live.attach({ taskId: id, kind: 'call', id: 'req_1', target: 'files' }, (reason) => cut.push(reason));
    const stored = plane.store.suspend.bind(plane.store);
    plane.store.suspend = () => Promise.reject(new Error('a full disk'));
    expect(await suspend({ kind: 'everything' })).toMatchObject([
      503,
      { detail: expect.stringContaining('could not be stored') },
    ]);
    expect(cut).toEqual(['an incident']);
    expect((await request())[0]).toBe(403);
    plane.store.suspend = stored;
    expect(await suspend({ kind: 'everything' })).toMatchObject([200, { ended: 1 }]);
    await plane.closer.settled();
    // What was cut before the end was durable is told of all the same.
    expect(plane.store.closing(id)?.ended).toEqual({ calls: ['req_1'] });
    expect(await resume({ kind: 'everything' })).toEqual([200, {}]);
    expect((await request())[0]).toBe(200);
  });

  test('a halt that was never stored is lifted by a resume', async () => {
    plane.store.suspend = () => Promise.reject(new Error('a full disk'));
    await suspend({ kind: 'everything' });
    expect(await resume({ kind: 'everything' })).toEqual([200, {}]);
    expect(last()).toMatchObject({ event: 'access.resumed' });
    expect((await request())[0]).toBe(200);
  });

  test('beats a request, a hop and a token exchange of the same moment: twenty times over', async () => {
    for (let round = 0; round < 20; round++) {
      const agent = await agentSession(plane);
      const { id } = await requestTask(alice, { max_hops: 1 });
      const subject = await subjectToken(agent, id);
      const svid = await plane.svid(SUMMARISER);
      const exchange = () =>
        agent.token({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: subject,
          subject_token_type: 'urn:remit:params:oauth:token-type:task',
          actor_token: svid,
          actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          resource: 'https://remit.example.test/mcp/files',
        });
      const acts = [
        () => suspend({ kind: 'everything' }),
        () => request(),
        () => agent.call('POST', `/v1/tasks/${id}/hops`, HOP),
        exchange,
      ];
      await Promise.all(
        acts
          .slice(round % 4)
          .concat(acts.slice(0, round % 4))
          .map((act) => act()),
      );
      expect(plane.store.live()).toEqual([]);
      await plane.closer.settled();
      expect(plane.store.tokensOf(id, plane.clock.now())).toEqual([]);
      expect((await resume({ kind: 'everything' }))[0]).toBe(200);
    }
    expect(plane.faults).toEqual([]);
  });
});

describe('one thing', () => {
  test('a delegator who is offboarded: tasks end, nothing new is taken, until reinstated', async () => {
    const { id } = await requestTask(alice);
    const kept = await requestTask(carol);
    // The subject alone is enough where there is one provider of people.
    expect(await suspend({ kind: 'delegator', id: 'alice' })).toMatchObject([200, { id: `${PEOPLE}|alice`, ended: 1 }]);
    expect([plane.store.task(id)?.state, plane.store.task(kept.id)?.state]).toEqual(['revoked', 'active']);
    expect(await request()).toMatchObject([403, { detail: expect.stringContaining('is suspended: an incident') }]);
    await expect(personSession(plane, 'alice')).rejects.toThrow('suspended');
    expect((await resume({ kind: 'delegator', id: `${PEOPLE}|alice` }))[0]).toBe(200);
    expect((await request())[0]).toBe(200);
  });

  test('a delegator who answers for agents: they are suspended, and their tasks end, whoever handed them out', async () => {
    const owned = { id: SUMMARISER, purpose: 'notes', owner: { issuer: PEOPLE, subject: 'alice' } };
    expect((await carol.call('POST', '/v1/agents', owned)).status).toBe(200);
    const { id } = await requestTask(carol);
    expect(await suspend({ kind: 'delegator', id: 'alice' })).toMatchObject([200, { ended: 1 }]);
    expect(plane.store.agent(SUMMARISER)?.state).toBe('suspended');
    expect(plane.store.closing(id)).toMatchObject({ cause: 'agent' });
    await resume({ kind: 'delegator', id: 'alice' });
    expect(plane.store.agent(SUMMARISER)?.state).toBe('suspended');
  });

  test('a trust domain: its tasks end, its agents get no token, nobody hands them anything', async () => {
    const agent = await agentSession(plane);
    const { id } = await requestTask(alice);
    expect(await suspend({ kind: 'trust_domain', id: 'remit.local' })).toMatchObject([200, { ended: 1 }]);
    expect(plane.store.closing(id)).toMatchObject({ cause: 'trust_domain' });
    expect((await agent.call('GET', '/v1/tasks')).status).toBe(403);
    expect((await request())[0]).toBe(403);
    await expect(agentSession(plane)).rejects.toThrow('suspended');
  });

  test('a target: what runs at it is cut, and tasks end that have no other', async () => {
    const alone = await requestTask(alice);
    const grant = [
      { target: 'files', effects: ['read'] },
      { target: 'memory', effects: ['read'] },
    ];
    const both = await requestTask(alice, { grant });
    const cut: string[] = [];
    for (const target of ['files', 'memory']) {
      plane.live.attach({ taskId: both.id, kind: 'call', id: target, target }, (reason) =>
        cut.push(`${target}: ${reason}`),
      );
    }
    expect(await suspend({ kind: 'target', id: 'files' })).toMatchObject([200, { ended: 1 }]);
    expect([plane.store.task(alone.id)?.state, plane.store.task(both.id)?.state]).toEqual(['revoked', 'active']);
    expect(cut).toEqual(['files: an incident']);
    expect((await request())[0]).toBe(403);
    expect((await request({ grant }))[0]).toBe(200);
  });
});

test('is decided by policy, and the four operations by themselves', async () => {
  for (const session of [alice, await agentSession(plane)]) {
    expect((await suspend({ kind: 'everything' }, session))[0]).toBe(403);
    expect((await suspend({ kind: 'target', id: 'files' }, session))[0]).toBe(403);
    expect((await resume({ kind: 'everything' }, session))[0]).toBe(403);
    expect((await session.call('GET', '/v1/suspensions')).status).toBe(403);
  }
  await plane.close();
  plane = await openControlPlane({
    policies: {
      'all.cedar': 'permit (principal, action, resource);',
      'stop.cedar': `forbid (principal, action in [Action::"remit:access.suspend", Action::"remit:access.resume"], resource)
        unless { resource == Resource::"remit:target:files" };`,
    },
  });
  carol = await personSession(plane, 'carol');
  expect((await suspend({ kind: 'target', id: 'files' }))[0]).toBe(200);
  expect((await suspend({ kind: 'target', id: 'memory' }))[0]).toBe(403);
  expect((await suspend({ kind: 'everything' }))[0]).toBe(200);
  expect((await resume({ kind: 'everything' }))[0]).toBe(403);
});

test.each<[what: string, named: object, status: number, detail: string]>([
  ['an unknown kind', { kind: 'tasks' }, 400, 'kind'],
  ['an unknown member', { kind: 'everything', now: true }, 400, 'now'],
  ['no reason', { kind: 'everything', reason: '' }, 400, 'reason'],
  ['an id of everything', { kind: 'everything', id: 'files' }, 400, 'everything has none'],
  ['a target without a name', { kind: 'target' }, 400, 'which target'],
  ['an unknown target', { kind: 'target', id: 'fiels' }, 400, '`fiels` is not a target'],
  ['an unknown trust domain', { kind: 'trust_domain', id: 'remit.locla' }, 400, 'not configured'],
  ['a person of nowhere', { kind: 'delegator', id: 'https://elsewhere.test|alice' }, 400, PEOPLE],
  ['nobody', { kind: 'delegator', id: `${PEOPLE}|` }, 400, 'ISSUER|SUBJECT'],
  ['an id that is no Unicode', { kind: 'delegator', id: '\ud800' }, 400, 'Unicode'],
  ['oneself', { kind: 'delegator', id: 'carol' }, 409, 'lock yourself out'],
])('%s is refused, and nothing is suspended', async (_what, named, status, detail) => {
  expect(await suspend(named)).toMatchObject([status, { detail: expect.stringContaining(detail) }]);
  expect(plane.store.suspensions()).toEqual([]);
  expect(plane.faults).toEqual([]);
});

test('twice is a conflict, as is resuming what is not suspended; the list says what is', async () => {
  await suspend({ kind: 'target', id: 'memory' });
  await suspend({ kind: 'everything' });
  expect(await suspend({ kind: 'target', id: 'memory' })).toMatchObject([
    409,
    { detail: '`memory` is suspended already' },
  ]);
  expect(await suspend({ kind: 'everything' })).toMatchObject([409, { detail: 'everything is stopped already' }]);
  const listed = (await (await carol.call('GET', '/v1/suspensions')).json()) as Body;
  expect(listed.suspensions?.map(({ kind, id }) => [kind, id])).toEqual([
    ['target', 'memory'],
    ['everything', 'everything'],
  ]);
  expect((await resume({ kind: 'everything' }))[0]).toBe(200);
  expect(await resume({ kind: 'everything' })).toMatchObject([409, { detail: 'nothing is stopped' }]);
  expect(await resume({ kind: 'target', id: 'files' })).toMatchObject([409, { detail: '`files` is not suspended' }]);
});
