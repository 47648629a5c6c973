import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  quickstartPolicies,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../../test/fixtures/control-plane.ts';

type Wire = { id: string; detail?: string; approval?: string; state?: string };

const SUMMARY = `
name: summarise-note
version: 1
agents: [${SUMMARISER}]
purpose: summarise {parameters.note}
parameters: { type: object, properties: { note: { type: string } }, required: [note], additionalProperties: false }
grant: [{ target: files, effects: [read], resources: ['file:notes/{parameters.note}'] }]
sensitivity: internal
minutes: 5
max_hops: 1
`;
const HELD = `${SUMMARY.replace('summarise-note', 'held-note')}approval: { task: [note-owners], hops: [security] }\n`;
const POLICIES = {
  ...quickstartPolicies(),
  'kinds.cedar': `@id("no-hops-of-summaries") @reason("a summary is not handed on")
    forbid (principal, action == Action::"remit:task.delegate", resource)
    when { context has task && context.task has profile && context.task.profile.name == "summarise-note" };`,
};

let plane: ControlPlane;
let alice: Session;
let bob: Session;
beforeEach(async () => {
  plane = await openControlPlane({ policies: POLICIES, profiles: { 'summary.yaml': SUMMARY, 'held.yaml': HELD } });
  [alice, bob] = await Promise.all([personSession(plane, 'alice'), personSession(plane, 'bob')]);
});
afterEach(() => plane.close());

async function request(body: Record<string, unknown>) {
  const response = await alice.call('POST', '/v1/tasks', body);
  return { status: response.status, body: (await response.json()) as Wire };
}
const hop = async (id: string) => {
  const body = { agent: OTHER_AGENT, purpose: 'read', grant: [{ target: 'files', effects: ['read'] }] };
  const response = await (await agentSession(plane)).call('POST', `/v1/tasks/${id}/hops`, body);
  return { status: response.status, body: (await response.json()) as Wire };
};
const summary = (name = 'summarise-note') => ({ profile: name, parameters: { note: 'monday.md' } });

test('a task by profile is recorded with name, version and digest, and policy sees it', async () => {
  const { status, body } = await request(summary());
  const profile = {
    name: 'summarise-note',
    version: 1,
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
  };
  expect([status, body]).toMatchObject([
    200,
    { agent: SUMMARISER, purpose: 'summarise monday.md', grant: [{ resources: ['file:notes/monday.md'] }], profile },
  ]);
  const { notBefore, expiresAt } = plane.store.task(body.id)!.window;
  expect(expiresAt - notBefore).toBe(300_000);
  expect(plane.records().at(-1)).toMatchObject({ action: { operation: 'task.create', arguments: { profile } } });

  const refused = await hop(body.id);
  expect([refused.status, refused.body.detail]).toEqual([403, 'a summary is not handed on']);
  expect(plane.records().at(-1)).toMatchObject({ facts: { chain: [{ profile: { name: 'summarise-note' } }] } });
});

test('profiles are listed and shown; one that is not there is not found', async () => {
  const list = (await (await alice.call('GET', '/v1/profiles')).json()) as { profiles: { name: string }[] };
  expect(list.profiles.map(({ name }) => name)).toEqual(['held-note', 'summarise-note']);
  expect(await (await alice.call('GET', '/v1/profiles/held-note@1')).json()).toMatchObject({
    version: 1,
    approval: { task: ['note-owners'], hops: ['security'] },
    lifetime_seconds: 300,
  });
  for (const name of ['other', 'held-note@2', 'held-note@', '@1']) {
    expect((await alice.call('GET', `/v1/profiles/${name}`)).status).toBe(404);
  }
});

describe('approval points of a profile hold what policy permits', () => {
  test('a task of it: for exactly this request, once, by those that it names', async () => {
    const held = await request(summary('held-note'));
    expect([held.status, held.body]).toMatchObject([403, { approval: expect.stringMatching(/^apr_/) as string }]);
    expect(held.body.detail).toContain('the profile `held-note` asks for an approval');
    expect(plane.store.tasks({ limit: 9 })).toEqual([]);
    expect((await bob.call('POST', `/v1/approvals/${held.body.approval}/approve`)).status).toBe(200);
    const both = await Promise.all([request(summary('held-note')), request(summary('held-note'))]);
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(plane.store.approval(held.body.approval!)?.state).toBe('spent');
    expect(
      plane.records().find((record) => record.kind === 'decision' && record.approval?.id === held.body.approval),
    ).toMatchObject({
      facts: { approval_point: { profile: 'held-note', rules: ['note-owners'] } },
    });
  });

  test('each hop from one, also in a child', async () => {
    const waits = (await request(summary('held-note'))).body.approval;
    await bob.call('POST', `/v1/approvals/${waits}/approve`);
    const { id } = (await request(summary('held-note'))).body;
    const held = await hop(id);
    expect(held.body.detail).toContain('is needed from `security`');
    expect((await bob.call('POST', `/v1/approvals/${held.body.approval}/approve`)).status).toBeGreaterThanOrEqual(403);
    const carol = await personSession(plane, 'carol');
    expect((await carol.call('POST', `/v1/approvals/${held.body.approval}/approve`)).status).toBe(200);
    const child = await hop(id);
    expect([child.status, plane.store.task(child.body.id)?.profile?.hopApproval]).toEqual([200, ['security']]);
  });
});

test('an agent that is registered for other profiles is given none of this', async () => {
  const registration = { id: SUMMARISER, purpose: 'notes', owner: { group: 'security' }, profiles: ['held-note'] };
  const carol = await personSession(plane, 'carol');
  expect((await carol.call('POST', '/v1/agents', registration)).status).toBe(200);
  const refused = await request(summary());
  expect([refused.status, refused.body.detail]).toMatchObject([
    403,
    expect.stringContaining('profile `summarise-note`'),
  ]);
});
