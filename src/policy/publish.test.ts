import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openControlPlane, personSession, type ControlPlane, type Session } from '../../test/fixtures/control-plane.ts';
import { sha256 } from '../../test/fixtures/task.ts';
import type { EventRecord } from '../core/record.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp } from '../pdp/pdp.ts';
import { preparePdp } from '../pdp/prepare.ts';
import { policyAtStart } from './in-force.ts';

const OPEN = 'permit (principal, action, resource);';
const checkArguments = createCheckArguments();
const create = (files: Record<string, string>) => createPdp(files, { sha256, checkArguments });

let plane: ControlPlane;
let carol: Session;
let before: string;
beforeEach(async () => {
  plane = await openControlPlane();
  carol = await personSession(plane, 'carol');
  before = inForce();
});
afterEach(() => plane.close());

const inForce = () => plane.store.policyHistory(1)[0]!.hash;
const publish = (files: Record<string, string>, more: object = {}, session = carol) =>
  session.call('POST', '/v1/policy/publish', { files, ...more });
const rollback = (body: object = {}) => carol.call('POST', '/v1/policy/rollback', body);
const last = (count: number) => plane.records().slice(-count);

describe('publishing that people have to approve', () => {
  const RULES = {
    'a.cedar': `${OPEN}\n@id("two-eyes") @approval("2 of staff") @reason("policy needs two")
      forbid (principal, action in [Action::"remit:policy.publish", Action::"remit:policy.rollback"], resource);`,
  };
  const CHANGED = {
    'a.cedar': `${RULES['a.cedar']}\n@id("new") forbid (principal, action == Action::"files:write_file", resource);`,
  };
  let alice: Session;
  let bob: Session;
  beforeEach(async () => {
    [alice, bob] = [await personSession(plane, 'alice'), await personSession(plane, 'bob')];
    await publish(RULES);
    before = inForce();
  });
  const approve = (session: Session, id: string) => session.call('POST', `/v1/approvals/${id}/approve`);

  test('is held, shown with what changes, and goes through once when two others have said yes', async () => {
    const held = await publish(CHANGED);
    const problem = (await held.json()) as { approval: string; type: string };
    expect([held.status, problem.type]).toEqual([403, 'urn:remit:problem:approval_required']);
    expect(last(1)).toMatchObject([{ decision: { outcome: 'hold' }, approval: { id: problem.approval } }]);
    expect(await (await bob.call('GET', `/v1/approvals/${problem.approval}`)).json()).toMatchObject({
      task: null,
      purpose: null,
      operation: 'policy.publish',
      reasons: ['policy needs two'],
      requester: { agent: null, delegator: 'https://idp.example.test|carol' },
      arguments: {
        replaces: before,
        changes: { removed: [], added: [{ file: 'a.cedar', text: expect.stringContaining('@id("new")') }] },
      },
    });
    // Asked again, it is the same request.
    expect(await (await publish(CHANGED)).json()).toMatchObject({ approval: problem.approval });
    expect((await approve(carol, problem.approval)).status).toBe(403);
    expect((await approve(alice, problem.approval)).status).toBe(200);
    expect((await publish(CHANGED)).status).toBe(403);
    expect((await approve(bob, problem.approval)).status).toBe(200);
    const other = await publish({ ...CHANGED, 'b.cedar': '// more' });
    expect(await other.json()).not.toMatchObject({ approval: problem.approval });
    expect((await publish(CHANGED)).status).toBe(200);
    expect(last(2)).toMatchObject([
      {
        approval: {
          id: problem.approval,
          approvers: ['https://idp.example.test|alice', 'https://idp.example.test|bob'],
        },
      },
      { event: 'policy.published' },
    ]);
    expect(plane.store.approval(problem.approval)?.state).toBe('spent');
  });

  test('approved under a set that was replaced meanwhile, it is held again', async () => {
    const { approval } = (await (await publish(CHANGED)).json()) as { approval: string };
    await approve(alice, approval);
    await approve(bob, approval);
    // Somebody whom no rule holds goes first.
    const at = plane.clock.now();
    const loose = { 'a.cedar': `${RULES['a.cedar']} // loose` };
    await plane.store.publishPolicySet(
      { hash: create(loose).policySet, files: loose, folder: 'x', at, replaces: before },
      [],
    );
    expect((await publish(CHANGED)).status).toBe(409);
    expect(plane.store.approval(approval)?.state).toBe('approved');
  });

  test('that could not be published is refused at once: nobody is asked in vain', async () => {
    expect((await publish({ 'a.cedar': 'permit (principal;' })).status).toBe(400);
    expect((await publish(RULES)).status).toBe(409);
    expect(plane.store.approvals({ limit: 9 })).toEqual([]);
  });
});

