import { readdirSync, readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isToolError, textOf, type Answer } from '../../test/conformance/mcp-client.ts';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { governedAgent, type GovernedAgent } from '../../test/harness/governed-agent.ts';
import { createGovernedGateway } from '../../test/harness/governed-gateway.ts';
import { declared, PARSED_KEY_OPERATIONS, startKeyService, type KeyService } from '../../test/harness/key-service.ts';
import type { TargetConfig } from '../config/config.ts';
import { idsIn, moved, type LeaseEnd } from '../core/lease.ts';
import type { DecisionRecord } from '../core/record.ts';
import type { McpGateway } from '../gateway/mcp/gateway.ts';
import { leaseFixture } from '../store/conformance/fixture.ts';

let service: KeyService;
let plane: ControlPlane;
let gateway: McpGateway;
let alice: Session;
let agent: Session;
let folder: string;
let task: string;
let mine: GovernedAgent;

const GRANT = { target: 'keys', effects: ['read', 'mint', 'delete'] };

function keys(url: string, more: Partial<TargetConfig> = {}): TargetConfig {
  return {
    name: 'keys',
    kind: 'mcp',
    upstream: { kind: 'http', url, headers: {} },
    sensitivity: 'internal',
    timeoutMs: 2_000,
    maxAnswerBytes: 100_000,
    clientCapabilities: [],
    operations: PARSED_KEY_OPERATIONS,
    ...more,
  };
}

const ALL = { 'all.cedar': '@id("all") permit (principal, action, resource);' };

async function open(more: Partial<TargetConfig> = {}, policies: Record<string, string> = ALL): Promise<void> {
  const target = keys(service.url, more);
  const other = { ...target, name: 'other' };
  plane = await openControlPlane({ folder, targets: [target, other], policies });
  gateway = createGovernedGateway(plane);
  await gateway.introspect('keys');
  alice = await personSession(plane, 'alice');
  agent = await agentSession(plane);
  task = (await requestTask(alice, { grant: [GRANT, { ...GRANT, target: 'other' }], max_hops: 2 })).id;
  mine = await governedAgent(plane, gateway, { agent, id: SUMMARISER, task, target: 'keys' });
}

async function close(): Promise<void> {
  await gateway.close();
  await plane.close();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-lease-'));
  service = await startKeyService();
  await open();
});
afterEach(async () => {
  await close();
  await service.close();
  rmSync(folder, { recursive: true, force: true });
  expect(plane.faults).toEqual([]);
});

const leases = (of = task) => plane.store.leases({ task: of, limit: 100 });
const handleIn = (answer: Answer) => /remit-lease-[0-9a-z]{24}/.exec(JSON.stringify(answer.last))![0];
const lastDecision = () =>
  plane
    .records()
    .findLast((record): record is DecisionRecord => record.kind === 'decision' && record.action.target !== 'remit')!;
const ofTask = (id: string, target = 'keys') =>
  governedAgent(plane, gateway, { agent, id: SUMMARISER, task: id, target });
const another = async () => (await requestTask(alice, { grant: [GRANT], max_hops: 1 })).id;

/** What was ever written to disk: the database with its write-ahead log. */
const written = () =>
  readdirSync(folder)
    .filter((name) => name.startsWith('remit.db'))
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');

test('INVARIANT 7: the agent sees a handle wherever the answer has the key, and the key is nowhere on disk', async () => {
  const answer = await mine.call('create_key', { user: 'ana' });
  const [{ key, id }] = service.issued as [KeyService['issued'][number]];
  const handle = handleIn(answer);
  expect(answer.last['result']).toMatchObject({
    structuredContent: { key: { id, secret: handle, user: 'ana' }, note: `keep ${handle} safe` },
  });
  expect(textOf(answer)).toContain(handle);
  expect(JSON.stringify(answer.messages)).not.toContain(key);
  expect(leases()).toMatchObject([{ state: 'held', kind: 'secret', identifier: id, target: 'keys', task }]);
  expect(idsIn(handle)).toEqual([leases()[0]!.id]);
  expect(written()).toContain('"lease.held"');
  expect(written()).not.toContain(key);
});

test('the intent is in the log with the permit, before the target is asked', async () => {
  let seen: unknown[] = [];
  service.mode.create = (issued) => {
    seen = plane.records().slice(-2);
    return declared(issued);
  };
  await mine.call('create_key', { user: 'ana' });
  expect(seen).toMatchObject([
    { kind: 'decision', action: { operation: 'create_key' }, decision: { outcome: 'permit' } },
    { kind: 'event', event: 'lease.intended', subject: { task, target: 'keys', operation: 'create_key' } },
  ]);
});

