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
    plane = await openControlPlane({
      approvals: { stepUps: { restricted: { acrValues: ['phr'], maxAgeSeconds: null } } },
    });
    [alice, bob] = [await personSession(plane, 'alice'), await personSession(plane, 'bob')];
    task = (await requestTask(alice)).id;
    const { card } = sampleApproval(task, 0);
    const restricted = await ask({ card: { ...card, sensitivity: 'restricted' } });
    expect((await approve(bob, restricted.id)).status).toBe(401);
    expect((await approve(await personSession(plane, 'bob', { acr: 'phr' }), restricted.id)).status).toBe(200);
    expect((await approve(bob, (await ask()).id)).status).toBe(200);
  });
});

test('for whoever has asked, in the shape of the AuthZEN access request profile', async () => {
  const status = async (id: string, session = alice) => {
    const response = await session.call('GET', `/v1/access-requests/${id}`);
    return response.status === 200 ? ((await response.json()) as { task: { status: string } }) : response.status;
  };
  const [given, refused, over] = [await ask(), await ask(), await ask({ expiresAt: plane.clock.now() + 1_000 })];
  expect(await status(given.id)).toEqual({
    task: {
      id: given.id,
      status: 'pending',
      status_endpoint: `https://remit.example.test/v1/access-requests/${given.id}`,
      expires_at: new Date(given.expiresAt).toISOString(),
    },
  });
  await approve(bob, given.id);
  await refuse(bob, refused.id);
  expect(await status(given.id)).toMatchObject({
    task: { status: 'approved' },
    result: {
      mode: 'reevaluate',
      approval: { id: given.id, state: 'active', approved_until: new Date(given.expiresAt).toISOString() },
    },
  });
  await plane.store.admit({ chain: [task], counted: true, approval: given.id }, []);
  expect(await status(given.id)).toMatchObject({
    task: { status: 'approved' },
    result: { approval: { state: 'consumed' } },
  });
  plane.clock.advance(2_000);
  expect([await status(refused.id), await status(over.id)]).toMatchObject([
    { task: { status: 'denied' } },
    { task: { status: 'expired' } },
  ]);
  expect(await status(given.id, await personSession(plane, 'carol'))).toBe(404);
});

describe('many at once', () => {
  test('each is answered as it was shown, and recorded by itself; one that is not taken stops no other', async () => {
    const [first, second, own] = [await ask(), await ask(), await ask({ approvers: ['security'] })];
    const answers = [
      { id: first.id, digest: first.digest, answer: 'approved' },
      { id: second.id, digest: first.digest, answer: 'approved' },
      { id: own.id, digest: own.digest, answer: 'approved' },
      { id: second.id, digest: second.digest, answer: 'refused', reason: 'no' },
    ];
    const response = await bob.call('POST', '/v1/approvals/answers', { answers });
    expect(await response.json()).toEqual({
      results: [
        { id: first.id, state: 'approved' },
        { id: second.id, problem: expect.stringContaining('another action than the one you saw') },
        { id: own.id, problem: expect.stringContaining('there is no approval') },
        { id: second.id, state: 'refused' },
      ],
    });
    const recorded = plane
      .records()
      .flatMap((record) =>
        record.kind === 'decision' && record.action.operation === 'approval.answer' ? [record.action.arguments] : [],
      );
    expect(recorded).toEqual([
      { answer: 'approved', digest: first.digest },
      { answer: 'refused', digest: second.digest, reason: 'no' },
    ]);
  });

  test('nothing is answered by a request of another form', async () => {
    const { id, digest } = await ask();
    for (const answers of [[], [{ id, answer: 'approved' }], [{ id, digest, answer: 'maybe' }], 'all']) {
      expect((await bob.call('POST', '/v1/approvals/answers', { answers })).status).toBe(400);
    }
    expect(plane.store.approval(id)?.state).toBe('pending');
  });
});

