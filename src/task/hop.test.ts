import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  quickstartPolicies,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { decodeJwt } from 'jose';

type Wire = {
  id: string;
  parent: string | null;
  state: string;
  expires_at: string;
  end_reason?: string;
  detail?: string;
  type?: string;
  approval?: string;
  tasks?: Wire[];
};

const THIRD_AGENT = 'spiffe://remit.local/agent/third';

let plane: ControlPlane;
let alice: Session;
let planner: Session;
beforeEach(() => open());
afterEach(() => plane.close());

async function open(policies = quickstartPolicies()): Promise<void> {
  plane = await openControlPlane({ policies });
  alice = await personSession(plane, 'alice');
  planner = await agentSession(plane);
}

const hopBody = (overrides: Record<string, unknown> = {}) => ({
  agent: OTHER_AGENT,
  purpose: 'read monday',
  grant: [{ target: 'files', effects: ['read'], resources: ['file:notes/monday.md'] }],
  ...overrides,
});

async function hop(id: string, overrides: Record<string, unknown> = {}, session = planner) {
  const response = await session.call('POST', `/v1/tasks/${id}/hops`, hopBody(overrides));
  return { status: response.status, body: (await response.json()) as Wire };
}

const parent = (overrides: Record<string, unknown> = {}) => requestTask(alice, { max_hops: 2, ...overrides });