test('the handle is swapped for the key towards the target alone, and its use is decided and recorded', async () => {
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  const [{ key }] = service.issued as [KeyService['issued'][number]];
  // Alone, within a longer text, and twice.
  for (const text of [handle, `Bearer ${handle}`, `https://x.example/?a=${handle}&b=${handle}`]) {
    const answer = await mine.call('whoami', { key: text });
    expect(isToolError(answer)).toBe(false);
    expect(textOf(answer)).toBe(`ana, by ${text}`);
    expect(service.seen.at(-1)).toBe(text.replaceAll(handle, key));
    expect(lastDecision()).toMatchObject({
      action: { operation: 'whoami', arguments: { key: text } },
      decision: { outcome: 'permit' },
      facts: { action: { leases: [{ id: leases()[0]!.id, lease: { task, state: 'held', kind: 'secret' } }] } },
    });
  }
  expect(written()).not.toContain(key);
});

test('the handle is swapped within Base64, encoded again, and its use is decided as anywhere else', async () => {
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  const [{ key }] = service.issued as [KeyService['issued'][number]];
  const encode = (text: string) => Buffer.from(text).toString('base64');
  for (const holds of [
    (text: string) => `Basic ${encode(`ana:${text}`)}`,
    (text: string) => Buffer.from(`?>${text}`).toString('base64url'),
    (text: string) => `data:;base64,${encode(text)}`,
  ]) {
    const answer = await mine.call('whoami', { key: holds(handle) });
    expect(service.seen.at(-1)).toBe(holds(key));
    // What the target repeats is what the agent has said.
    expect(textOf(answer)).toContain(holds(handle));
    // The record does not tell the credentials of an HTTP client from any other.
    const written = holds(handle).startsWith('Basic ') ? '[redacted]' : holds(handle);
    expect(lastDecision()).toMatchObject({
      action: { arguments: { key: written } },
      decision: { outcome: 'permit' },
      facts: { action: { leases: [{ id: leases()[0]!.id, lease: { task, state: 'held' } }] } },
    });
  }
  const theirs = await ofTask(await another());
  const before = service.seen.length;
  expect(textOf(await theirs.call('whoami', { key: `Basic ${encode(`ana:${handle}`)}` }))).toContain(
    'is no lease of this task',
  );
  expect(lastDecision().decision).toMatchObject({ outcome: 'deny', reasons: [{ code: 'lease_not_usable' }] });
  expect(service.seen).toHaveLength(before);
});

test('another task, an unknown handle, another target and an ended lease are denied, on the record, and the key goes nowhere', async () => {
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  const unknown = `remit-lease-${'a'.repeat(24)}`;
  const theirs = await ofTask(await another());
  const elsewhere = await ofTask(task, 'other');
  const before = service.seen.length;
  const cases: [GovernedAgent, Record<string, unknown>, string][] = [
    [theirs, { key: handle }, 'is no lease of this task'],
    [mine, { key: unknown }, 'is no lease of this task'],
    [mine, { key: `x ${unknown} y` }, 'is no lease of this task'],
    [mine, { key: 'x', [handle]: { deep: [unknown] } }, 'is no lease of this task'],
    [elsewhere, { key: handle }, 'may be sent to `keys` only'],
  ];
  await gateway.introspect('other');
  for (const [as, args, why] of cases) {
    const answer = await as.call('whoami', args);
    expect(textOf(answer)).toContain(why);
    expect(lastDecision().decision).toMatchObject({ outcome: 'deny', reasons: [{ code: 'lease_not_usable' }] });
  }
  await plane.cleanUp.revoke(idsIn(handle)[0]!, { by: 'carol', reason: 'test' });
  expect(textOf(await mine.call('whoami', { key: handle }))).toContain('has ended');
  expect(service.seen).toHaveLength(before);
});

