import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { handleOf, moved, type Lease, type LeaseEnd } from '../core/lease.ts';
import { leaseFixture } from '../store/conformance/fixture.ts';
import { newId } from '../wiring/process.ts';
import { UsageError, type Io } from './io.ts';
import { lease as leaseCommand } from './lease.ts';

let plane: ControlPlane;
let alice: Session;
let carol: Session;
let task: string;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  carol = await personSession(plane, 'carol');
  task = (await requestTask(alice, { purpose: 'rotate the keys' })).id;
});
afterEach(() => plane.close());

async function run(args: string[], { as = carol, json = false, code = 0 } = {}): Promise<string[]> {
  const out: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void out.push(`err: ${line}`),
    json,
    env: {},
    remitUrl: ISSUER,
    dataDir: '/none',
    person: async () => ({
      fetch: (url, init = {}) =>
        as.call(init.method ?? 'GET', String(url).slice(ISSUER.length), init.body ?? undefined),
    }),
  };
  expect(await leaseCommand(args, io)).toBe(code);
  return out;
}

const BY_CALL: LeaseEnd = { by: 'call', operation: 'delete_key', arguments: { id: 'key-1' }, gone: [] };

async function minted(change: Partial<Lease> = {}, to: 'held' | 'doubtful' = 'held'): Promise<Lease> {
  const delegator = `${plane.store.task(task)!.delegator.issuer}|alice`;
  const intended = leaseFixture({ id: newId('lse'), task, delegator, target: 'files', usableAt: ['files'] });
  await plane.store.admit({ chain: [task], counted: false, approval: null, lease: intended }, []);
  const now = moved(intended, to, to === 'held' ? { identifier: 'key-1', end: BY_CALL, ...change } : change);
  await plane.store.saveLease({ lease: now, from: ['intended'] }, []);
  return now;
}

async function found(): Promise<Lease> {
  const delegator = `${plane.store.task(task)!.delegator.issuer}|alice`;
  const change = { id: newId('lse'), task, delegator, target: 'files', kind: 'found', state: 'waiting' } as const;
  const lease = leaseFixture({ ...change, end: { by: 'forgetting' } });
  await plane.store.keepFound([{ lease, sealed: 'sealed' }], []);
  return lease;
}

test('what is listed is one’s own, and of all for who may see all; a lease says who, for whom, what for, when, and how it ends', async () => {
  const { id } = await minted();
  const line = `${id}  held  secret key-1 of files (create_key) at `;
  expect((await run(['list'], { as: alice }))[0]).toContain(line);
  expect((await run(['list', '--all', '--outstanding', '--target', 'files']))[0]).toContain(line);
  expect(await run(['list'])).toEqual(['nothing']);
  expect(await run(['list', '--state', 'revoked'], { as: alice })).toEqual(['nothing']);
  await expect(run(['list', '--all'], { as: alice })).rejects.toMatchObject({ code: 'forbidden' });
  const shown = (await run(['show', id], { as: alice })).join('\n');
  for (const part of ['rotate the keys', 'agent/writer', '|alice', handleOf(id), 'call: delete_key', 'rec_1']) {
    expect(shown).toContain(part);
  }
  const dan = await personSession(plane, 'dan');
  await expect(run(['show', id], { as: dan })).rejects.toMatchObject({ code: 'not_found' });
  expect(plane.records().at(-1)).toMatchObject({ kind: 'decision', decision: { outcome: 'deny' } });
});