describe('how much somebody answers', () => {
  const withLimit = async (beyond: 'warn' | 'others') => {
    await plane.close();
    plane = await openControlPlane({ approvals: { load: { answersPerHour: 2, beyond } } });
    [alice, bob] = [await personSession(plane, 'alice'), await personSession(plane, 'bob')];
    task = (await requestTask(alice)).id;
  };
  const loadOf = async (session: Session) =>
    ((await (await session.call('GET', '/v1/approvals')).json()) as { load: object }).load;

  test('is shown, and beyond the limit warned of', async () => {
    await withLimit('warn');
    expect(await loadOf(bob)).toEqual({ last_hour: 0, last_day: 0, limit_per_hour: 2, over: false, beyond: 'warn' });
    await approve(bob, (await ask()).id);
    await refuse(bob, (await ask()).id);
    expect(await loadOf(bob)).toMatchObject({ last_hour: 2, last_day: 2, over: true });
    expect((await approve(bob, (await ask()).id)).status).toBe(200);
    expect(await loadOf(await personSession(plane, 'carol'))).toMatchObject({ last_hour: 0 });
  });

  test('where others are to answer then, a yes is refused and a no is not', async () => {
    await withLimit('others');
    for (let n = 0; n < 2; n++) await approve(bob, (await ask()).id);
    const { id } = await ask({ approvers: ['staff'] });
    const response = await approve(bob, id);
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { detail: expect.stringContaining('you have answered 2 in the last hour') },
    ]);
    expect((await approve(await personSession(plane, 'carol'), id)).status).toBe(200);
    expect((await refuse(bob, (await ask()).id)).status).toBe(200);
  });
});

describe('the next so many like this', () => {
  const NEXT = { uses: 3, minutes: 5, vary: { arguments: { content: null } } };
  const give = async (id: string, next: object = NEXT) => bob.call('POST', `/v1/approvals/${id}/approve`, { next });

  test('is given with a yes, recorded with it, listed, and taken back', async () => {
    const { id } = await ask();
    expect(await (await give(id)).json()).toMatchObject({ state: 'approved', standing: [{ uses_left: 3 }] });
    expect(plane.records().at(-1)).toMatchObject({ action: { arguments: { answer: 'approved', next: NEXT } } });
    const list = async (session: Session, query = '') =>
      (await (await session.call('GET', `/v1/standing-answers${query}`)).json()) as {
        standing_answers: { id: string }[];
      };
    const { standing_answers: found } = await list(bob);
    expect(found).toMatchObject([
      {
        state: 'active',
        task,
        approval: id,
        target: 'files',
        operation: 'write_file',
        resources: [{ exactly: 'file:out/summary.md' }],
        arguments: { path: { exactly: 'out/summary.md' }, content: { any: true } },
        given_by: ['https://idp.example.test|bob'],
        uses: 3,
      },
    ]);
    expect(await list(alice)).toEqual({ standing_answers: found });
    const carol = await personSession(plane, 'carol');
    expect(await list(carol)).toEqual({ standing_answers: [] });
    const revoke = (session: Session) => session.call('POST', `/v1/standing-answers/${found[0]!.id}/revoke`);
    expect((await revoke(carol)).status).toBe(404);
    expect(await (await revoke(alice)).json()).toMatchObject({ state: 'revoked', uses_left: 3 });
    expect((await revoke(bob)).status).toBe(409);
    expect(await list(bob)).toEqual({ standing_answers: [] });
    expect((await list(bob, '?all=true')).standing_answers).toHaveLength(1);
  });

  test.each<[string, object, number]>([
    ['more uses than the configuration allows', { ...NEXT, uses: 11 }, 400],
    ['more minutes than the configuration allows', { ...NEXT, minutes: 31 }, 400],
    ['no uses', { ...NEXT, uses: 0 }, 400],
    ['an argument that there is not', { ...NEXT, vary: { arguments: { other: null } } }, 400],
    ['a pattern that the action is not like', { ...NEXT, vary: { arguments: { path: 'in/*' } } }, 400],
    ['resources that the action is outside of', { ...NEXT, vary: { resources: ['file:in/**'] } }, 400],
  ])('%s: nothing is answered', async (_name, next, status) => {
    const { id } = await ask();
    expect((await give(id, next)).status).toBe(status);
    expect(plane.store.approval(id)?.state).toBe('pending');
    expect(plane.store.standingFor(task)).toEqual([]);
  });

  test('where several people have to approve, each action is answered by itself', async () => {
    const { id } = await ask({ approvers: ['2 of staff'] });
    expect((await give(id)).status).toBe(403);
  });

  test('nor where the configuration has none', async () => {
    await plane.close();
    plane = await openControlPlane({ approvals: { standing: { maxUses: 0, maxMinutes: 30 } } });
    [alice, bob] = [await personSession(plane, 'alice'), await personSession(plane, 'bob')];
    task = (await requestTask(alice)).id;
    expect((await give((await ask()).id)).status).toBe(403);
  });

  test('it does not outlive its task', async () => {
    const short = await requestTask(alice, { lifetime_seconds: 60 });
    const { id } = await ask({ task: short.id });
    await give(id, { ...NEXT, minutes: 30 });
    const [standing] = plane.store.standingFor(short.id);
    expect(standing!.expiresAt).toBe(plane.store.task(short.id)!.window.expiresAt);
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
