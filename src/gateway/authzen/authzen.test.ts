import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../../test/fixtures/control-plane.ts';
import type { TargetConfig } from '../../config/config.ts';
import { Unavailable } from '../../core/errors.ts';
import type { DecisionRecord } from '../../core/record.ts';
import { unfinishedOutcomes } from '../../audit/unfinished.ts';

const POLICIES = {
  'test.cedar': `
    permit (principal, action, resource);
    @id("secret") @reason("secrets are nobody's")
    forbid (principal, action, resource) when { context has args && context.args has resource && context.args.resource.id == "secret" };
    @id("owned") @reason("only what one owns is changed")
    forbid (principal is Person, action == Action::"records:change", resource)
      unless { context.args.resource.properties has owner && context.args.resource.properties.owner == principal.subject };
    @id("held") @approval("note-owners") @reason("somebody has to agree")
    forbid (principal, action == Action::"records:remove", resource);
    @id("twice") @reason("at most two exports")
    forbid (principal, action == Action::"records:export", resource)
      when { context.task.did has "records:export" && context.task.did["records:export"].times >= 2 };`,
};

const evaluation = (action: string, more = {}) => ({
  action,
  resource: 'record',
  properties: { owner: { type: 'string' } },
  actionProperties: {},
  context: {},
  ...more,
});
const RECORDS: TargetConfig = {
  name: 'records',
  kind: 'authzen',
  upstream: { kind: 'none' },
  sensitivity: 'internal',
  timeoutMs: 1000,
  maxAnswerBytes: Infinity,
  clientCapabilities: [],
  operations: {
    read: { effect: 'read', resources: ['record:{resource.id|path}'], evaluation: evaluation('read') },
    change: {
      effect: 'write',
      resources: ['record:{resource.id|path}'],
      evaluation: evaluation('change', { context: { ticket: { type: 'string' } } }),
    },
    remove: { effect: 'delete', resources: ['record:{resource.id|path}'], evaluation: evaluation('remove') },
    export: { effect: 'read', resources: ['record:{resource.id|path}'], evaluation: evaluation('export') },
  },
};

let plane: ControlPlane;
let server: Server;
let alice: Session;
let agent: Session;
let task: string;
let token: string;

beforeEach(async () => {
  plane = await openControlPlane({ policies: POLICIES, targets: [RECORDS, { ...RECORDS, name: 'others' }] });
  const listener = getRequestListener((request) => plane.app.fetch(request), { overrideGlobalObjects: false });
  server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  alice = await personSession(plane, 'alice');
  agent = await agentSession(plane);
  const grant = [{ target: 'records', operations: ['read', 'change', 'remove', 'export'], resources: ['record:**'] }];
  ({ id: task } = await requestTask(alice, { grant, budget: { calls: 10 } }));
  token = await tokenFor(task);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await plane.close();
  expect(plane.faults).toEqual([]);
});

async function tokenFor(id: string, resource = `${ISSUER}/authzen/records`): Promise<string> {
  const answer = await agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, id),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource,
  });
  const { access_token: accessToken } = (await answer.json()) as { access_token: string };
  return accessToken;
}

const SUBJECT = { type: 'agent', id: SUMMARISER };
const read = (id: string, more: object = {}) => ({
  subject: SUBJECT,
  action: { name: 'read' },
  resource: { type: 'record', id },
  ...more,
});

type Sent = { accessToken?: string; path?: string; headers?: Record<string, string> };

