import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  PEOPLE,
  personSession,
  quickstartPolicies,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';

const MINUTE = 60_000;

const PROFILE = `
name: daily-summary
version: 1
agents: [${SUMMARISER}, ${OTHER_AGENT}]
purpose: summarise the notes
grant:
  - target: files
    operations: [read_text_file]
    resources: ['file:notes/*']
sensitivity: internal
minutes: 5
budget: { calls: 3 }
automation:
  owner: { issuer: ${PEOPLE}, subject: alice, groups: [staff] }
  every_minutes: 60
  stop_after_failures: 2
`;

const POLICIES = {
  ...quickstartPolicies(),
  'automated.cedar': `@id("the-summariser-starts-by-itself")
    permit (principal == Agent::"${SUMMARISER}", action == Action::"remit:task.create", resource)
    when { context.args has automated };`,
};

type Made = {
  id: string;
  state: string;
  delegator: { subject: string };
  origin: object;
  detail?: string;
};

let plane: ControlPlane;
let agent: Session;
let alice: Session;
beforeEach(async () => {
  plane = await openControlPlane({ policies: POLICIES, profiles: { 'daily.yaml': PROFILE } });
  agent = await agentSession(plane);
  alice = await personSession(plane, 'alice');
});
afterEach(() => plane.close());

async function start(session = agent, more: object = {}): Promise<{ status: number } & Made> {
  const body = { profile: 'daily-summary', agent: SUMMARISER, ...more };
  const response = await session.call('POST', '/v1/tasks', body);
  return { ...((await response.json()) as Made), status: response.status };
}

const complete = (id: string) => agent.call('POST', `/v1/tasks/${id}/complete`);
const refusals = () =>
  plane
    .records()
    .flatMap((record) => (record.kind === 'event' && record.event === 'request.refused' ? [record.subject] : []));

test('its agent starts it on behalf of the owner, who sees and ends it, and no person is asked', async () => {
  const made = await start();
  expect(made).toMatchObject({
    status: 200,
    state: 'active',
    delegator: { subject: 'alice' },
    origin: { channel: 'schedule', trust: 'organisation' },
  });
  const { window, createdAt } = plane.store.task(made.id)!;
  expect(window.expiresAt - createdAt).toBe(5 * MINUTE);
  expect(plane.store.task(made.id)?.profile).toMatchObject({ name: 'daily-summary', automated: true });
  const record = plane
    .records()
    .findLast((each) => each.kind === 'decision' && each.action.operation === 'task.create');
  expect(record).toMatchObject({
    agent: { id: SUMMARISER },
    delegator: { subject: 'alice' },
    action: { arguments: { automated: true } },
    decision: { outcome: 'permit' },
  });
  expect((await alice.call('POST', `/v1/tasks/${made.id}/revoke`, { reason: 'enough' })).status).toBe(200);
});

test('the origin that it states is not taken, and more than the profile grants is refused', async () => {
  const stated = await start(agent, { origin: { channel: 'console', trust: 'authenticated' } });
  expect(stated.origin).toEqual({ channel: 'schedule', trust: 'organisation' });
  const wider = await start(agent, { grant: [{ type: 'remit_grant', target: 'files', effects: ['write'] }] });
  expect([wider.status, wider.detail]).toEqual([400, expect.stringContaining('does not grant')]);
  expect((await start(agent, { calls: 4 })).status).toBe(400);
  expect((await start(agent, { lifetime_seconds: 301 })).status).toBe(400);
});

test('one at a time, and not sooner than it says, from start to start', async () => {
  const first = await start();
  expect(await start()).toMatchObject({ status: 409, detail: expect.stringContaining(`\`${first.id}\``) });
  await complete(first.id);
  plane.clock.advance(59 * MINUTE);
  const next = new Date(plane.store.lastRun('daily-summary', SUMMARISER)!.startedAt + 60 * MINUTE).toISOString();
  agent = await agentSession(plane);
  expect(await start()).toMatchObject({
    status: 409,
    detail: `the next run of profile \`daily-summary\` may start at ${next}`,
  });
  plane.clock.advance(MINUTE);
  expect((await start()).status).toBe(200);
  expect(refusals()).toHaveLength(2);
});

test('after two in a row that were not completed it waits for a person, whose own run lets it go on', async () => {
  for (let run = 1; run <= 2; run++) {
    const { id } = await start();
    plane.clock.advance(60 * MINUTE);
    await plane.lifecycle.expireOverdue();
    expect(plane.store.task(id)?.state).toBe('expired');
    agent = await agentSession(plane);
  }
  const stopped = await start();
  expect([stopped.status, stopped.detail]).toEqual([403, expect.stringContaining('a person has to start one')]);
  alice = await personSession(plane, 'alice');
  const byHand = await start(alice);
  expect(byHand).toMatchObject({ status: 200, origin: { channel: 'api' } });
  expect(plane.store.task(byHand.id)?.profile?.automated).toBeUndefined();
  await complete(byHand.id);
  plane.clock.advance(60 * MINUTE);
  agent = await agentSession(plane);
  expect((await start()).status).toBe(200);
});

test('of twenty that it starts at once, one is made', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => start()));
  expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(all.filter(({ status }) => status === 409)).toHaveLength(19);
});

test('another agent does not start it: not for this one, and not for itself without a policy', async () => {
  const other = await agentSession(plane, OTHER_AGENT);
  const forAnother = await start(other);
  expect([forAnother.status, forAnother.detail]).toEqual([403, expect.stringContaining('only a person')]);
  expect((await start(other, { agent: OTHER_AGENT })).status).toBe(403);
});

test('nor does the agent start what is not automated', async () => {
  const task = {
    agent: SUMMARISER,
    purpose: 'anything',
    grant: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
  };
  expect((await agent.call('POST', '/v1/tasks', task)).status).toBe(403);
});

test('outside of its hours it does not start', async () => {
  await plane.close();
  const hours = `${PROFILE}schedule: { time_zone: UTC, hours: [{ from: '12:02', to: '12:30' }] }\n`;
  plane = await openControlPlane({ policies: POLICIES, profiles: { 'daily.yaml': hours } });
  const DAY = 24 * 60 * MINUTE;
  const noon = Math.ceil(plane.clock.now() / DAY) * DAY + 12 * 60 * MINUTE;
  plane.clock.advance(noon - plane.clock.now());
  agent = await agentSession(plane);
  const shut = await start();
  expect([shut.status, shut.detail]).toEqual([409, expect.stringContaining('start it then')]);
  expect(plane.store.lastRun('daily-summary', SUMMARISER)).toBeUndefined();
});

test('where the owner may not hand it out, the agent does not start it', async () => {
  await plane.close();
  const owner = PROFILE.replace('groups: [staff]', 'groups: [guests]');
  plane = await openControlPlane({ policies: POLICIES, profiles: { 'daily.yaml': owner } });
  agent = await agentSession(plane);
  expect((await start()).status).toBe(403);
});
