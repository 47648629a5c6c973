import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openClient,
  openControlPlane,
  OTHER_AGENT,
  PEOPLE,
  personSession,
  quickstartPolicies,
  requestTask,
  subjectToken,
  SUMMARISER,
  taskBody,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import type { EventRecord } from '../core/record.ts';

let plane: ControlPlane;
let alice: Session;
let carol: Session;
beforeEach(() => open());
afterEach(() => plane.close());

async function open(options: Parameters<typeof openControlPlane>[0] = {}): Promise<void> {
  plane = await openControlPlane(options);
  alice = await personSession(plane, 'alice');
  carol = await personSession(plane, 'carol');
}

const ALICE = { issuer: PEOPLE, subject: 'alice' };
const FLEET = 'spiffe://remit.local/agent/*';
const register = (change: object = {}, by = carol) =>
  by.call('POST', '/v1/agents', { id: SUMMARISER, owner: ALICE, purpose: 'summarises', ...change });
const move = (verb: string, id = SUMMARISER, by = carol) =>
  by.call('POST', `/v1/agents/${verb}`, { id, reason: 'an incident' });
const show = async (id = SUMMARISER) =>
  (await (await carol.call('GET', `/v1/agents/show?id=${encodeURIComponent(id)}`)).json()) as Record<string, unknown>;
const events = () => plane.records().filter((record): record is EventRecord => record.kind === 'event');
const stateOf = (task: string) => plane.store.task(task)?.state;

async function answered(response: Promise<Response>): Promise<[number, string]> {
  const answer = await response;
  const { detail = '', error_description: description = detail } = (await answer.json()) as Record<string, string>;
  return [answer.status, description];
}

async function exchange(agent: Session, task: string): Promise<Response> {
  const client = await openClient(plane);
  return client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: await subjectToken(agent, task),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    resource: `${ISSUER}/mcp/files`,
  });
}

describe('registering', () => {
  test('what was said is kept, with who said it, and on the record', async () => {
    const response = await register({ groups: ['writers', 'writers'], profiles: ['refund-order'] });
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        id: SUMMARISER,
        owner: ALICE,
        purpose: 'summarises',
        groups: ['writers'],
        profiles: ['refund-order'],
        state: 'active',
        created_at: expect.stringMatching(/^2/),
        created_by: `${PEOPLE}|carol`,
        revision: 1,
      },
    ]);
    expect(plane.records().slice(-2)).toMatchObject([
      { kind: 'decision', action: { operation: 'agent.register', arguments: { agent: SUMMARISER, owner: ALICE } } },
      { event: 'agent.registered', subject: { agent: SUMMARISER, owner: `${PEOPLE}|alice`, by: `${PEOPLE}|carol` } },
    ]);
  });

  test('a person who names no owner is it; the issuer goes without saying where there is one', async () => {
    expect(await (await register({ owner: undefined })).json()).toMatchObject({ owner: { subject: 'carol' } });
    const other = await register({ id: OTHER_AGENT, owner: { subject: 'alice' } });
    expect(await other.json()).toMatchObject({ owner: ALICE });
  });

  test.each([
    ['no SPIFFE ID', { id: 'summariser' }, '`id` does not start with `spiffe://`'],
    ['a trust domain', { id: 'spiffe://remit.local' }, '`id` names a trust domain'],
    ['a pattern for the trust domain', { id: 'spiffe://*/agent' }, '`id` has a pattern for its trust domain'],
    ['another trust domain', { id: 'spiffe://evil.test/agent' }, 'trust domain `evil.test` is not configured'],
    ['a path that climbs', { id: 'spiffe://remit.local/../agent' }, '`id` has a `.` or `..`'],
    ['no purpose', { purpose: '' }, '`purpose`'],
    ['another issuer', { owner: { issuer: 'https://evil.test', subject: 'alice' } }, 'not a provider of people'],
    ['two owners', { owner: { subject: 'alice', group: 'staff' } }, '`owner`'],
    ['a state', { state: 'retired' }, 'state'],
    ['a lone surrogate', { purpose: '\ud800' }, 'Unicode'],
  ])('refused: %s', async (_what, change, detail) => {
    expect(await answered(register(change))).toEqual([400, expect.stringContaining(detail)]);
    expect(plane.store.agents()).toEqual([]);
  });

  test('twice is a conflict, and both attempts are recorded', async () => {
    await register();
    expect(await answered(register({ purpose: 'another' }))).toEqual([
      409,
      expect.stringContaining('registered already'),
    ]);
    expect(plane.records().at(-1)).toMatchObject({ kind: 'decision', decision: { outcome: 'permit' } });
    expect(await show()).toMatchObject({ purpose: 'summarises' });
  });

  test('who may not, may not; nor see whether there is one', async () => {
    await register({ owner: { group: 'staff' } });
    expect((await register({ id: OTHER_AGENT }, alice)).status).toBe(403);
    for (const id of [SUMMARISER, OTHER_AGENT]) {
      const response = alice.call('GET', `/v1/agents/show?id=${encodeURIComponent(id)}`);
      expect(await answered(response)).toEqual([403, expect.stringContaining('no policy permits')]);
    }
    expect(await answered(carol.call('GET', `/v1/agents/show?id=${encodeURIComponent(OTHER_AGENT)}`))).toEqual([
      404,
      expect.stringContaining('remit agent list'),
    ]);
  });

  test('owners see and suspend their own, and no more', async () => {
    await register();
    await register({ id: OTHER_AGENT, owner: { subject: 'bob' } });
    const mine = await alice.call('GET', '/v1/agents?mine=true');
    expect(await mine.json()).toMatchObject({ agents: [{ id: SUMMARISER }] });
    expect((await alice.call('GET', '/v1/agents')).status).toBe(403);
    expect((await move('suspend', OTHER_AGENT, alice)).status).toBe(403);
    expect((await move('suspend', SUMMARISER, alice)).status).toBe(200);
    expect((await move('resume', SUMMARISER, alice)).status).toBe(403);
  });
});