describe('publishing', () => {
  test('is decided by the set in force, recorded with both hashes, and decides from then on', async () => {
    const files = { 'open.cedar': OPEN };
    const response = await publish(files);
    const hash = create(files).policySet;
    expect([response.status, await response.json()]).toEqual([
      200,
      { policy_set: hash, replaced: before, warnings: [] },
    ]);
    expect(last(2)).toMatchObject([
      {
        kind: 'decision',
        delegator: { subject: 'carol' },
        action: { operation: 'policy.publish', arguments: { policy_set: hash, replaces: before } },
        decision: { outcome: 'permit', policy_set: before },
      },
      { kind: 'event', event: 'policy.published', subject: { policy_set: hash, replaces: before } },
    ]);
    const dan = await personSession(plane, 'dan');
    expect((await dan.call('GET', '/v1/policy')).status).toBe(200);
    expect(plane.records().at(-1)).toMatchObject({ decision: { policy_set: hash } });
  });

  test('by one whom policy does not permit is refused and recorded', async () => {
    const alice = await personSession(plane, 'alice');
    expect((await publish({ 'open.cedar': OPEN }, {}, alice)).status).toBe(403);
    expect(last(1)).toMatchObject([{ kind: 'decision', decision: { outcome: 'deny' } }]);
    expect(inForce()).toBe(before);
  });

  const broken: [string, Record<string, string>, string][] = [
    ['text that is not Cedar', { 'a.cedar': `${OPEN}\npermit (principal;` }, 'a.cedar:2'],
    [
      'an unknown operation',
      { 'a.cedar': `${OPEN}\npermit (principal, action == Action::"files:raed_text_file", resource);` },
      'a.cedar:2: there is no operation `files:raed_text_file`; did you mean `files:read_text_file`?',
    ],
    [
      'an unknown attribute',
      { 'a.cedar': `${OPEN}\n\nforbid (principal, action, resource)\nwhen { context.sensitivty.level > 1 };` },
      'a.cedar:4',
    ],
    ['a set that permits nothing', { 'a.cedar': 'forbid (principal, action, resource);' }, 'permits nothing'],
    [
      'ten thousand brackets',
      { 'a.cedar': `${OPEN} permit (principal, action, resource) when { ${'('.repeat(10_000)} };` },
      'nested brackets',
    ],
    [
      'an id used twice',
      { 'a.cedar': `@id("a") ${OPEN}`, 'b.cedar': `@id("a") ${OPEN}` },
      'b.cedar:1: policy id `a` is used twice',
    ],
  ];
  test.each(broken)('%s leaves the set in force as it is, and says where', async (_name, files, message) => {
    const response = await publish(files);
    const { detail } = (await response.json()) as { detail: string };
    expect(response.status).toBe(400);
    expect(detail).toContain(message);
    expect(inForce()).toBe(before);
    expect(last(2)).toMatchObject([
      { kind: 'decision', decision: { outcome: 'permit' } },
      { kind: 'event', event: 'policy.refused' },
    ]);
    expect((await publish({ 'open.cedar': OPEN })).status).toBe(200);
  });

  test.each(['../a.cedar', 'a.txt', 'a b.cedar'])('a file is not named %s', async (name) => {
    expect((await publish({ [name]: OPEN })).status).toBe(400);
    expect(inForce()).toBe(before);
  });

  test('a set under which its publisher could not publish again has to be meant', async () => {
    const files = { 'tokens.cedar': 'permit (principal, action == Action::"remit:token.issue", resource);' };
    const response = await publish(files);
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { detail: expect.stringContaining('yourself') },
    ]);
    expect(inForce()).toBe(before);
    expect((await publish(files, { accept_lockout: true })).status).toBe(200);
    expect((await rollback()).status).toBe(403);
  });

  test('of two at once, one wins, and both are on the record', async () => {
    const answers = await Promise.all([publish({ 'a.cedar': OPEN }), publish({ 'b.cedar': OPEN })]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const events = plane.records().filter((record): record is EventRecord => record.kind === 'event');
    expect(
      events
        .slice(-2)
        .map(({ event }) => event)
        .toSorted(),
    ).toEqual(['policy.published', 'policy.refused']);
    expect(plane.store.policyHistory(10)).toHaveLength(2);
  });

  test('the set that is in force is not published again', async () => {
    expect((await publish(plane.store.policySet(before)!)).status).toBe(409);
  });
});

