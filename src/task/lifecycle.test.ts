import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  quickstartPolicies,
  requestTask,
  SUMMARISER,
  taskBody,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import type { DecisionRecord } from '../core/record.ts';
import type { Task } from '../core/task.ts';

type TaskWire = {
  id: string;
  state: string;
  subject_token?: string;
  not_before: string;
  expires_at: string;
  end_reason?: string;
};

let plane: ControlPlane;
let alice: Session;
let agent: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  agent = await agentSession(plane);
});
afterEach(() => plane.close());

async function show(session: Session, id: string) {
  const response = await session.call('GET', `/v1/tasks/${id}`);
  return { status: response.status, task: (await response.json()) as TaskWire };
}

async function status(response: Promise<Response>): Promise<number> {
  return (await response).status;
}

const complete = (session: Session, id: string) => session.call('POST', `/v1/tasks/${id}/complete`);
const revoke = (session: Session, id: string) =>
  session.call('POST', `/v1/tasks/${id}/revoke`, { reason: 'a mistake' });

describe('requesting what has to be approved', () => {
  const HELD = {
    ...quickstartPolicies(),
    'held.cedar': `@id("restricted-tasks") @approval("security") @reason("a second person agrees")
      forbid (principal, action == Action::"remit:task.create", resource) when { context.args.sensitivity == "restricted" };`,
  };
  const restricted = (more: Record<string, unknown> = {}) =>
    alice.call('POST', '/v1/tasks', taskBody({ sensitivity: 'restricted', lifetime_seconds: 120, ...more }));
  beforeEach(async () => {
    await plane.close();
    plane = await openControlPlane({ policies: HELD });
    alice = await personSession(plane, 'alice');
  });

  test('is held, and the same request makes the task once after a yes', async () => {
    const held = await restricted();
    const problem = (await held.json()) as { approval: string };
    const { approval } = problem;
    expect([held.status, problem]).toMatchObject([
      403,
      { access_request: { id: approval, status: 'pending', status_endpoint: expect.stringContaining(approval) } },
    ]);
    expect(plane.store.tasks({ limit: 9 })).toEqual([]);
    const carol = await personSession(plane, 'carol');
    expect(await (await carol.call('GET', `/v1/approvals/${approval}`)).json()).toMatchObject({
      task: null,
      operation: 'task.create',
      requester: { agent: null, delegator: 'https://idp.example.test|alice' },
      arguments: {
        agent: SUMMARISER,
        purpose: 'summarise the notes',
        sensitivity: 'restricted',
        lifetime_seconds: 120,
      },
    });
    expect((await alice.call('POST', `/v1/approvals/${approval}/approve`)).status).toBe(403);
    expect((await carol.call('POST', `/v1/approvals/${approval}/approve`)).status).toBe(200);
    plane.clock.advance(5_000);
    // Whoever asks for more, or is another, has to ask anew.
    expect((await restricted({ lifetime_seconds: 121 })).status).toBe(403);
    expect((await restricted({ purpose: 'another' })).status).toBe(403);
    const bob = await personSession(plane, 'bob');
    const other = taskBody({ sensitivity: 'restricted', lifetime_seconds: 120 });
    expect((await bob.call('POST', '/v1/tasks', other)).status).toBe(403);
    const at = plane.clock.now();
    const made = (await Promise.all([restricted(), restricted()])).map((response) => response.status);
    const [first, second] = made.toSorted((a, b) => a - b);
    // The other finds the approval spent when it is decided, and is held, or when its task is made.
    expect([first, [403, 409].includes(second!)]).toEqual([200, true]);
    const [task] = plane.store.tasks({ limit: 9 });
    expect(task!.window.expiresAt).toBeGreaterThanOrEqual(at + 120_000);
    const record = plane
      .records()
      .findLast((each) => each.kind === 'decision' && each.decision.outcome === 'permit') as DecisionRecord;
    expect(record).toMatchObject({ approval: { id: approval, approvers: ['https://idp.example.test|carol'] } });
    expect((await restricted()).status).toBe(403);
  });
});