describe('an agent hands a part of its task on', () => {
  test('the child is the parent’s in what it may not choose, and recorded with the decision', async () => {
    const { id } = await parent({ parameters: { order_id: 7 }, sensitivity: 'confidential', calls: 9 });
    const { status, body } = await hop(id);
    expect([status, body]).toMatchObject([
      200,
      {
        parent: id,
        delegator: { subject: 'alice' },
        agent: OTHER_AGENT,
        parameters: { order_id: 7 },
        sensitivity: 'confidential',
        origin: { channel: 'agent', author: SUMMARISER, trust: 'authenticated' },
        budget: { calls: 9 },
        max_hops: 1,
        state: 'active',
      },
    ]);
    expect(body.expires_at).toBe(new Date(plane.store.task(id)!.window.expiresAt).toISOString());
    expect(plane.records().at(-1)).toMatchObject({
      kind: 'decision',
      agent: { id: SUMMARISER },
      delegator: { subject: 'alice' },
      task: { id },
      action: {
        operation: 'task.delegate',
        effect: 'delegate',
        resources: [`task:${id}`],
        arguments: { agent: OTHER_AGENT, purpose: 'read monday' },
      },
      decision: { outcome: 'permit', policies: ['a-task-is-handed-on-by-its-parties'] },
    });
  });

  test('the child’s agent proves itself, and its token names every agent above', async () => {
    const { id } = await parent();
    const { body: child } = await hop(id);
    const other = await agentSession(plane, OTHER_AGENT);
    const subject = await subjectToken(other, child.id);
    const exchange = (actor: string) =>
      plane.svid(actor).then((svid) =>
        other.token({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: subject,
          subject_token_type: 'urn:remit:params:oauth:token-type:task',
          actor_token: svid,
          actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          resource: 'https://remit.example.test/mcp/files',
        }),
      );
    expect((await exchange(SUMMARISER)).status).toBe(400);
    const answer = (await (await exchange(OTHER_AGENT)).json()) as { access_token: string };
    const iss = 'spiffe://remit.local';
    expect(decodeJwt(answer.access_token)).toMatchObject({
      act: { sub: OTHER_AGENT, iss, act: { sub: SUMMARISER, iss } },
      task: child.id,
      txn: id,
    });
  });

  test('by the agent of the task alone, and others do not learn that it exists', async () => {
    const { id } = await parent();
    for (const stranger of [await agentSession(plane, OTHER_AGENT), alice]) {
      const { status, body } = await hop(id, {}, stranger);
      expect([status, body.detail]).toEqual([404, `there is no task \`${id}\` that you may see`]);
      expect(plane.records().at(-1)).toMatchObject({
        event: 'request.refused',
        subject: { operation: 'task.delegate', task: id },
      });
    }
  });

  test('policy decides anew: handed on once, it is not handed on again under the quickstart’s set', async () => {
    const { id } = await parent();
    const { body: child } = await hop(id);
    const other = await agentSession(plane, OTHER_AGENT);
    const { status, body } = await hop(child.id, { agent: THIRD_AGENT }, other);
    expect([status, body.type]).toEqual([403, 'urn:remit:problem:forbidden']);
    expect(plane.records().at(-1)).toMatchObject({
      chain: [{ agent: OTHER_AGENT }, { agent: SUMMARISER }],
      decision: { outcome: 'deny', reasons: [{ code: 'no_policy' }] },
    });
  });

  test.each([
    ['a task that may not be handed on', { max_hops: 0 }, {}, 403, 'may not be handed on'],
    ['an agent that is in the chain', {}, { agent: SUMMARISER }, 403, 'in the chain'],
    ['an unknown trust domain', {}, { agent: 'spiffe://elsewhere.test/a' }, 400, 'trust domain'],
    ['more calls than are left', { calls: 5 }, { calls: 6 }, 400, '5 calls left'],
    ['a longer life', { lifetime_seconds: 60 }, { lifetime_seconds: 61 }, 400, 'seconds after the start'],
    ['a start behind the end', { lifetime_seconds: 60 }, { not_before: '2999-01-01T00:00:00Z' }, 400, '`not_before`'],
    ['a higher ceiling', { sensitivity: 'internal' }, { sensitivity: 'restricted' }, 400, '`internal`'],
    ['as many hops as the parent', { max_hops: 2 }, { max_hops: 2 }, 400, 'at most 1'],
    [
      'an effect more often than is left',
      { budget: { effects: { read: 2 } } },
      { budget: { effects: { read: 3 } } },
      400,
      '2 calls left',
    ],
    [
      'an end behind the parent’s',
      { lifetime_seconds: 60 },
      { expires_at: '2999-01-01T00:00:00Z' },
      400,
      '`expires_at`',
    ],
    ['parameters of its own', {}, { parameters: { order_id: 8 } }, 400, 'parameters'],
    ['an origin of its own', {}, { origin: { channel: 'api', trust: 'authenticated' } }, 400, 'origin'],
    ['no grant', {}, { grant: [] }, 400, 'grant'],
    ['an unknown operation', {}, { grant: [{ target: 'files', operations: ['raed'] }] }, 400, 'raed'],
  ])('%s is refused', async (_what, above, below, status, detail) => {
    const { id } = await parent(above);
    const before = plane.records().length;
    const refused = await hop(id, below);
    expect([refused.status, refused.body.detail]).toEqual([status, expect.stringContaining(detail)]);
    expect(plane.store.tree(id, 10)).toHaveLength(1);
    // What policy or structure refuses is on the record.
    if (status === 403) expect(plane.records().length).toBe(before + 1);
  });
});

describe('limits of a child', () => {
  test('stand beside those above, which are looked at as they are', async () => {
    const { id } = await parent({ budget: { calls: 9, effects: { read: 4 } } });
    const own = {
      effects: { read: 2, write: 0 },
      sums: [{ target: 'files', operations: ['read_text_file'], argument: '/head', at_most: '10.5' }],
    };
    const schedule = { time_zone: 'Europe/Berlin', weekdays: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] };
    const { status, body } = await hop(id, { budget: own, schedule });
    expect([status, body]).toMatchObject([
      200,
      {
        budget: { calls: 9, ...own },
        used: { calls: 0, effects: { read: 0, write: 0 }, sums: ['0'] },
        schedules: [schedule],
      },
    ]);
    expect(plane.store.chain(body.id).map(({ used }) => Object.keys(used.counters ?? {}))).toEqual([
      ['effect:read', 'effect:write', 'sum:0'],
      ['effect:read'],
    ]);
    expect(plane.records().at(-1)).toMatchObject({ action: { arguments: { budget: own, schedules: [schedule] } } });
  });

  test('what a child has used is gone from what its parent has left', async () => {
    const { id } = await parent({ budget: { calls: 9, effects: { read: 4 } } });
    const { body: child } = await hop(id);
    const draws = [{ task: id, counter: 'effect:read', amount: 1 }];
    await plane.store.admit({ chain: [child.id, id], counted: true, draws, approval: null }, []);
    expect((await hop(id, { budget: { effects: { read: 4 } } })).body.detail).toContain('3 calls left');
    expect((await hop(id, { budget: { effects: { read: 3 } } })).body).toMatchObject({ budget: { calls: 8 } });
  });
});