describe('changing', () => {
  test('an owner hands an agent over; what is not named stays', async () => {
    await register({ groups: ['writers'] });
    const owner = { group: 'security' };
    const changed = await carol.call('POST', '/v1/agents/set', { id: SUMMARISER, owner });
    expect(await changed.json()).toMatchObject({ owner, groups: ['writers'], revision: 2 });
    expect(plane.records().slice(-2)).toMatchObject([
      { action: { operation: 'agent.update', arguments: { owner: ALICE, new_owner: owner } } },
      { event: 'agent.changed', subject: { agent: SUMMARISER, owner: 'group:security' } },
    ]);
    const stale = carol.call('POST', '/v1/agents/set', { id: SUMMARISER, purpose: 'x', revision: 1 });
    expect(await answered(stale)).toEqual([409, expect.stringContaining('changed by somebody else')]);
  });

  test('nothing to change, nothing there, nothing retired', async () => {
    expect(await answered(carol.call('POST', '/v1/agents/set', { id: SUMMARISER }))).toEqual([
      400,
      expect.stringContaining('nothing is changed'),
    ]);
    expect((await carol.call('POST', '/v1/agents/set', { id: SUMMARISER, purpose: 'x' })).status).toBe(404);
    await register();
    await move('retire');
    const late = carol.call('POST', '/v1/agents/set', { id: SUMMARISER, purpose: 'x' });
    expect(await answered(late)).toEqual([409, expect.stringContaining('is retired')]);
  });

  test('an agent changes nothing about itself, whatever policy says', async () => {
    await plane.close();
    await open({ policies: { 'all.cedar': 'permit (principal, action, resource);' } });
    await register({ id: FLEET });
    await register();
    const agent = await agentSession(plane);
    for (const id of [SUMMARISER, FLEET]) {
      const refused = agent.call('POST', '/v1/agents/set', { id, groups: ['administrators'] });
      expect(await answered(refused)).toEqual([403, 'an agent does not change its own registration']);
      expect(events().at(-1)).toMatchObject({
        event: 'request.refused',
        subject: { operation: 'agent.update', agent: id },
      });
    }
    expect((await agent.call('POST', '/v1/agents/set', { id: OTHER_AGENT, purpose: 'x' })).status).toBe(404);
  });
});

