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
import { sampleAction, sha256, summariser } from '../../test/fixtures/task.ts';
import type { Approval } from '../core/approval.ts';
import { deny } from '../core/decide.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { LogRecord } from '../core/record.ts';

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

  test('each rule is met by whom it names, and a person counts for all that name them', async () => {
    const { id, digest } = await ask({ approvers: ['note-owners', 'security', 'staff'] });
    expect(await (await approve(bob, id)).json()).toMatchObject({
      state: 'pending',
      rules: [
        { rule: 'note-owners', people: 1, given: 1 },
        { rule: 'security', people: 1, given: 0 },
        { rule: 'staff', people: 1, given: 1 },
      ],
      answers: [{ answer: 'approved', by: 'https://idp.example.test|bob' }],
    });
    expect(plane.store.givenApproval(task, digest, plane.clock.now())).toBeUndefined();
    expect(await (await approve(await personSession(plane, 'carol'), id)).json()).toMatchObject({ state: 'approved' });
  });

  test('two people: the same one in another session is the same one', async () => {
    const { id } = await ask({ approvers: ['2 of staff'] });
    expect((await approve(bob, id)).status).toBe(200);
    const again = await approve(await personSession(plane, 'bob'), id);
    expect([again.status, await again.json()]).toMatchObject([
      409,
      { detail: `you have approved \`${id}\` already; another person has to, too` },
    ]);
    expect((await approve(await personSession(plane, 'alice'), id)).status).toBe(403);
    expect(await (await approve(await personSession(plane, 'carol'), id)).json()).toMatchObject({ state: 'approved' });
  });

  test('one no ends it, whatever was said before', async () => {
    const { id } = await ask({ approvers: ['3 of staff'] });
    await approve(bob, id);
    const carol = await personSession(plane, 'carol');
    const no = await carol.call('POST', `/v1/approvals/${id}/refuse`, { reason: 'not today' });
    expect(await no.json()).toMatchObject({
      state: 'refused',
      answers: [{}, { answer: 'refused', reason: 'not today' }],
    });
    expect(plane.records().at(-1)).toMatchObject({ action: { arguments: { answer: 'refused', reason: 'not today' } } });
    expect((await approve(bob, id)).status).toBe(409);
  });

  test('the requester at another provider, with the same address, is the requester', async () => {
    const delegator = { issuer: 'https://other.example', subject: 'b', email: 'Bob@example.test' };
    const { id } = await ask({ requester: { agent: SUMMARISER, delegator } });
    expect((await approve(bob, id)).status).toBe(200);
    const second = await ask({ requester: { agent: SUMMARISER, delegator } });
    const mailed = await personSession(plane, 'bob', { email: 'bob@example.test' });
    expect((await approve(mailed, second.id)).status).toBe(403);
  });

  test('for another action than the one that was seen, the answer is not taken', async () => {
    const { id, digest } = await ask();
    const other = `sha256:${'f'.repeat(64)}`;
    expect((await bob.call('POST', `/v1/approvals/${id}/approve`, { digest: other })).status).toBe(409);
    expect(plane.store.approval(id)?.state).toBe('pending');
    expect((await bob.call('POST', `/v1/approvals/${id}/approve`, { digest })).status).toBe(200);
  });

  test('for an action under another policy set there is nothing to answer any more', async () => {
    const { id } = await ask({ policySet: `sha256:${'1'.repeat(64)}` });
    expect(await listed(bob, '?state=pending')).toEqual([]);
    expect(await listed(bob, '?state=closed')).toEqual([id]);
    const response = await approve(bob, id);
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { detail: expect.stringContaining('policy has changed') },
    ]);
  });

  test.each([[{ reason: '' }], [{ reason: 'x'.repeat(501) }], [{ reason: 1 }], [{ verdict: 'yes' }]])(
    'a body of another form is refused: %j',
    async (body) => {
      const { id } = await ask();
      expect((await bob.call('POST', `/v1/approvals/${id}/approve`, body)).status).toBe(400);
      expect(plane.store.approval(id)?.state).toBe('pending');
    },
  );

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