test('INVARIANT 6: the end of the task revokes the key at the service, keeps the ticket, and the closing names both', async () => {
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  const ticket = await mine.call('open_ticket', { title: 'a key was issued' });
  expect(textOf(ticket)).toContain('T-1');
  expect(service.issued).toMatchObject([{ revoked: false }]);
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(service.issued).toMatchObject([{ revoked: true }]);
  expect(leases().map(({ kind, state }) => [kind, state])).toEqual([
    ['ticket', 'kept'],
    ['secret', 'revoked'],
  ]);
  expect(plane.store.closing(task)).toMatchObject({
    ended: { leases: expect.arrayContaining(leases().map(({ id }) => id)) },
    outstanding: {},
    completeAt: expect.any(Number),
  });
  const events = plane.records().flatMap((record) => (record.kind === 'event' ? record.event : []));
  expect(events.filter((name) => name.startsWith('lease.'))).toEqual([
    'lease.intended',
    'lease.held',
    'lease.intended',
    'lease.held',
    'lease.kept',
    'lease.revoking',
    'lease.revoked',
  ]);
  expect(textOf(await (await ofTask(await another())).call('whoami', { key: handle }))).toContain(
    'no lease of this task',
  );
  expect(plane.store.sealedLease(idsIn(handle)[0]!)).toBeUndefined();
});

test('a revocation that fails stays outstanding and is tried again, across a restart, until the target says that it is gone', async () => {
  await mine.call('create_key', { user: 'ana' });
  const [{ key }] = service.issued as [KeyService['issued'][number]];
  service.mode.revoke = () => {
    throw new Error(`the service is down; it was asked about ${key}`);
  };
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  const [lease] = leases();
  expect(lease).toMatchObject({ state: 'held', attempts: 1 });
  expect(lease!.problem).toContain('the service is down');
  expect(lease!.problem).not.toContain(key);
  expect(plane.store.closing(task)).toMatchObject({ outstanding: { leases: [lease!.id] }, completeAt: null });
  await close();
  await open();
  plane.clock.advance(3_600_000);
  plane.closer.sweep();
  await plane.closer.settled();
  expect(plane.store.lease(lease!.id)).toMatchObject({ state: 'held', attempts: 2 });
  service.mode.revoke = () => {};
  plane.clock.advance(3_600_000);
  plane.closer.sweep();
  await plane.closer.settled();
  expect(service.issued).toMatchObject([{ revoked: true }]);
  expect(plane.store.lease(lease!.id)).toMatchObject({ state: 'revoked', attempts: 3 });
});

test('what is gone already is gone: by the identifier in the words of the target, and not by any other "not found"', async () => {
  await mine.call('create_key', { user: 'ana' });
  await mine.call('create_key', { user: 'ben' });
  service.issued[0]!.revoked = true;
  service.mode.revoke = (id) => {
    if (id === 'key-2') throw new Error('user not found');
  };
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(leases().map(({ identifier, state }) => [identifier, state])).toEqual([
    ['key-2', 'held'],
    ['key-1', 'revoked'],
  ]);
});

test('an answer other than declared is kept from the agent, and what may have been made stays outstanding with the step for a person', async () => {
  const odd: [(issued: KeyService['issued'][number]) => object, string][] = [
    [({ key }) => ({ content: [{ type: 'text', text: `your key: ${key}` }] }), 'no JSON'],
    [({ key }) => ({ content: [], structuredContent: { secret: key } }), 'identifier'],
    [({ id, key }) => ({ content: [], structuredContent: { key: { id, token: key } } }), 'no value'],
    [({ key }) => ({ content: [], structuredContent: { key: { id: {}, secret: key } } }), 'identifier'],
  ];
  for (const [create, why] of odd) {
    service.mode.create = create;
    const answer = await mine.call('create_key', { user: 'ana' });
    expect(isToolError(answer)).toBe(true);
    expect(textOf(answer)).toContain(why);
    for (const { key } of service.issued) expect(JSON.stringify(answer)).not.toContain(key);
  }
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(leases().map(({ state }) => state)).toEqual(odd.map(() => 'doubtful'));
  for (const { end } of leases())
    expect(end).toMatchObject({ by: 'hand', step: expect.stringContaining('delete_key') });
  expect(plane.store.closing(task)?.outstanding).toMatchObject({ leases: { length: odd.length } });
});