describe('requesting', () => {
  test('a person hands a task to an agent; task and record are there at once', async () => {
    const response = await alice.call('POST', '/v1/tasks', {
      ...taskBody({ parameters: { folder: 'notes' }, sensitivity: 'confidential', lifetime_seconds: 120, calls: 7 }),
    });
    const wire = (await response.json()) as TaskWire;
    expect(response.status).toBe(200);
    expect(wire).toMatchObject({
      id: expect.stringMatching(/^task_/),
      parent: null,
      delegator: { issuer: 'https://idp.example.test', subject: 'alice' },
      agent: SUMMARISER,
      purpose: 'summarise the notes',
      parameters: { folder: 'notes' },
      grant: [{ type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] }],
      sensitivity: 'confidential',
      origin: { channel: 'api', trust: 'authenticated' },
      budget: { calls: 7 },
      used: { calls: 0 },
      max_hops: 0,
      state: 'active',
    });
    expect(Date.parse(wire.expires_at) - Date.parse(wire.not_before)).toBe(120_000);
    expect(plane.store.task(wire.id)?.delegator.groups).toEqual(['staff']);
    expect(plane.records().at(-1)).toMatchObject({
      kind: 'decision',
      action: { operation: 'task.create', effect: 'delegate', resources: [`task:${wire.id}`] },
      decision: { outcome: 'permit', policies: ['staff-delegate-tasks'] },
    });
  });

  const bad: [name: string, overrides: Record<string, unknown>, status: number, detail: string][] = [
    ['an unknown member', { sensitivty: 'public' }, 400, 'sensitivty'],
    ['a parent', { parent: 'task_1' }, 400, 'parent'],
    ['no purpose', { purpose: '' }, 400, 'purpose'],
    ['a purpose that is no Unicode', { purpose: '\ud800' }, 400, 'purpose'],
    ['an agent that is no SPIFFE ID', { agent: 'summariser' }, 400, 'spiffe://'],
    ['a trust domain as agent', { agent: 'spiffe://remit.local' }, 400, 'path'],
    ['an agent of an unknown trust domain', { agent: 'spiffe://other.test/a' }, 400, 'other.test'],
    ['no grants', { grant: [] }, 400, 'grant'],
    ['a grant of nothing', { grant: [{ target: 'files' }] }, 400, 'operations'],
    ['an unknown target', { grant: [{ target: 'nowhere', effects: ['read'] }] }, 400, 'nowhere'],
    ['remit itself as target', { grant: [{ target: 'remit', effects: ['read'] }] }, 400, 'remit'],
    ['a member of every object as target', { grant: [{ target: '__proto__', effects: ['read'] }] }, 400, '__proto__'],
    ['an unknown operation', { grant: [{ target: 'files', operations: ['rm'] }] }, 400, 'rm'],
    ['an unknown effect', { grant: [{ target: 'files', effects: ['all'] }] }, 400, 'grant.0.effects.0'],
    ['no effects', { grant: [{ target: 'files', effects: [] }] }, 400, 'grant.0.effects'],
    ['an unknown member of a grant', { grant: [{ target: 'files', effects: ['read'], actions: [] }] }, 400, 'actions'],
    ['another type of grant', { grant: [{ type: 'x', target: 'files', effects: ['read'] }] }, 400, 'type'],
    ['a schema that does not compile', schemaGrant({ type: 'nonsense' }), 400, 'schema'],
    ['a schema with an unknown keyword', schemaGrant({ propertys: {} }), 400, 'propertys'],
    [
      'a schema with a broken pattern',
      schemaGrant({ properties: { path: { type: 'string', pattern: '(' } } }),
      400,
      'schema',
    ],
    ['a schema that refers elsewhere', schemaGrant({ $ref: 'https://evil.test/schema' }), 400, 'schema'],
    ['a schema that is too large', schemaGrant({ description: 'x'.repeat(16_400) }), 400, 'bytes'],
    ['a schema with a lone surrogate', schemaGrant({ description: '\ud800' }), 400, 'Unicode'],
    ['a lifetime over the cap', { lifetime_seconds: 3601 }, 400, '3600'],
    ['a lifetime of nothing', { lifetime_seconds: 0 }, 400, 'lifetime_seconds'],
    ['a lifetime that is no integer', { lifetime_seconds: 1.5 }, 400, 'lifetime_seconds'],
    ['a start too far ahead', { not_before: '2999-01-01T00:00:00Z' }, 400, 'not_before'],
    ['a start that is no time', { not_before: 'tomorrow' }, 400, 'not_before'],
    ['a rounded number', { parameters: { n: 2 ** 60 } }, 400, 'parameters/n'],
    ['large parameters', { parameters: { text: 'x'.repeat(17_000) } }, 400, 'parameters'],
    ['a budget of nothing', { calls: 0 }, 400, 'calls'],
    ['a window in the past', { expires_at: '2001-01-01T00:00:00Z' }, 400, 'lies in the past'],
    ['a window that is over', { not_before: '2001-01-01T00:00:00Z', lifetime_seconds: 60 }, 400, 'lies in the past'],
    ['an end too far ahead', { expires_at: '2999-01-01T00:00:00Z' }, 400, '3600'],
    ['an unknown sensitivity', { sensitivity: 'secret' }, 400, 'sensitivity'],
  ];
  test.each(bad)('refuses %s', async (_name, overrides, expected, detail) => {
    const response = await alice.call('POST', '/v1/tasks', taskBody(overrides));
    const problem = (await response.json()) as { detail: string };
    expect({ status: response.status, detail: problem.detail }).toEqual({
      status: expected,
      detail: expect.stringContaining(detail),
    });
    expect(plane.store.tasks({ limit: 1 })).toEqual([]);
    expect(plane.faults).toEqual([]);
  });

  test.each(['', '{', '"text"', '[]', 'null'])('refuses the body %j', async (body) => {
    expect(await status(alice.call('POST', '/v1/tasks', body))).toBe(400);
    expect(plane.faults).toEqual([]);
  });

  test('refuses a body that does not say that it is JSON', async () => {
    const response = await plane.app.request('/v1/tasks', {
      method: 'POST',
      headers: {
        authorization: `DPoP ${alice.accessToken}`,
        dpop: await alice.proof({
          method: 'POST',
          url: 'https://remit.example.test/v1/tasks',
          accessToken: alice.accessToken,
        }),
      },
      body: JSON.stringify(taskBody()),
    });
    expect(response.status).toBe(400);
  });

  test('is for people whom policy permits, and a refusal is recorded', async () => {
    const dan = await personSession(plane, 'dan');
    expect(await status(dan.call('POST', '/v1/tasks', taskBody()))).toBe(403);
    expect(plane.records().at(-1)).toMatchObject({
      action: { operation: 'task.create' },
      decision: { outcome: 'deny', policies: ['nobody-else-delegates'] },
    });
    expect(await status(agent.call('POST', '/v1/tasks', taskBody()))).toBe(403);
    expect(plane.records().at(-1)).toMatchObject({
      event: 'request.refused',
      subject: { operation: 'task.create', by: SUMMARISER },
    });
  });
});