test('revoke calls the target now; what could not be taken back stays held, with exit code 1', async () => {
  const { id } = await minted();
  const says = (text: string, done: boolean) => {
    plane.caller.open = async () => ({
      call: async () => (done ? { said: 'done', answer: {} } : { said: 'refused', text, gone: false }),
      close: async () => {},
    });
  };
  says('not now', false);
  expect((await run(['revoke', id], { as: alice, code: 1 })).join()).toContain('the target refused: not now');
  says('', true);
  const [revoked] = await run(['revoke', id, '--reason', 'it leaked'], { as: alice, json: true });
  expect(JSON.parse(revoked!)).toMatchObject({ id, state: 'revoked', over: { reason: 'it leaked' } });
  await expect(run(['revoke', id], { as: alice })).rejects.toMatchObject({ message: 'it is over: revoked' });
  expect(plane.records().filter((record) => record.kind === 'event' && record.event === 'lease.revoked')).toHaveLength(
    1,
  );
});

test('what is in doubt is settled by a person who says so, and its closing is complete by that', async () => {
  const { id } = await minted({}, 'doubtful');
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(plane.store.closing(task)).toMatchObject({ outstanding: { leases: [id] }, completeAt: null });
  expect((await run(['list', '--all', '--outstanding']))[0]).toContain('by hand: look at it');
  await expect(run(['revoke', id])).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('lease settle'),
  });
  await expect(run(['settle', id, '--reason', 'x'], { as: alice })).rejects.toMatchObject({ code: 'forbidden' });
  await run(['settle', id, '--reason', 'deleted in the console']);
  await plane.closer.settled();
  expect(plane.store.lease(id)).toMatchObject({ state: 'settled', over: { reason: 'deleted in the console' } });
  expect(plane.store.closing(task)).toMatchObject({ outstanding: {}, completeAt: expect.any(Number) });
  await expect(run(['settle', id, '--reason', 'again'])).rejects.toMatchObject({ code: 'conflict' });
});

test('what was found is released or discarded by people; an agent releases nothing, whatever policy says', async () => {
  const one = await found();
  const two = await found();
  const agent = await agentSession(plane);
  const asAgent = await agent.call('POST', `/v1/leases/${one.id}/release`, { reason: 'please' });
  expect(asAgent.status).toBe(403);
  expect(plane.records().at(-1)).toMatchObject({ event: 'request.refused', subject: { operation: 'lease.release' } });
  await expect(run(['release', one.id, '--reason', 'x'], { as: alice })).rejects.toMatchObject({ code: 'forbidden' });
  expect((await run(['release', one.id, '--reason', 'a false alarm']))[0]).toContain('held');
  await run(['discard', two.id], { as: alice });
  expect([one, two].map(({ id }) => plane.store.lease(id)?.state)).toEqual(['held', 'discarded']);
  expect(plane.store.sealedLease(two.id)).toBeUndefined();
  for (const args of [
    ['release', two.id, '--reason', 'x'],
    ['settle', one.id, '--reason', 'x'],
    ['revoke', one.id],
  ]) {
    await expect(run(args)).rejects.toMatchObject({ code: 'conflict' });
  }
});

test('of twenty that settle, release and discard at once one wins', async () => {
  const { id } = await found();
  const verbs = ['release', 'discard'];
  const all = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => carol.call('POST', `/v1/leases/${id}/${verbs[n % 2]}`, { reason: 'x' })),
  );
  const statuses = all.map((one) => (one.status === 'fulfilled' ? one.value.status : 0));
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
  const events = plane.records().flatMap((record) => (record.kind === 'event' ? [record.event] : []));
  // A release may be followed by a discard, and by nothing else.
  expect(events.filter((event) => event === 'lease.released').length).toBeLessThanOrEqual(1);
  expect(events.filter((event) => event === 'lease.discarded').length).toBeLessThanOrEqual(1);
  expect(events.filter((event) => event.startsWith('lease.')).length).toBe(
    statuses.filter((status) => status === 200).length,
  );
});

test.each(
  [[], ['show'], ['settle', 'lse_1'], ['release', 'lse_1'], ['show', 'a', 'b'], ['nothing', 'lse_1']].map((args) => [
    args,
  ]),
)('%j is refused with how it is used', async (args) => {
  await expect(run(args)).rejects.toBeInstanceOf(UsageError);
});