test('more leases than one attempt takes back: none is lost, and none counts as ended before it is', async () => {
  const { store } = plane;
  const made = Array.from({ length: 1_200 }, (_, n) => {
    const id = `lse_${String(n).padStart(24, '0')}`;
    return leaseFixture({ id, task, kind: 'secret', madeAt: plane.clock.now() + n });
  });
  const chain = [task];
  await Promise.all(made.map((lease) => store.admit({ chain, counted: false, approval: null, lease }, [])));
  const kept: LeaseEnd = { by: 'keeping', why: 'test' };
  await Promise.all(
    made.map((lease) => store.saveLease({ lease: moved(lease, 'held', { end: kept }), from: ['intended'] }, [])),
  );
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(plane.store.closing(task)?.outstanding).toMatchObject({ leases: { length: 700 } });
  for (let attempt = 0; attempt < 2; attempt++) {
    plane.clock.advance(10_000);
    plane.closer.sweep();
    await plane.closer.settled();
  }
  expect(plane.store.closing(task)).toMatchObject({ outstanding: {}, ended: { leases: { length: 1_200 } } });
});

test('a call that fails, is cut, or is refused before it was run: in doubt where something may have been made, else nothing', async () => {
  service.mode.create = () => ({ content: [{ type: 'text', text: 'no such user' }], isError: true });
  await mine.call('create_key', { user: 'ana' });
  expect(leases()[0]).toMatchObject({ state: 'doubtful' });
  // The target says that its arguments are wrong, which is before it has done anything.
  const { promise: called, resolve: begun } = Promise.withResolvers<void>();
  const { promise: never, resolve: release } = Promise.withResolvers<object>();
  service.mode.create = () => {
    begun();
    return never;
  };
  const cut = mine.call('create_key', { user: 'ana' });
  await called;
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await cut;
  await plane.closer.settled();
  release({});
  expect(leases().map(({ state }) => state)).toEqual(['doubtful', 'doubtful']);
  expect(plane.store.closing(task)?.outstanding).toMatchObject({ leases: { length: 2 } });
});

test('a target that declares that a failure makes nothing is believed', async () => {
  await close();
  const { mints } = PARSED_KEY_OPERATIONS['create_key']!;
  await open({
    operations: { ...PARSED_KEY_OPERATIONS, create_key: { effect: 'mint', mints: { ...mints!, failure: 'nothing' } } },
  });
  service.mode.create = () => ({ content: [{ type: 'text', text: 'no such user' }], isError: true });
  expect(textOf(await mine.call('create_key', { user: 'ana' }))).toBe('no such user');
  expect(leases()).toMatchObject([{ state: 'none' }]);
});

test('what mints without saying what: nothing of its answer reaches the agent', async () => {
  await close();
  await open({ operations: { ...PARSED_KEY_OPERATIONS, create_key: { effect: 'mint' } } });
  expect(plane.log.join()).toContain('its answers are kept from agents');
  const answer = await mine.call('create_key', { user: 'ana' });
  expect(textOf(answer)).toContain('does not say what it mints');
  expect(JSON.stringify(answer)).not.toContain(service.issued[0]!.key);
  expect(leases()).toMatchObject([{ state: 'doubtful', kind: 'secret' }]);
});

test('the same id twice, and of two tasks: each is a lease of its own, and each is taken back', async () => {
  service.mode.next = () => ({ id: 'shared', key: 'ks_shared_by_all' });
  const second = await another();
  const theirs = await ofTask(second);
  await mine.call('create_key', { user: 'ana' });
  await mine.call('create_key', { user: 'ana' });
  const handle = handleIn(await theirs.call('create_key', { user: 'ana' }));
  expect(leases(second)).toMatchObject([{ id: idsIn(handle)[0] }]);
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(leases().map(({ state }) => state)).toEqual(['revoked', 'revoked']);
  expect(leases(second)).toMatchObject([{ state: 'held' }]);
  await alice.call('POST', `/v1/tasks/${second}/complete`);
  await plane.closer.settled();
  expect(leases(second)).toMatchObject([{ state: 'revoked' }]);
  expect(service.issued.every(({ revoked }) => revoked)).toBe(true);
});

test('INVARIANT 7: what a target tells of a key later is hidden from every task, by the handle of its own lease', async () => {
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  const [{ key }] = service.issued as [KeyService['issued'][number]];
  const theirs = await ofTask(await another());
  const answer = await theirs.call('whoami', { key });
  // They have guessed it, or have it from elsewhere: the target hears what they said, and they hear no more than a handle.
  expect(textOf(answer)).toBe(`ana, by ${handle}`);
});