describe('showing and listing', () => {
  test('the task’s own agent, and nobody else, reads the task token', async () => {
    const { id } = await requestTask(alice);
    expect((await show(agent, id)).task.subject_token).toEqual(expect.any(String));
    expect((await show(alice, id)).task).not.toHaveProperty('subject_token');
    expect((await show(await personSession(plane, 'carol'), id)).task).not.toHaveProperty('subject_token');
    await complete(agent, id);
    expect((await show(agent, id)).task).not.toHaveProperty('subject_token');
  });

  test('who is no party does not learn that it exists', async () => {
    const { id } = await requestTask(alice);
    for (const stranger of [await personSession(plane, 'bob'), await agentSession(plane, OTHER_AGENT)]) {
      const known = await stranger.call('GET', `/v1/tasks/${id}`);
      const unknown = await stranger.call('GET', '/v1/tasks/task_unknown');
      expect([known.status, unknown.status]).toEqual([404, 404]);
      expect((await known.text()).replace(id, 'X')).toBe((await unknown.text()).replace('task_unknown', 'X'));
      expect(await status(complete(stranger, id))).toBe(404);
      expect(await status(revoke(stranger, id))).toBe(404);
    }
    expect(plane.store.task(id)?.state).toBe('active');
  });

  test('whatever policy permits, only a party completes a task, and another agent sees nothing of it', async () => {
    const { id } = await requestTask(alice);
    const task = plane.store.task(id)!;
    await plane.close();
    plane = await openControlPlane({ policies: { 'all.cedar': 'permit (principal, action, resource);' } });
    await plane.store.createTask(task, []);
    const bob = await personSession(plane, 'bob');
    const other = await agentSession(plane, OTHER_AGENT);
    expect((await show(bob, id)).status).toBe(200);
    expect(await status(complete(bob, id))).toBe(404);
    expect((await show(other, id)).status).toBe(404);
    expect(await status(revoke(other, id))).toBe(404);
    expect(plane.records().at(-1)).toMatchObject({
      event: 'request.refused',
      subject: { operation: 'task.revoke', task: id, by: OTHER_AGENT },
    });
    expect(plane.store.task(id)?.state).toBe('active');
  });

  test('each sees their own, newest first, in pages', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.unshift((await requestTask(alice)).id);
      plane.clock.advance(1);
    }
    await complete(alice, ids[0]!);
    const listed = async (session: Session, query = '') => {
      const response = await session.call('GET', `/v1/tasks${query}`);
      return ((await response.json()) as { tasks: TaskWire[] }).tasks.map((task) => task.id);
    };
    expect(await listed(alice)).toEqual(ids);
    expect(await listed(agent)).toEqual(ids);
    expect(await listed(alice, '?limit=2')).toEqual(ids.slice(0, 2));
    expect(await listed(alice, `?limit=2&after=${ids[1]}`)).toEqual(ids.slice(2, 4));
    expect(await listed(alice, '?state=completed')).toEqual([ids[0]]);
    expect(await listed(await personSession(plane, 'bob'))).toEqual([]);
    expect(await listed(await agentSession(plane, OTHER_AGENT))).toEqual([]);
    for (const query of ['?limit=0', '?limit=1000', '?limit=x', '?state=none']) {
      expect(await status(alice.call('GET', `/v1/tasks${query}`))).toBe(400);
    }
  });

  test('a task for public data can be seen and ended like any other', async () => {
    const { id } = await requestTask(alice, { sensitivity: 'public' });
    expect((await show(agent, id)).status).toBe(200);
    expect(await status(complete(agent, id))).toBe(200);
  });
});