describe('rollback', () => {
  test('puts the set before in force, decided by the one that is', async () => {
    await publish({ 'open.cedar': OPEN });
    const opened = inForce();
    const response = await rollback();
    expect(await response.json()).toMatchObject({ policy_set: before, replaced: opened });
    expect(last(2)).toMatchObject([
      { action: { operation: 'policy.rollback' }, decision: { policy_set: opened } },
      { event: 'policy.published', subject: { policy_set: before, by: 'policy.rollback' } },
    ]);
    const dan = await personSession(plane, 'dan');
    expect((await dan.call('GET', '/v1/policy')).status).toBe(403);
  });

  test('goes to a named set, and to none that never was', async () => {
    await publish({ 'a.cedar': OPEN });
    await publish({ 'b.cedar': OPEN });
    expect((await rollback({ to: before })).status).toBe(200);
    expect(inForce()).toBe(before);
    expect((await rollback({ to: `sha256:${'0'.repeat(64)}` })).status).toBe(404);
    expect(inForce()).toBe(before);
  });
});

describe('the start of the process', () => {
  const start = (folder: Record<string, string>) =>
    policyAtStart(folder, {
      store: plane.store,
      create,
      event: (event, subject) => ({ version: 1, id: `rec_${Math.random()}`, time: 0, kind: 'event', event, subject }),
      clock: () => 0,
    });

  test('takes what was in force, and not the folder that nobody has changed', async () => {
    const folder = plane.store.policySet(before)!;
    await publish({ 'open.cedar': OPEN });
    expect((await start(folder)).policySet).toBe(inForce());
    expect(inForce()).not.toBe(before);
  });

  test('takes a folder that was changed since', async () => {
    await publish({ 'open.cedar': OPEN });
    const changed = { 'changed.cedar': `@id("new") ${OPEN}` };
    expect((await start(changed)).policySet).toBe(create(changed).policySet);
    expect(plane.records().at(-1)).toMatchObject({ event: 'policy.published', subject: { by: 'folder' } });
    const size = plane.store.size();
    await start(changed);
    expect(plane.store.size()).toBe(size);
  });

  test('does not start on a broken folder, and keeps what was in force', async () => {
    await expect(start({ 'a.cedar': 'permit (' })).rejects.toThrow('a.cedar:1');
    expect(inForce()).toBe(before);
  });
});

describe('preparing a set on another thread', () => {
  const prepare = (files: Record<string, string>, giveUpAfterMs?: number) =>
    preparePdp(
      { files, hash: 'sha256:x', catalogue: null },
      { checkArguments, ...(giveUpAfterMs === undefined ? {} : { giveUpAfterMs }) },
    );

  test('gives up on one that takes too long', async () => {
    await expect(prepare({ 'a.cedar': OPEN }, 1)).rejects.toThrow('not ready after');
  });

  test('a policy of a megabyte is taken or refused in bounded time', async () => {
    const text = `permit (principal, action, resource) when { context.args.x == "${'a'.repeat(1_000_000)}" };`;
    expect((await prepare({ 'a.cedar': text })).pdp.policySet).toBe('sha256:x');
    await expect(prepare({ 'a.cedar': text.replace('aaa', 'a'.repeat(100_000)) })).rejects.toThrow(
      'a.cedar:1: a policy is longer',
    );
  });
});