test('a child may use a lease of its parent where the grant of its hop names it, and not otherwise', async () => {
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  const [lease] = idsIn(handle);
  const other = await agentSession(plane, OTHER_AGENT);
  const hop = async (grant: Record<string, unknown>) => {
    const body = {
      agent: OTHER_AGENT,
      purpose: 'use the key',
      grant: [{ target: 'keys', effects: ['read'], ...grant }],
    };
    const response = await agent.call('POST', `/v1/tasks/${task}/hops`, body);
    expect(response.status).toBe(200);
    const { id } = (await response.json()) as { id: string };
    return governedAgent(plane, gateway, { agent: other, id: OTHER_AGENT, task: id, target: 'keys' });
  };
  const denied = await (await hop({})).call('whoami', { key: handle });
  expect(textOf(denied)).toContain('is of a task above');
  const permitted = await (await hop({ leases: [lease] })).call('whoami', { key: handle });
  expect(textOf(permitted)).toBe(`ana, by ${handle}`);
  expect(lastDecision().scope).toMatchObject([{ leases: [lease] }]);
});

test('policy sees what is used: it can forbid by kind, by who has minted it, by whether it is handed on', async () => {
  await close();
  await open(
    {},
    {
      ...ALL,
      'no.cedar': `@id("no-secrets-to-whoami") @reason("no minted secrets here")
        forbid (principal, action == Action::"keys:whoami", resource)
        when { context has leases && context.leases.kinds.contains("secret") && context.leases.minted_by.contains("keys:create_key") && !context.leases.inherited };`,
    },
  );
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  expect(textOf(await mine.call('whoami', { key: handle }))).toContain('no minted secrets here');
  expect(lastDecision().decision).toMatchObject({ outcome: 'deny', policies: ['no-secrets-to-whoami'] });
  expect(isToolError(await mine.call('whoami', { key: 'none' }))).toBe(true);
  expect(service.seen).toEqual(['none']);
});

test('what looks like a secret and was not declared waits for a person: hidden, recorded, and of use only when released', async () => {
  const secret = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';
  service.mode.create = ({ id, key }) => ({
    content: [{ type: 'text', text: `also use ${secret}, or "${secret}"` }],
    structuredContent: { key: { id, secret: key }, more: [{ deep: secret }] },
  });
  const answer = await mine.call('create_key', { user: 'ana' });
  expect(JSON.stringify(answer)).not.toContain(secret);
  const [found] = leases().filter(({ kind }) => kind === 'found');
  const handle = `remit-lease-${found!.id.slice(4)}`;
  expect(textOf(answer)).toBe(`also use ${handle}, or "${handle}"`);
  expect(found).toMatchObject({ state: 'waiting', target: 'keys', operation: 'create_key', task });
  expect(plane.records()).toContainEqual(
    expect.objectContaining({
      event: 'lease.found',
      subject: expect.objectContaining({ lease: found!.id, kept: true }),
    }),
  );
  expect(textOf(await mine.call('whoami', { key: handle }))).toContain('waits for a person to release it');
  // The same again is the same lease; what the agent has said itself it may hear.
  await mine.call('create_key', { user: 'ana' });
  expect(leases().filter(({ kind }) => kind === 'found')).toHaveLength(1);
  const theirs = await ofTask(await another());
  expect(textOf(await theirs.call('whoami', { key: secret }))).toBe(`nobody has ${secret}`);
  expect(written()).not.toContain(secret);
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(plane.store.lease(found!.id)).toMatchObject({ state: 'discarded' });
  expect(plane.store.sealedLease(found!.id)).toBeUndefined();
});

test('a large answer is looked into piece by piece, names and all', async () => {
  const secret = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';
  const named = 'Xk29sLq7VbT3mNz8RwYcPd41';
  service.mode.create = ({ id, key }) => ({
    content: [
      { type: 'text', text: `${'a line of a large file\n'.repeat(3_000)}${secret}\n${'more\n'.repeat(1_000)}` },
    ],
    structuredContent: { key: { id, secret: key }, more: [{ client_secret: named }] },
  });
  const shown = JSON.stringify((await mine.call('create_key', { user: 'ana' })).last);
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(named);
  expect(shown).toContain('a line of a large file');
  expect(leases().filter(({ kind }) => kind === 'found')).toHaveLength(2);
});

test('a target may be trusted to answer with what looks like secrets, or have it masked for good', async () => {
  const secret = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';
  for (const [foundSecrets, shown] of [
    ['pass', secret],
    ['mask', '[redacted]'],
  ] as const) {
    await close();
    await open({ operations: { ...PARSED_KEY_OPERATIONS, whoami: { effect: 'read', foundSecrets } } });
    service.issued.push({ id: 'x', key: foundSecrets, user: secret, revoked: false });
    expect(textOf(await mine.call('whoami', { key: foundSecrets }))).toContain(shown);
    expect(leases().filter(({ task: of }) => of === task)).toEqual([]);
  }
});