describe('ending', () => {
  let heard: { ids: string[]; reason: string }[];
  beforeEach(() => {
    heard = [];
    plane.lifecycle.onEnded((tasks, reason) => heard.push({ ids: tasks.map((task) => task.id), reason }));
  });

  test('by completion: by the agent or the delegator, once', async () => {
    for (const session of [agent, alice]) {
      const { id } = await requestTask(alice);
      const response = await complete(session, id);
      expect(await response.json()).toMatchObject({ id, state: 'completed' });
      expect(heard.at(-1)).toEqual({ ids: [id], reason: 'completed' });
      expect(await status(complete(session, id))).toBe(409);
      expect(await status(revoke(alice, id))).toBe(409);
    }
    expect(heard).toHaveLength(2);
  });

  test('by revocation: by the delegator or security, not by the agent', async () => {
    const { id } = await requestTask(alice);
    expect(await status(revoke(agent, id))).toBe(403);
    expect(await (await revoke(alice, id)).json()).toMatchObject({ state: 'revoked', end_reason: 'a mistake' });
    const other = await requestTask(alice);
    const carol = await personSession(plane, 'carol');
    expect(await status(revoke(carol, other.id))).toBe(200);
    expect(await status(revoke(carol, other.id))).toBe(409);
    expect(heard.map(({ ids }) => ids)).toEqual([[id], [other.id]]);
  });

  test('decision and end are recorded in one step, in that order', async () => {
    const { id } = await requestTask(alice);
    await revoke(alice, id);
    expect(plane.records().slice(-2)).toMatchObject([
      { kind: 'decision', action: { operation: 'task.revoke', arguments: { reason: 'a mistake' } } },
      { kind: 'event', event: 'task.ended', subject: { task: id, state: 'revoked', reason: 'a mistake' } },
    ]);
  });

  test('before the task has started', async () => {
    const { id } = await requestTask(alice, { not_before: new Date(plane.clock.now() + 600_000).toISOString() });
    expect(await status(revoke(alice, id))).toBe(200);
  });

  test('of twenty at once, one wins', async () => {
    const { id } = await requestTask(alice);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? complete : revoke)(alice, id)));
    expect(Map.groupBy(answers, (answer) => answer.status).get(200)).toHaveLength(1);
    expect(Map.groupBy(answers, (answer) => answer.status).get(409)).toHaveLength(19);
    expect(heard).toHaveLength(1);
    expect(plane.records().filter((record) => record.kind === 'event' && record.event === 'task.ended')).toHaveLength(
      1,
    );
  });

  test('by expiry: the sweep ends what is overdue, records it and says so', async () => {
    const short = await requestTask(alice, { lifetime_seconds: 60 });
    const long = await requestTask(alice, { lifetime_seconds: 600 });
    expect(await plane.lifecycle.expireOverdue()).toEqual([]);
    plane.clock.advance(61_000);
    expect((await plane.lifecycle.expireOverdue()).map((task: Task) => task.id)).toEqual([short.id]);
    expect(await plane.lifecycle.expireOverdue()).toEqual([]);
    expect(heard).toEqual([{ ids: [short.id], reason: 'its window has closed' }]);
    expect(plane.records().at(-1)).toMatchObject({ event: 'task.ended', subject: { state: 'expired' } });
    expect(plane.store.task(long.id)?.state).toBe('active');
  });

  test('what has expired and was not swept yet is expired, never completed', async () => {
    const { id } = await requestTask(alice, { lifetime_seconds: 60 });
    plane.clock.advance(61_000);
    expect(await status(complete(agent, id))).toBe(409);
    expect(plane.store.task(id)?.state).toBe('expired');
    expect(heard).toEqual([{ ids: [id], reason: 'its window has closed' }]);
  });

  test.each([{}, { reason: '' }, { reason: 'x', by: 'me' }])(
    'a revocation with the body %j is refused',
    async (body) => {
      const { id } = await requestTask(alice);
      expect(await status(alice.call('POST', `/v1/tasks/${id}/revoke`, body))).toBe(400);
      expect(plane.store.task(id)?.state).toBe('active');
    },
  );
});

test('every decision names the policy set that made it', async () => {
  const { id } = await requestTask(alice);
  await complete(alice, id);
  const decisions = plane.records().filter((record): record is DecisionRecord => record.kind === 'decision');
  expect(new Set(decisions.map(({ decision }) => decision.policy_set))).toEqual(new Set([plane.parts.pdp().policySet]));
});

function schemaGrant(schema: Record<string, unknown>) {
  return { grant: [{ target: 'files', effects: ['read'], arguments: schema }] };
}