describe('suspending', () => {
  test('ends its tasks with all below, on the record, and what cuts live work hears of it', async () => {
    await register();
    const { id } = await requestTask(alice, { max_hops: 1 });
    const agent = await agentSession(plane);
    const hop = await agent.call('POST', `/v1/tasks/${id}/hops`, { ...taskBody(), agent: OTHER_AGENT });
    const child = ((await hop.json()) as { id: string }).id;
    expect((await move('suspend')).status).toBe(200);
    expect([stateOf(id), stateOf(child)]).toEqual(['revoked', 'revoked']);
    expect(plane.ended.map(({ id: task }) => task)).toEqual([id, child]);
    expect(events().slice(-3)).toMatchObject([
      { event: 'agent.suspended', subject: { agent: SUMMARISER, reason: 'an incident', by: `${PEOPLE}|carol` } },
      { event: 'task.ended', subject: { task: id, reason: 'its agent is suspended: an incident' } },
      { event: 'task.ended', subject: { task: child } },
    ]);
  });

  test('of the agent that a part was handed to ends that part alone', async () => {
    await register({ id: OTHER_AGENT });
    const { id } = await requestTask(alice, { max_hops: 1 });
    const agent = await agentSession(plane);
    const hop = await agent.call('POST', `/v1/tasks/${id}/hops`, { ...taskBody(), agent: OTHER_AGENT });
    await move('suspend', OTHER_AGENT);
    expect([stateOf(id), stateOf(((await hop.json()) as { id: string }).id)]).toEqual(['active', 'revoked']);
  });

  test.each([
    ['suspend', 'agent `spiffe://remit.local/agent/summariser` is suspended'],
    ['retire', 'agent `spiffe://remit.local/agent/summariser` is retired'],
  ])('%s: no task, no hop, no token, no request, each with the reason', async (verb, reason) => {
    await register();
    const { id } = await requestTask(alice);
    const agent = await agentSession(plane);
    const other = await agentSession(plane, OTHER_AGENT);
    const above = await requestTask(alice, { agent: OTHER_AGENT, max_hops: 1 });
    expect((await exchange(agent, id)).status).toBe(200);
    const taskToken = await subjectToken(agent, id);
    await move(verb);

    expect(await answered(alice.call('POST', '/v1/tasks', taskBody()))).toEqual([403, expect.stringContaining(reason)]);
    expect(events().at(-1)).toMatchObject({ event: 'request.refused', subject: { operation: 'task.create' } });
    const hop = other.call('POST', `/v1/tasks/${above.id}/hops`, taskBody());
    expect(await answered(hop)).toEqual([403, expect.stringContaining(reason)]);
    expect(await answered(agent.call('GET', '/v1/tasks'))).toEqual([403, reason]);
    expect(plane.records().at(-1)).toMatchObject({ decision: { reasons: [{ code: 'agent_not_active' }] } });
    const client = await openClient(plane);
    const own = client.token({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
      client_assertion: await plane.svid(SUMMARISER),
      resource: `${ISSUER}/v1`,
    });
    expect(await answered(own)).toEqual([expect.any(Number), reason]);
    const ended = client.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      subject_token: taskToken,
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      actor_token: await plane.svid(SUMMARISER),
      resource: `${ISSUER}/mcp/files`,
    });
    expect(await answered(ended)).toEqual([400, 'the task has ended (revoked)']);
    expect(stateOf(above.id)).toBe('active');
  });

  test('resumed, it acts again under new tasks, and its old ones stay ended', async () => {
    await register();
    const { id } = await requestTask(alice);
    await move('suspend');
    expect((await move('resume')).status).toBe(200);
    expect(stateOf(id)).toBe('revoked');
    const agent = await agentSession(plane);
    expect((await exchange(agent, (await requestTask(alice)).id)).status).toBe(200);
  });

  test('a fleet is stopped as a whole; one of it alone by a registration of its own', async () => {
    await register({ id: FLEET });
    await register({ id: OTHER_AGENT });
    await move('suspend', OTHER_AGENT);
    expect((await alice.call('POST', '/v1/tasks', taskBody())).status).toBe(200);
    expect((await alice.call('POST', '/v1/tasks', taskBody({ agent: OTHER_AGENT }))).status).toBe(403);
    await move('resume', OTHER_AGENT);
    await move('suspend', FLEET);
    expect((await alice.call('POST', '/v1/tasks', taskBody())).status).toBe(403);
    expect((await alice.call('POST', '/v1/tasks', taskBody({ agent: OTHER_AGENT }))).status).toBe(403);
  });

  test.each([
    ['suspend', 'suspend', 'is suspended'],
    ['resume', 'suspend', 'is active already'],
    ['retire', 'resume', 'is retired'],
    ['retire', 'suspend', 'is retired'],
    ['retire', 'retire', 'is retired'],
  ])('%s, then %s, is a conflict where the state has no such way', async (first, second, detail) => {
    await register();
    if (first !== 'resume') await move(first);
    const verb = first === 'resume' ? 'resume' : second;
    expect(await answered(move(verb))).toEqual([409, expect.stringContaining(detail)]);
  });

  test('twenty at once: one has suspended it', async () => {
    await register();
    const all = await Promise.all(Array.from({ length: 20 }, () => move('suspend')));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(events().filter(({ event }) => event === 'agent.suspended')).toHaveLength(1);
  });
});

