import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  quickstartPolicies,
  requestTask,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import type { Task } from '../core/task.ts';

let plane: ControlPlane;
let alice: Session;
let carol: Session;
let agent: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  carol = await personSession(plane, 'carol');
  agent = await agentSession(plane);
});
afterEach(() => plane.close());

const HOP = { agent: OTHER_AGENT, purpose: 'read', grant: [{ target: 'files', effects: ['read'] }] };

async function publish(extra: string): Promise<void> {
  const files = { ...quickstartPolicies(), 'extra.cedar': extra };
  const response = await carol.call('POST', '/v1/policy/publish', { files });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  await plane.decideAgain.settled();
}
const hop = async (id: string) =>
  ((await (await agent.call('POST', `/v1/tasks/${id}/hops`, HOP)).json()) as { id: string }).id;
const states = (...ids: string[]) => ids.map((id) => plane.store.task(id)?.state);

test('a task that the new set would not have permitted ends with what forbids it; the others go on', async () => {
  const { id } = await requestTask(alice, { purpose: 'export all' });
  const child = await requestTask(alice, { max_hops: 1 });
  const handed = await hop(child.id);
  const other = await requestTask(carol);
  await publish(`@id("nothing-is-exported") @reason("exports are over")
      forbid (principal, action == Action::"remit:task.create", resource) when { context.args.purpose like "export*" };`);
  expect(states(id, child.id, handed, other.id)).toEqual(['revoked', 'active', 'active', 'active']);
  const set = plane.store.policyHistory(1)[0]!.hash;
  expect(plane.records().find((record) => record.kind === 'event' && record.event === 'task.ended')).toMatchObject({
    subject: {
      task: id,
      state: 'revoked',
      reason: 'policy no longer allows it: exports are over',
      policy_set: set,
      policies: ['nothing-is-exported'],
      decision: plane.store.task(id)!.decision,
    },
  });
  await plane.closer.settled();
  expect(plane.store.closing(id)).toMatchObject({ cause: 'policy', by: null });
});

test('a hop is decided again as a hop, and the task that it was handed from goes on', async () => {
  const { id } = await requestTask(alice, { max_hops: 1 });
  const child = await hop(id);
  await publish('forbid (principal, action == Action::"remit:task.delegate", resource);');
  expect(states(id, child)).toEqual(['active', 'revoked']);
});

test('what would be held now goes on: nobody has said no', async () => {
  const { id } = await requestTask(alice, { max_hops: 1 });
  const child = await hop(id);
  await publish(
    '@id("hops-are-asked-for") @approval("note-owners") forbid (principal, action == Action::"remit:task.delegate", resource);',
  );
  expect(states(id, child)).toEqual(['active', 'active']);
});

test('it is decided on what was so then, not on what is so now', async () => {
  const { id } = await requestTask(alice);
  const until = new Date(plane.clock.now() + 60_000).toISOString();
  plane.clock.advance(120_000);
  carol = await personSession(plane, 'carol');
  await publish(
    `forbid (principal, action == Action::"remit:task.create", resource) when { context.now.time > datetime("${until}") };`,
  );
  expect(states(id)).toEqual(['active']);
});

test('an argument that the record redacts is decided on as it was', async () => {
  const secret = `Bearer ${'a1B2c3D4'.repeat(6)}`;
  const { id } = await requestTask(alice, { parameters: { password: secret } });
  const { decision } = plane.store.task(id)!;
  const index = plane.store.indexOf(decision!)!;
  expect(plane.store.entries(index, 1)[0]!.entry).not.toContain(secret);
  await publish(`forbid (principal, action == Action::"remit:task.create", resource) when
    { context.args has parameters && context.args.parameters has password && context.args.parameters.password != "${secret}" };`);
  expect(states(id)).toEqual(['active']);
});

test('a task that was decided before a set came in force, and made after it, is decided again', async () => {
  const create = plane.store.createTask.bind(plane.store);
  const published = Promise.withResolvers<void>();
  plane.store.createTask = async (...args) => {
    await published.promise;
    return create(...args);
  };
  const making = requestTask(alice);
  await publish('forbid (principal, action == Action::"remit:task.create", resource);');
  published.resolve();
  const { id } = await making;
  await plane.decideAgain.settled();
  expect(states(id)).toEqual(['revoked']);
});

test('a task whose decision is not known ends, one of an older version lives out its window', async () => {
  const { id } = await requestTask(alice);
  const like = (change: Partial<Task>): Task => {
    const { decision: _decision, ...task } = plane.store.task(id)!;
    return { ...task, ...change };
  };
  await plane.store.createTask(like({ id: 'lost', decision: 'rec_none' }), []);
  await plane.store.createTask(like({ id: 'old' }), []);
  await publish('@id("x") forbid (principal, action == Action::"remit:keys.rotate", resource);');
  expect(states(id, 'lost', 'old')).toEqual(['active', 'revoked', 'active']);
});

test('what could not be ended is decided again by the next sweep', async () => {
  const { id } = await requestTask(alice);
  const end = plane.store.endTask.bind(plane.store);
  plane.store.endTask = () => Promise.reject(new Error('a full disk'));
  await publish('forbid (principal, action == Action::"remit:task.create", resource);');
  expect(states(id)).toEqual(['active']);
  expect(plane.faults).toHaveLength(1);
  plane.faults.length = 0;
  plane.store.endTask = end;
  plane.decideAgain.sweep();
  await plane.decideAgain.settled();
  expect(states(id)).toEqual(['revoked']);
});

test('a set that is rolled back to has its say as well, and of two sets in a row the last', async () => {
  const { id } = await requestTask(alice);
  const files = {
    ...quickstartPolicies(),
    'x.cedar': 'forbid (principal, action == Action::"remit:task.create", resource);',
  };
  await carol.call('POST', '/v1/policy/publish', { files });
  await plane.decideAgain.settled();
  expect(states(id)).toEqual(['revoked']);
  expect((await carol.call('POST', '/v1/policy/rollback', {})).status).toBe(200);
  await plane.decideAgain.settled();
  const again = await requestTask(alice, { agent: SUMMARISER });
  expect(states(id, again.id)).toEqual(['revoked', 'active']);
});