describe('a stronger sign-in', () => {
  const RULE = 'note-owners; acr phr phrh; max_age 300';

  test('is asked for by policy, in the words of RFC 9470, and needed for a yes alone', async () => {
    const { id } = await ask({ approvers: [RULE] });
    const response = await approve(bob, id);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(
      /^DPoP error="insufficient_user_authentication", algs="[^"]+", acr_values="phr phrh", max_age="300", resource_metadata="/,
    );
    expect(await response.json()).toMatchObject({
      type: 'urn:remit:problem:insufficient_user_authentication',
      acr_values: ['phr', 'phrh'],
      max_age: 300,
      detail:
        "to approve this you have to sign in again with `phr` or `phrh`, at most 300 seconds before you answer: `remit login --acr 'phr phrh' --max-age 300`",
    });
    expect(plane.records().at(-1)).toMatchObject({ event: 'request.refused', subject: { approval: id } });
    expect(plane.store.approval(id)).toMatchObject({ state: 'pending', answers: [] });
    expect((await refuse(bob, id)).status).toBe(200);
  });

  test.each([
    ['strong and fresh', { acr: 'phrh' }, 200],
    ['strong and old', { acr: 'phr', auth_time: Math.floor(Date.now() / 1000) - 3000 }, 401],
    ['strong, and nobody knows how old', { acr: 'phr', auth_time: undefined }, 401],
    ['fresh and weak', { acr: 'pwd' }, 401],
    ['unknown', { acr: undefined }, 401],
  ])('%s', async (_name, claims, status) => {
    const { id } = await ask({ approvers: [RULE] });
    expect((await approve(await personSession(plane, 'bob', claims), id)).status).toBe(status);
  });

  test('is asked for by the configuration, for data of that sensitivity alone', async () => {
    await plane.close();
    plane = await openControlPlane({ stepUps: { restricted: { acrValues: ['phr'], maxAgeSeconds: null } } });
    [alice, bob] = [await personSession(plane, 'alice'), await personSession(plane, 'bob')];
    task = (await requestTask(alice)).id;
    const { card } = sampleApproval(task, 0);
    const restricted = await ask({ card: { ...card, sensitivity: 'restricted' } });
    expect((await approve(bob, restricted.id)).status).toBe(401);
    expect((await approve(await personSession(plane, 'bob', { acr: 'phr' }), restricted.id)).status).toBe(200);
    expect((await approve(bob, (await ask()).id)).status).toBe(200);
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
      risk: 'medium',
      rules: [{ rule: 'note-owners', people: 1, given: 0, names: ['note-owners'] }],
      so_far: { calls: 0, budget: 100, actions: [] },
      alike: { approved: 0, refused: 0, last: [] },
    });
  });

  test('long arguments are cut in the list, which says so, and in full alone; what hides is visible', async () => {
    const { card } = sampleApproval(task, 0);
    const content = `${'x'.repeat(5_000)}\u202eend`;
    const { id } = await ask({
      card: { ...card, arguments: { 'pa\u200bth': 'out/\u0430a', content, password: 'hunter2' } },
    });
    type Shown = { cut: boolean; arguments: { content: string }; shown: { name: string; text: string }[] };
    const listing = await bob.call('GET', '/v1/approvals');
    const [inList] = ((await listing.json()) as { approvals: Shown[] }).approvals;
    expect(inList).toMatchObject({
      cut: true,
      shown: [
        { name: 'pa\\u{200b}th', text: '"out/\u0430a"', cut: false, notes: ['hidden_characters', 'mixed_scripts'] },
        { name: 'content', length: 5013, cut: true, notes: ['hidden_characters', 'turns_text_around'] },
        { name: 'password' },
      ],
    });
    expect(inList!.shown[1]!.text).toHaveLength(1001);
    expect(inList!.arguments.content).toMatch(/\[cut: 5004 characters in all\]$/);
    const alone = (await (await bob.call('GET', `/v1/approvals/${id}`)).json()) as Shown;
    expect(alone.cut).toBe(false);
    expect(alone.arguments.content).toBe(content);
    expect(alone.shown[1]!.text).toBe(`"${'x'.repeat(5_000)}\\u{202e}end"`);
  });

  test('what the task did so far, and how the like of it was answered', async () => {
    const first = await ask();
    await bob.call('POST', `/v1/approvals/${first.id}/refuse`, { reason: 'wrong folder' });
    await approve(bob, (await ask()).id);
    const at = plane.clock.now();
    await plane.store.admit({ chain: [task], counted: true, approval: null }, [permitted(task, at)]);
    const { id } = await ask();
    expect(await (await bob.call('GET', `/v1/approvals/${id}`)).json()).toMatchObject({
      so_far: {
        calls: 1,
        budget: 100,
        actions: [{ target: 'files', operation: 'read_text_file', effect: 'read', times: 1 }],
      },
      alike: {
        approved: 1,
        refused: 1,
        last: [
          { answer: 'approved', by: 'https://idp.example.test|bob' },
          { answer: 'refused', by: 'https://idp.example.test|bob', reason: 'wrong folder' },
        ],
      },
    });
  });
});

/** The record of a call that was permitted. */
function permitted(id: string, time: number): LogRecord {
  const chain = plane.store.chain(id);
  const action = sampleAction();
  const input = {
    now: time,
    fresh: true,
    action,
    agent: summariser,
    delegator: chain[0]!.task.delegator,
    chain,
    token: null,
    approval: null,
  };
  const decision = { ...deny({ code: 'policy_permits', message: 'x' }, 'sha256:0'), outcome: 'permit' as const };
  const about = { id: 'rec_permitted', request: 'req_1', input, decision, approval: null, token: null };
  return decisionRecord(about, sha256);
}