describe('the end of a parent', () => {
  test('ends its children, and nothing is handed on from it any more', async () => {
    const { id } = await parent();
    const { body: child } = await hop(id);
    expect((await alice.call('POST', `/v1/tasks/${id}/complete`)).status).toBe(200);
    const shown = (await (await alice.call('GET', `/v1/tasks/${id}/tree`)).json()) as Wire;
    expect(shown.tasks!.map((task) => [task.id, task.parent, task.state])).toEqual([
      [id, null, 'completed'],
      [child.id, id, 'revoked'],
    ]);
    expect(shown.tasks![1]!.end_reason).toContain(id);
    expect((await hop(id)).status).toBe(403);
  });

  test('beats a hop that arrives at the same moment, or comes after it and ends it: twenty times over', async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await parent();
      const [ended, handed] = await Promise.all(
        round % 2 === 0
          ? [alice.call('POST', `/v1/tasks/${id}/complete`), hop(id)]
          : [hop(id), alice.call('POST', `/v1/tasks/${id}/complete`)].toReversed(),
      );
      expect((ended as Response).status).toBe(200);
      expect([200, 403, 409]).toContain((handed as { status: number }).status);
      expect(plane.store.tree(id, 10).filter(({ task }) => task.state === 'active')).toEqual([]);
    }
  });
});

describe('an approval point at a hop', () => {
  const HELD = {
    ...quickstartPolicies(),
    'hops.cedar': `@id("hops-are-approved") @approval("note-owners") @reason("a note owner agrees to each hop")
      forbid (principal, action == Action::"remit:task.delegate", resource);`,
  };
  beforeEach(async () => {
    await plane.close();
    await open(HELD);
  });

  test('holds it, for exactly this hop, once', async () => {
    const { id } = await parent();
    const held = await hop(id);
    expect([held.status, held.body.type]).toEqual([403, 'urn:remit:problem:approval_required']);
    const approval = held.body.approval!;
    expect((await hop(id)).body.approval).toBe(approval);
    const bob = await personSession(plane, 'bob');
    const card = (await (await bob.call('GET', `/v1/approvals/${approval}`)).json()) as unknown;
    expect(card).toMatchObject({ operation: 'task.delegate', arguments: { agent: OTHER_AGENT } });
    expect((await bob.call('POST', `/v1/approvals/${approval}/approve`)).status).toBe(200);

    expect((await hop(id, { purpose: 'read everything' })).status).toBe(403);
    const both = await Promise.all([hop(id), hop(id)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403]);
    expect(plane.store.tree(id, 10)).toHaveLength(2);
    expect(plane.store.approval(approval)?.state).toBe('spent');
    expect(
      plane.records().findLast((record) => record.kind === 'decision' && record.decision.outcome === 'permit'),
    ).toMatchObject({
      action: { operation: 'task.delegate' },
      approval: { id: approval },
    });
  });

  test('closes with the task', async () => {
    const { id } = await parent();
    const approval = (await hop(id)).body.approval!;
    await alice.call('POST', `/v1/tasks/${id}/complete`);
    const bob = await personSession(plane, 'bob');
    expect((await bob.call('POST', `/v1/approvals/${approval}/approve`)).status).toBe(409);
  });
});

test('a tree is shown to the parties of its task alone', async () => {
  const { id } = await parent();
  const { body: child } = await hop(id);
  const tree = async (session: Session) => (await session.call('GET', `/v1/tasks/${id}/tree`)).status;
  expect(await tree(planner)).toBe(200);
  expect(await tree(await agentSession(plane, OTHER_AGENT))).toBe(404);
  const shown = (await (await alice.call('GET', `/v1/tasks/${id}/tree`)).json()) as Wire;
  expect(shown.tasks!.map((task) => task.id)).toEqual([id, child.id]);
});