async function send(path: string, body: unknown, sent: Sent = {}): Promise<Response> {
  const { accessToken = token, headers } = sent;
  const proof = await agent.proof({ method: 'POST', url: `${ISSUER}${path}`, accessToken });
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method: 'POST',
    headers: { authorization: `DPoP ${accessToken}`, dpop: proof, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

type Answered = {
  decision: boolean;
  context: Record<string, never> & { remit?: { codes: string[]; decision: string } };
};

async function ask(body: unknown, sent: Sent = {}): Promise<Answered> {
  const answer = await send(sent.path ?? '/access/v1/evaluation', body, sent);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answered;
}

async function askAll(body: object, sent: Sent = {}): Promise<Answered[]> {
  const answer = await send('/access/v1/evaluations', body, sent);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { evaluations: Answered[] }).evaluations;
}

const decisions = () =>
  plane
    .records()
    .filter((record): record is DecisionRecord => record.kind === 'decision' && record.action.target === 'records');
const used = () => plane.store.chain(task)[0]!.used.calls;
const shown = (answers: Answered[]) => answers.map(({ decision }) => decision);

describe('one question', () => {
  test('is decided as any action, recorded before the answer, and counted', async () => {
    const { decision, context } = await ask(read('7', { context: { time: 'now' } }));
    expect(decision).toBe(true);
    const [record] = decisions();
    expect(context).toEqual({ evaluation_id: record!.id });
    expect(record).toMatchObject({
      decision: { outcome: 'permit' },
      agent: { id: SUMMARISER },
      delegator: { subject: 'alice' },
      task: { id: task },
      enforced_by: 'caller',
      action: {
        operation: 'read',
        resources: ['record:7'],
        arguments: { resource: { id: '7', properties: {} }, action: { properties: {} }, context: {} },
      },
      facts: { action: { provenance: { resource: expect.any(String) as string } } },
    });
    expect(used()).toBe(1);
    expect(plane.store.chain(task)[0]?.labels).toContain('origin:records:read');
    expect(plane.store.chain(task)[0]?.done?.['records:read']).toMatchObject({ times: 1, succeeded: 0 });
  });

  test('no outcome follows, and none is made up by the next start', async () => {
    await ask(read('7'));
    await plane.store.append([]);
    expect(plane.records().filter(({ kind }) => kind === 'outcome')).toEqual([]);
    expect(unfinishedOutcomes(plane.store, { clock: Date.now, newId: () => 'rec_1' })).toEqual([]);
  });

  test('what policy forbids is false, with why', async () => {
    const { decision, context } = await ask(read('secret'));
    expect(decision).toBe(false);
    expect(context).toMatchObject({
      evaluation_id: decisions()[0]!.id,
      evaluated_at: expect.stringMatching(/Z$/) as string,
      reason: "denied: secrets are nobody's",
      remit: { decision: 'deny', codes: ['policy_forbids'] },
    });
    expect(used()).toBe(0);
  });

  test('policy sees properties of the resource, and what the operation takes of the context', async () => {
    const change = (owner: string) => ({
      ...read('7', { context: { ticket: 'T-1', other: 1 } }),
      action: { name: 'change' },
      resource: { type: 'record', id: '7', properties: { owner, more: [1] } },
    });
    expect((await ask(change('bob'))).decision).toBe(false);
    expect((await ask(change('alice'))).decision).toBe(true);
    expect(decisions().at(-1)!.action.arguments).toEqual({
      resource: { id: '7', properties: { owner: 'alice', more: [1] } },
      action: { properties: {} },
      context: { ticket: 'T-1' },
    });
  });

  test('what is no operation, or of nobody who has proven to ask, is denied and recorded', async () => {
    const cases: [string, object, string][] = [
      ['an operation that there is none', { action: { name: 'zap' } }, 'unknown_operation'],
      ['a type of resource that there is none', { resource: { type: 'user', id: '7' } }, 'unknown_operation'],
      ['a resource that leads elsewhere', { resource: { type: 'record', id: '../7' } }, 'unresolved_resource'],
      ['a resource with a control character', { resource: { type: 'record', id: 'a\u0000' } }, 'unresolved_resource'],
      ['another agent', { subject: { type: 'agent', id: 'spiffe://remit.local/agent/other' } }, 'unproven_subject'],
      ['another person', { subject: { type: 'user', id: 'bob' } }, 'unproven_subject'],
      ['the agent as a person', { subject: { type: 'user', id: SUMMARISER } }, 'unproven_subject'],
      ['a type of subject that there is none', { subject: { type: 'root', id: 'alice' } }, 'unproven_subject'],
    ];
    for (const [what, change, code] of cases) {
      const { decision, context } = await ask({ ...read('7'), ...change });
      expect([what, decision, context.remit?.codes]).toEqual([what, false, [code]]);
    }
    expect(decisions().map((record) => record.decision.outcome)).toEqual(cases.map(() => 'deny'));
    expect(used()).toBe(0);
  });

  test('the subject may be named as the task, the delegator, or `sub` of the token', async () => {
    const names = { task, user: 'alice', identity: 'https://idp.example.test|alice' };
    for (const [type, id] of Object.entries(names)) {
      expect((await ask(read('7', { subject: { type, id } }))).decision).toBe(true);
    }
  });

  test('at the decision point of the target, which the token has to be for', async () => {
    const path = '/authzen/records/access/v1/evaluation';
    expect((await ask(read('7'), { path })).decision).toBe(true);
    expect((await send('/authzen/others/access/v1/evaluation', read('7'))).status).toBe(401);
    expect((await send('/authzen/files/access/v1/evaluation', read('7'))).status).toBe(404);
  });

  test('a hold asks somebody, and once approved exactly that question is permitted, once', async () => {
    const remove = read('7', { action: { name: 'remove' } });
    const first = await ask(remove);
    expect(first).toMatchObject({
      decision: false,
      context: {
        access_request: {
          status: 'pending',
          status_endpoint: expect.stringContaining('/v1/access-requests/') as string,
        },
        remit: { decision: 'hold' },
      },
    });
    const id = plane.store.approvals({ limit: 9 })[0]!.id;
    const by = { issuer: 'https://idp.example.test', subject: 'bob', groups: ['note-owners'] };
    await plane.store.answerApproval({ id, to: 'approved', by, at: plane.clock.now() }, []);
    expect((await ask({ ...remove, resource: { type: 'record', id: '8' } })).decision).toBe(false);
    expect((await ask(remove)).decision).toBe(true);
    expect((await ask(remove)).decision).toBe(false);
  });
});

describe('whoever asks proves who they are', () => {
  const refused = async (answer: Promise<Response>) => {
    const { status, headers } = await answer;
    return [status, headers.get('www-authenticate')?.split(' ')[0]];
  };
  test('without a token, or with one that is bound and shown as a bearer token', async () => {
    const headers = { authorization: '', dpop: '' };
    expect(await refused(send('/access/v1/evaluation', read('7'), { headers }))).toEqual([401, 'DPoP']);
    headers.authorization = `Bearer ${token}`;
    expect(await refused(send('/access/v1/evaluation', read('7'), { headers }))).toEqual([401, 'DPoP']);
    expect(decisions()).toEqual([]);
  });
  test('with a token for something else', async () => {
    const { accessToken } = agent;
    expect(await refused(send('/access/v1/evaluation', read('7'), { accessToken }))).toEqual([401, 'DPoP']);
  });
  test('with a proof for another endpoint, or for the second time', async () => {
    const dpop = await agent.proof({
      method: 'POST',
      url: `${ISSUER}/access/v1/evaluations`,
      accessToken: token,
    });
    expect((await send('/access/v1/evaluation', read('7'), { headers: { dpop } })).status).toBe(401);
    expect((await send('/access/v1/evaluations', read('7'), { headers: { dpop } })).status).toBe(200);
    expect((await send('/access/v1/evaluations', read('7'), { headers: { dpop } })).status).toBe(401);
  });
  test('under a task that has ended: denied and recorded', async () => {
    await plane.store.endTask({ id: task, to: 'revoked', at: plane.clock.now(), reason: 'test' }, () => []);
    expect((await ask(read('7'))).context.remit?.codes).toEqual(['task_not_live']);
  });
});

test('what cannot be read is 400, and nothing is recorded', async () => {
  const one: [string, unknown][] = [
    ['no JSON', '{'],
    ['nothing', ''],
    ['a list', [read('7')]],
    ['no subject', { ...read('7'), subject: undefined }],
    ['a subject without id', { ...read('7'), subject: { type: 'agent' } }],
    ['a subject that is none', { ...read('7'), subject: null }],
    ['an action without name', { ...read('7'), action: {} }],
    ['a resource with a number for its id', { ...read('7'), resource: { type: 'record', id: 7 } }],
    ['properties that are none', { ...read('7'), resource: { type: 'record', id: '7', properties: [] } }],
    ['a context that is none', { ...read('7'), context: 'x' }],
    ['a member that stands twice', '{"action":{"name":"read"},"action":{"name":"zap"}}'],
    ['a number that would be rounded', '{"action":{"name":"read"},"context":{"n":9007199254740993}}'],
    ['`__proto__`', '{"__proto__":{},"action":{"name":"read"}}'],
  ];
  const several: [string, object][] = [
    ['evaluations that are no list', { ...read('7'), evaluations: {} }],
    [
      'much that stands in for members of many',
      { ...read('7'), context: { ticket: 'x'.repeat(20_000) }, evaluations: Array.from({ length: 60 }, () => ({})) },
    ],
    ['more than a hundred', { ...read('7'), evaluations: Array.from({ length: 101 }, () => ({})) }],
    ['too much beside the list', { ...read('7', { context: { x: 'x'.repeat(20_000) } }), evaluations: [{}] }],
    ['a default that is none', { ...read('7'), subject: 'me', evaluations: [{}] }],
    ['options that are none', { ...read('7'), evaluations: [{}], options: [] }],
    ['semantics that are none', { ...read('7'), evaluations: [{}], options: { evaluations_semantic: 'any' } }],
  ];
  const cases = [
    ...one.map(([what, body]) => ['evaluation', what, body] as const),
    ...several.map(([what, body]) => ['evaluations', what, body] as const),
  ];
  for (const [endpoint, what, body] of cases) {
    expect([what, (await send(`/access/v1/${endpoint}`, body)).status]).toEqual([what, 400]);
  }
  const headers = { 'content-type': 'text/plain' };
  expect((await send('/access/v1/evaluation', read('7'), { headers })).status).toBe(400);
  const large = read('7', { context: { x: 'x'.repeat(2_000_000) } });
  expect((await send('/access/v1/evaluation', large)).status).toBe(413);
  expect(decisions()).toEqual([]);
});

test('X-Request-ID comes back, also with an error, unless it could not be one', async () => {
  const headers = { 'x-request-id': 'r-1' };
  expect((await send('/access/v1/evaluation', read('7'), { headers })).headers.get('x-request-id')).toBe('r-1');
  expect((await send('/access/v1/evaluation', '{', { headers })).headers.get('x-request-id')).toBe('r-1');
  headers['x-request-id'] = 'x'.repeat(300);
  expect((await send('/access/v1/evaluation', read('7'), { headers })).headers.get('x-request-id')).toBeNull();
});

describe('several questions', () => {
  const many = (ids: string[], more: object = {}) => ({
    subject: SUBJECT,
    action: { name: 'read' },
    evaluations: ids.map((id) => ({ resource: { type: 'record', id } })),
    ...more,
  });

  test('have an answer, a decision and a record each, in their order and in one commit', async () => {
    let commits = 0;
    plane.store.onCommit(() => void (commits += 1));
    const answers = await askAll(many(['1', 'secret', '3']));
    expect(shown(answers)).toEqual([true, false, true]);
    expect(decisions().map(({ action, decision }) => [action.resources[0], decision.outcome])).toEqual([
      ['record:1', 'permit'],
      ['record:secret', 'deny'],
      ['record:3', 'permit'],
    ]);
    expect(answers.map(({ context }) => context['evaluation_id'])).toEqual(decisions().map(({ id }) => id));
    expect(new Set(decisions().map(({ request }) => request)).size).toBe(3);
    expect([commits, used()]).toEqual([1, 2]);
  });

  test('an entry overrides what stands beside the list, and what is wrong with it is its own answer', async () => {
    const answers = await askAll({
      ...read('1'),
      evaluations: [
        {},
        { action: { name: 'zap' } },
        { resource: { type: 'record' } },
        5,
        { resource: { type: 'record', id: '2' } },
      ],
    });
    expect(shown(answers)).toEqual([true, false, false, false, true]);
    expect(answers[2]!.context).toEqual({ error: { status: 400, message: '`resource.id` is missing or not a text' } });
    expect(answers[3]!.context).toEqual({ error: { status: 400, message: 'the entry is not an object' } });
    expect(decisions()).toHaveLength(3);
  });

  test('without a list it is one question, and one answer', async () => {
    const answer = await send('/access/v1/evaluations', read('1', { evaluations: [] }));
    expect(await answer.json()).toMatchObject({ decision: true });
  });

  test('deny_on_first_deny ends with it, and what stands behind is neither decided nor counted', async () => {
    const options = { evaluations_semantic: 'deny_on_first_deny' };
    expect(shown(await askAll(many(['1', '2', 'secret', '4'], { options })))).toEqual([true, true, false]);
    expect([decisions().length, used()]).toEqual([3, 2]);
    const unreadable = { subject: SUBJECT, evaluations: [read('1'), {}, read('2')], options };
    expect(shown(await askAll(unreadable))).toEqual([true, false]);
    expect(used()).toBe(3);
  });

  test('permit_on_first_permit likewise', async () => {
    const options = { evaluations_semantic: 'permit_on_first_permit' };
    expect(shown(await askAll(many(['secret', '', '2', '3'], { options })))).toEqual([false, false, true]);
    expect([decisions().length, used()]).toEqual([2, 1]);
  });

  test('the budget is exact: what is beyond it is denied, in order', async () => {
    const answers = await askAll(many(Array.from({ length: 12 }, (_none, n) => `${n}`)));
    expect(shown(answers)).toEqual([...Array.from({ length: 10 }, () => true), false, false]);
    expect(answers[11]!.context.remit?.codes).toEqual(['over_budget']);
    expect(used()).toBe(10);
  });

  test('two calls at once take no more than there is', async () => {
    const ids = Array.from({ length: 8 }, (_none, n) => `${n}`);
    const answers = await Promise.all([askAll(many(ids)), askAll(many(ids)), ask(read('x'))]);
    expect(answers.flat().filter(({ decision }) => decision)).toHaveLength(10);
    expect([used(), decisions().length]).toEqual([10, 17]);
  });

  test('each is decided on what those before it have done', async () => {
    const answers = await askAll(many(['1', '2', '3'], { action: { name: 'export' } }));
    expect(shown(answers)).toEqual([true, true, false]);
    expect(answers[2]!.context).toMatchObject({ reason: 'denied: at most two exports' });
  });

  test('they come out as if each had come alone, after the one before', async () => {
    const question = fc.record({
      name: fc.constantFrom('read', 'export', 'change', 'remove', 'zap'),
      id: fc.constantFrom('1', '2', 'secret', '../x'),
      owner: fc.constantFrom('alice', 'bob'),
    });
    let made = 0;
    const budget = { calls: 5, effects: { read: 3 }, operations: { 'records:change': 1 } };
    await fc.assert(
      fc.asyncProperty(fc.array(question, { minLength: 1, maxLength: 9 }), async (asked) => {
        const base = { ...plane.store.task(task)!, budget };
        const [alone, together] = [`task_a${(made += 1)}`, `task_b${made}`] as const;
        for (const id of [alone, together]) await plane.store.createTask({ ...base, id }, []);
        const questions = asked.map(({ name, id, owner }) => ({
          ...read(id, { action: { name } }),
          resource: { type: 'record', id, properties: { owner } },
        }));
        const singly: Answered[] = [];
        const accessToken = await tokenFor(alone);
        for (const each of questions) singly.push(await ask(each, { accessToken }));
        const all = await askAll({ evaluations: questions }, { accessToken: await tokenFor(together) });
        const told = ({ decision, context }: Answered) => [decision, context.remit?.codes];
        expect(all.map(told)).toEqual(singly.map(told));
        const [one, other] = [plane.store.chain(alone)[0]!, plane.store.chain(together)[0]!];
        expect([other.used, other.labels]).toEqual([one.used, one.labels]);
        const times = ({ done = {} }: typeof one) => Object.entries(done).map(([name, each]) => [name, each.times]);
        expect(times(other)).toEqual(times(one));
      }),
      { numRuns: 6 },
    );
  });

  test('a hold among them asks, and the others are decided', async () => {
    const evaluations = [read('1'), read('2', { action: { name: 'remove' } }), read('3')];
    const answers = await askAll({ evaluations });
    expect(shown(answers)).toEqual([true, false, true]);
    expect(answers[1]!.context.remit?.decision).toBe('hold');
    expect(decisions().map(({ decision }) => decision.outcome)).toEqual(['permit', 'hold', 'permit']);
  });

  test('a step outside ends a task that nobody watches, and what stands behind it is denied', async () => {
    const profile = { name: 'summary', version: 1, digest: 'sha256:0', automated: true } as const;
    await plane.store.createTask({ ...plane.store.task(task)!, id: 'task_auto', profile }, []);
    const accessToken = await tokenFor('task_auto');
    const answers = await askAll(
      { evaluations: [read('1'), read('2', { action: { name: 'zap' } }), read('3')] },
      { accessToken },
    );
    expect(shown(answers)).toEqual([true, false, false]);
    expect(answers[2]!.context.remit?.codes).toEqual(['task_not_live']);
    expect(plane.store.task('task_auto')?.state).toBe('revoked');
  });

  test('one approval is for one of two alike', async () => {
    const remove = read('7', { action: { name: 'remove' } });
    await ask(remove);
    const id = plane.store.approvals({ limit: 9 })[0]!.id;
    const by = { issuer: 'https://idp.example.test', subject: 'bob', groups: ['note-owners'] };
    await plane.store.answerApproval({ id, to: 'approved', by, at: plane.clock.now() }, []);
    expect(shown(await askAll({ evaluations: [remove, remove, read('1')] }))).toEqual([true, false, true]);
  });

  test('INVARIANT 6: the task ends between decision and record: nothing is permitted from there on', async () => {
    const admitInOrder = plane.store.admitInOrder.bind(plane.store);
    let calls = 0;
    plane.store.admitInOrder = async (entries) => {
      calls += 1;
      if (calls > 1) return admitInOrder(entries);
      const first = await admitInOrder(entries.slice(0, 1));
      await plane.store.endTask({ id: task, to: 'revoked', at: plane.clock.now(), reason: 'test' }, () => []);
      return first + (await admitInOrder(entries.slice(1)));
    };
    const answers = await askAll(many(['1', '2', '3']));
    expect(shown(answers)).toEqual([true, false, false]);
    expect(decisions().map(({ decision }) => decision.reasons[0]?.code)).toEqual([
      'policy_permits',
      'task_not_live',
      'task_not_live',
    ]);
  });

  test('INVARIANT 5: what cannot be recorded is not permitted, and the whole call fails', async () => {
    const admitInOrder = plane.store.admitInOrder.bind(plane.store);
    plane.store.admitInOrder = () => Promise.reject(new Unavailable('the change could not be stored'));
    expect((await send('/access/v1/evaluations', many(['1', '2']))).status).toBe(503);
    plane.store.admitInOrder = async () => 0;
    expect((await send('/access/v1/evaluations', many(['1', '2']))).status).toBe(503);
    plane.store.admitInOrder = admitInOrder;
    expect(decisions()).toEqual([]);
  });
});

test('what a decision point says of itself', async () => {
  const metadata = async (path: string) => plane.app.request(`/.well-known/authzen-configuration${path}`);
  expect(await (await metadata('')).json()).toEqual({
    policy_decision_point: ISSUER,
    access_evaluation_endpoint: `${ISSUER}/access/v1/evaluation`,
    access_evaluations_endpoint: `${ISSUER}/access/v1/evaluations`,
  });
  expect(await (await metadata('/authzen/records')).json()).toMatchObject({
    policy_decision_point: `${ISSUER}/authzen/records`,
    access_evaluation_endpoint: `${ISSUER}/authzen/records/access/v1/evaluation`,
  });
  expect((await metadata('/authzen/files')).status).toBe(404);
  const refused = await send('/authzen/records/access/v1/evaluation', read('7'), { headers: { authorization: '' } });
  const [, url = ''] = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? [];
  expect(await (await plane.app.request(url.slice(ISSUER.length))).json()).toMatchObject({
    resource: `${ISSUER}/authzen/records`,
  });
});