test('a lifetime that runs out takes the key back within the task, tried again in time; what stays too long is said once', async () => {
  await close();
  const { mints } = PARSED_KEY_OPERATIONS['create_key']!;
  await open({
    operations: { ...PARSED_KEY_OPERATIONS, create_key: { effect: 'mint', mints: { ...mints!, lifetime: 60_000 } } },
  });
  const handle = handleIn(await mine.call('create_key', { user: 'ana' }));
  await mine.call('create_key', { user: 'ben' });
  service.mode.revoke = (id) => {
    if (id === 'key-2') throw new Error('not now');
  };
  await plane.overstays.sweep();
  expect(leases().map(({ state }) => state)).toEqual(['held', 'held']);
  plane.clock.advance(61_000);
  await plane.overstays.sweep();
  await plane.overstays.sweep();
  expect(leases()).toMatchObject([
    { state: 'held', attempts: 1 },
    { state: 'revoked', over: { reason: 'its lifetime is over' } },
  ]);
  expect(textOf(await mine.call('whoami', { key: handle }))).toContain('has ended');
  const told = () => plane.records().filter((record) => record.kind === 'event' && record.event === 'lease.overstayed');
  expect(told()).toEqual([]);
  // The clock of the test goes on, and the proofs of its agents with it.
  plane.clock.advance(15 * 60_000);
  await plane.overstays.sweep();
  await plane.overstays.sweep();
  expect(told()).toMatchObject([{ subject: { lease: leases()[0]!.id, state: 'held', identifier: 'key-2' } }]);
  service.mode.revoke = () => {};
  plane.clock.advance(60_000);
  await plane.overstays.sweep();
  expect(leases()).toMatchObject([{ state: 'revoked' }, { state: 'revoked' }]);
});

test('where the target can be asked, a doubt is settled: what it lists and nobody knows is taken back, what it never lists was not made', async () => {
  await close();
  const { mints } = PARSED_KEY_OPERATIONS['create_key']!;
  const find = {
    operation: 'list_keys',
    arguments: { user: '{/user}' },
    items: '/keys',
    id: '/id',
    where: { '/user': '{/user}' },
  };
  await open({ operations: { ...PARSED_KEY_OPERATIONS, create_key: { effect: 'mint', mints: { ...mints!, find } } } });
  const lost = () => {
    throw new Error('the answer is lost');
  };
  // Somebody else's, under another name; and one of this user that the ledger knows.
  service.issued.push({ id: 'other', key: 'other-key-1', user: 'ben', revoked: false });
  await mine.call('create_key', { user: 'ana' });
  service.mode.create = lost;
  await mine.call('create_key', { user: 'ana' });
  expect(leases().map(({ state }) => state)).toEqual(['doubtful', 'held']);
  await plane.overstays.sweep();
  expect(leases()).toMatchObject([
    { state: 'held', identifier: 'key-2' },
    { state: 'held', identifier: 'key-1' },
  ]);
  // Listed once more than calls are in doubt: any of them may be it.
  service.issued.push({ id: 'by-hand', key: 'other-key-2', user: 'cleo', revoked: false });
  await mine.call('create_key', { user: 'cleo' });
  await plane.overstays.sweep();
  expect(leases()[0]).toMatchObject({ state: 'doubtful', problem: expect.stringContaining('`by-hand`') });
  service.mode.next = () => {
    throw new Error('nothing is made');
  };
  await mine.call('create_key', { user: 'dan' });
  await plane.overstays.sweep();
  expect(leases()[0]).toMatchObject({ state: 'doubtful' });
  plane.clock.advance(100_000);
  await plane.overstays.sweep();
  expect(leases().map(({ state }) => state)).toEqual(['none', 'doubtful', 'held', 'held']);
  await alice.call('POST', `/v1/tasks/${task}/complete`);
  await plane.closer.settled();
  expect(leases().map(({ state }) => state)).toEqual(['none', 'doubtful', 'revoked', 'revoked']);
  expect(service.issued.filter(({ revoked }) => !revoked).map(({ id }) => id)).toEqual(['other', 'by-hand', 'key-3']);
});