describe('an agent that nobody has registered', () => {
  beforeEach(async () => {
    await plane.close();
    await open({ unregistered: 'deny' });
  });

  test('does nothing where it has to be registered, until it is', async () => {
    const reason = `agent \`${SUMMARISER}\` is not registered`;
    expect(await answered(alice.call('POST', '/v1/tasks', taskBody()))).toEqual([403, expect.stringContaining(reason)]);
    await expect(agentSession(plane)).rejects.toThrow('is not registered');
    await register({ id: FLEET });
    expect((await exchange(await agentSession(plane), (await requestTask(alice)).id)).status).toBe(200);
  });

  test('gets no hop', async () => {
    await register();
    const { id } = await requestTask(alice, { max_hops: 1 });
    const agent = await agentSession(plane);
    const hop = agent.call('POST', `/v1/tasks/${id}/hops`, { ...taskBody(), agent: OTHER_AGENT });
    expect(await answered(hop)).toEqual([403, expect.stringContaining('is not registered')]);
  });
});

test('nobody answers for an agent whose owner has gone, until it is handed over', async () => {
  await register();
  const gone = { kind: 'delegator', id: `${PEOPLE}|alice`, reason: 'has left' };
  expect((await carol.call('POST', '/v1/suspensions', gone)).status).toBe(200);
  expect(await show()).toMatchObject({ state: 'suspended', reason: expect.stringContaining('has left') });
  const offboarded = [409, expect.stringContaining('`alice` is offboarded')];
  expect(await answered(move('resume'))).toEqual(offboarded);
  expect(await answered(register({ id: OTHER_AGENT }))).toEqual(offboarded);
  const back = { id: SUMMARISER, owner: { group: 'security' } };
  expect((await carol.call('POST', '/v1/agents/set', back)).status).toBe(200);
  expect((await move('resume')).status).toBe(200);
  expect(await answered(carol.call('POST', '/v1/agents/set', { id: SUMMARISER, owner: ALICE }))).toEqual(offboarded);
});

test('a registration that lists profiles is for no task without one', async () => {
  await register({ profiles: ['refund-order'] });
  expect(await answered(alice.call('POST', '/v1/tasks', taskBody()))).toEqual([
    403,
    expect.stringContaining('ask for a task of `refund-order`'),
  ]);
});

test('policy sees owner and groups as they are registered now', async () => {
  const owned = `permit (principal is Agent, action == Action::"remit:task.list", resource)
    when { principal has owner && principal.owner.subject == "alice" && principal.registered };
    permit (principal is Agent in Group::"listers", action == Action::"remit:target.read", resource);
    permit (principal is Agent, action == Action::"remit:log.read", resource)
    when { principal has owner_group && principal.owner_group == Group::"staff" };`;
  await plane.close();
  await open({
    policies: {
      'remit.cedar': quickstartPolicies()['remit.cedar']!.replace(
        '@id("everybody-lists-their-own")\npermit (\n  principal,',
        '@id("everybody-lists-their-own")\npermit (\n  principal is Person,',
      ),
      'owned.cedar': owned,
    },
  });
  const agent = await agentSession(plane);
  const seen = async () =>
    Promise.all(
      ['/v1/tasks', '/v1/targets', '/v1/log/checkpoint'].map(async (path) => (await agent.call('GET', path)).status),
    );
  expect(await seen()).toEqual([403, 403, 403]);
  await register({ groups: ['listers'] });
  expect(await seen()).toEqual([200, 200, 403]);
  await carol.call('POST', '/v1/agents/set', { id: SUMMARISER, owner: { group: 'staff' }, groups: [] });
  expect(await seen()).toEqual([403, 403, 200]);
  expect(plane.records().at(-1)).toMatchObject({ facts: { agent: { state: 'active', owner: { group: 'staff' } } } });
});

test('the last use is shown at once, and stored now and then', async () => {
  await register();
  expect(await show()).not.toHaveProperty('last_used_at');
  const agent = await agentSession(plane);
  await agent.call('GET', '/v1/tasks');
  expect(await show()).toMatchObject({ last_used_at: expect.stringMatching(/^2/), revision: 1 });
  expect(plane.store.agent(SUMMARISER)).not.toHaveProperty('lastUsedAt');
});
