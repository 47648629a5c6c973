import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InvalidConfig, Unavailable } from '../../core/errors.ts';
import {
  agentFixture,
  leaseFixture,
  alice,
  approvalFixture,
  bob,
  endedFixture,
  NOW,
  recordFixture,
  taskFixture,
} from '../conformance/fixture.ts';
import { logNotes } from '../conformance/subject.ts';
import type { Store } from '../ports.ts';
import { openSqliteStore, type SqliteOptions } from './open.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-faults-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (options: Partial<SqliteOptions> = {}) =>
  openSqliteStore({ file: join(folder, 'remit.db'), clock: () => NOW, ...options });

/** Every verb that changes something, on what `prepare` has made. */
const VERBS: Record<string, (store: Store) => Promise<unknown>> = {
  createTask: (store) => store.createTask(taskFixture({ id: 'new' }), [recordFixture('rec_verb', 'verb')]),
  endTask: (store) =>
    store.endTask({ id: 'task_1', to: 'revoked', at: NOW, reason: 'stop' }, () => [endedFixture('rec_verb', 'verb')]),
  admit: (store) => store.admit({ ...TAKEN, approval: 'given' }, [recordFixture('rec_verb', 'verb')]),
  giveBack: (store) => store.giveBack(TAKEN, [recordFixture('rec_verb', 'verb')]),
  requestApproval: (store) =>
    store.requestApproval(approvalFixture({ id: 'new', digest: 'new' }), () => [recordFixture('rec_verb', 'verb')]),
  answerApproval: (store) =>
    store.answerApproval({ id: 'waits', to: 'approved', by: bob, at: NOW }, [recordFixture('rec_verb', 'verb')]),
  observeDefinition: (store) =>
    store.observeDefinition({ ...SEEN, digest: '3' }, () => [recordFixture('rec_verb', 'verb')]),
  acceptDefinition: (store) => store.acceptDefinition({ ...SEEN, digest: '2' }, [recordFixture('rec_verb', 'verb')]),
  publishPolicySet: (store) =>
    store.publishPolicySet({ hash: 'hash', files: {}, folder: 'hash', at: NOW, replaces: null }, [
      recordFixture('rec_verb', 'verb'),
    ]),
  revokeToken: (store) =>
    store.revokeToken({ id: 'tok_1', at: NOW, keepUntil: NOW + 1 }, [recordFixture('rec_verb', 'verb')]),
  saveClosing: (store) =>
    store.saveClosing({ ...store.closing('ended')!, attempts: 1 }, [recordFixture('rec_verb', 'verb')]),
  suspend: (store) => store.suspend(SUSPENSION, () => [recordFixture('rec_verb', 'verb')]),
  resume: (store) => store.resume({ ...SUSPENSION, id: 'bob' }, [recordFixture('rec_verb', 'verb')]),
  revokeTokensOf: (store) =>
    Promise.all([store.append([recordFixture('rec_verb', 'verb')]), store.revokeTokensOf('task_1', NOW, 1)]),
  registerAgent: (store) =>
    store.registerAgent(agentFixture({ id: 'spiffe://example.org/new' }), [recordFixture('rec_verb', 'verb')]),
  changeAgent: (store) =>
    store.changeAgent({ id: agentFixture().id, revision: 1, purpose: 'x' }, [recordFixture('rec_verb', 'verb')]),
  moveAgent: (store) =>
    store.moveAgent({ id: agentFixture().id, to: 'suspended', at: NOW, reason: 'stop' }, () => [
      recordFixture('rec_verb', 'verb'),
    ]),
  distrustPolicySet: (store) =>
    store.distrustPolicySet({ hash: 'hash', decision: 'rec_1', at: NOW }, [recordFixture('rec_verb', 'verb')]),
  recordOutcome: (store) =>
    store.recordOutcome(
      { task: 'task_1', target: 'files', operation: 'read', succeeded: true, labels: ['origin:outsiders'] },
      [recordFixture('rec_verb', 'verb')],
    ),
  declassify: (store) =>
    store.declassify('task_1', { value: 'x', record: 'rec_verb', at: NOW }, [recordFixture('rec_verb', 'verb')]),
  saveLease: (store) =>
    store.saveLease({ lease: { ...leaseFixture(), attempts: 1 }, from: ['intended'], sealed: 'sealed' }, [
      recordFixture('rec_verb', 'verb'),
    ]),
  keepFound: (store) =>
    store.keepFound(
      [{ lease: leaseFixture({ id: 'lse_found', state: 'waiting' }), sealed: 'sealed' }],
      [recordFixture('rec_verb', 'verb')],
    ),
  intend: (store) =>
    store.admit({ ...TAKEN, approval: null, lease: leaseFixture({ id: 'lse_new' }) }, [
      recordFixture('rec_verb', 'verb'),
    ]),
  putSealed: (store) => store.putSealed({ ...SEALED, version: 2 }, [recordFixture('rec_verb', 'verb')]),
  removeSealed: (store) => store.removeSealed(SEALED, [recordFixture('rec_verb', 'verb')]),
  reseal: (store) =>
    Promise.all([
      store.append([recordFixture('rec_verb', 'verb')]),
      store.reseal({ ...SEALED, sealed: 'anew', was: SEALED.sealed }),
    ]),
  append: (store) => store.append([recordFixture('rec_verb', 'verb')]),
  appendSoon: (store) => store.appendSoon([recordFixture('rec_verb', 'verb')]),
};
const SUSPENSION = { kind: 'delegator', id: `${alice.issuer}|alice`, since: NOW, by: 'carol', reason: 'stop' } as const;
const SEALED = {
  kind: 'secret',
  name: 'crm',
  version: 1,
  sealed: 'sealed',
  task: null,
  expiresAt: null,
  at: NOW,
} as const;
const TAKEN = { chain: ['task_1'], counted: true, draws: [{ task: 'task_1', counter: 'effect:read', amount: 1 }] };
const SEEN = { target: 'files', operation: 'read', digest: '1', definition: '{}', at: NOW };

async function prepare(store: Store): Promise<void> {
  await store.createTask(taskFixture({ budget: { calls: 10, effects: { read: 5 } } }), [
    recordFixture('rec_task', 'task'),
  ]);
  await store.admit({ ...TAKEN, approval: null }, []);
  await store.registerAgent(agentFixture(), []);
  await store.requestApproval(approvalFixture({ id: 'given', digest: 'given' }), () => []);
  await store.answerApproval({ id: 'given', to: 'approved', by: bob, at: NOW }, []);
  await store.requestApproval(approvalFixture({ id: 'waits', digest: 'waits' }), () => []);
  await store.putSealed(SEALED, []);
  await store.observeDefinition(SEEN, () => []);
  await store.observeDefinition({ ...SEEN, digest: '2' }, () => []);
  await store.createTask(taskFixture({ id: 'ended' }), []);
  await store.endTask({ id: 'ended', to: 'revoked', at: NOW, reason: 'stop' }, () => []);
  await store.suspend({ ...SUSPENSION, id: 'bob' }, () => []);
  await store.admit({ chain: ['task_1'], counted: false, approval: null, lease: leaseFixture() }, []);
  const token = { id: 'tok_2', expiresAt: NOW + 1 };
  await store.admit({ chain: ['task_1'], counted: false, approval: null, token }, []);
}

/** Everything that readers can see of it. */
function seen(store: Store): unknown {
  return {
    chains: ['task_1', 'new'].map((id) => store.chain(id)),
    tasks: store.tasks({ limit: 100 }),
    approvals: ['given', 'waits', 'new'].map((id) => store.approval(id)),
    given: ['given', 'waits', 'new'].map((digest) => store.givenApproval('task_1', digest, NOW)?.id),
    definitions: store.definitions('files'),
    policySet: store.policySet('hash'),
    policyHistory: store.policyHistory(10),
    revoked: ['tok_1', 'tok_2'].map((id) => store.isTokenRevoked(id)),
    agents: store.agents(),
    feed: [store.feedRange(), store.revocations(0, 100), store.revokedNow({ now: NOW, endedSince: NOW })],
    issued: store.tokensOf('task_1', NOW),
    closings: ['ended', 'task_1'].map((id) => store.closing(id)),
    suspensions: store.suspensions(),
    leases: [store.leases({ limit: 100 }), store.leases({ limit: 100 }).map(({ id }) => store.sealedLease(id))],
    sealed: [store.sealedValues('secret'), store.sealedVersion('secret', 'crm')],
    unused: store.unused(NOW),
    distrusted: store.distrustedPolicySets(),
    log: logNotes(store),
  };
}

describe.each(Object.keys(VERBS))('a commit of %s that fails', (name) => {
  test.each([
    { form: 'not persisted', persists: false },
    { form: 'but persisted', persists: true },
  ])('$form: nobody is told that it took effect, and what is seen is what is durable', async ({ persists }) => {
    let failing = false;
    const store = await open({
      commit: (db) => {
        if (!failing || persists) db.exec('COMMIT');
        if (failing) throw new Error('input/output error');
      },
    });
    await prepare(store);
    const before = seen(store);
    const sizes: number[] = [];
    store.onCommit((size) => sizes.push(size));

    failing = true;
    await expect(VERBS[name]!(store)).rejects.toBeInstanceOf(Unavailable);
    failing = false;

    const after = seen(store);
    if (persists) expect(after).not.toEqual(before);
    else expect(after).toEqual(before);
    // The tree must hear of records that are in the log after all.
    expect(sizes).toEqual(persists ? [2] : []);
    expect(store.healthy()).toBe(true);
    await store.append([recordFixture('rec_after', 'after')]);
    expect(logNotes(store)).toEqual(persists ? ['task', 'verb', 'after'] : ['task', 'after']);

    const lively = seen(store);
    await store.close();
    const again = await open();
    expect(seen(again)).toEqual(lively);
    await again.close();
  });
});

test('a store that cannot be read after a failure takes no more writes, and memory keeps what was durable', async () => {
  let failing = false;
  const store = await open({
    commit: (db) => {
      if (failing) {
        db.close();
        throw new Error('input/output error');
      }
      db.exec('COMMIT');
    },
    maxBatch: 1,
  });
  await prepare(store);
  const before = store.chain('task_1');
  failing = true;
  const verbs = await Promise.allSettled([VERBS['admit']!(store), VERBS['endTask']!(store), VERBS['append']!(store)]);
  for (const verb of verbs) expect(verb).toMatchObject({ status: 'rejected', reason: expect.any(Unavailable) });
  await expect(store.append([])).rejects.toBeInstanceOf(Unavailable);
  expect(store.healthy()).toBe(false);
  expect(store.chain('task_1')).toEqual(before);
  expect(store.givenApproval('task_1', 'given', NOW)?.id).toBe('given');
  expect(store.size()).toBe(1);
  await store.close();
  const again = await open();
  expect(logNotes(again)).toEqual(['task']);
  await again.close();
});

/** A store whose disk takes its time: each fsync ends when the test says so. */
async function openSlow(): Promise<{ store: Store; synced: PromiseWithResolvers<void>[] }> {
  const synced: PromiseWithResolvers<void>[] = [];
  let slow = false;
  const store = await open({
    sync: async () => {
      if (!slow) return;
      const waited = Promise.withResolvers<void>();
      synced.push(waited);
      await waited.promise;
    },
  });
  await prepare(store);
  slow = true;
  return { store, synced };
}

test('INVARIANT 5: nobody hears of a permit before it is durable, and what comes meanwhile shares the next fsync', async () => {
  const { store, synced } = await openSlow();
  const told: string[] = [];
  store.onCommit((size) => told.push(`log ${size}`));
  const admit = (id: string) =>
    store.admit({ ...TAKEN, approval: null }, [recordFixture(id, id)]).then(() => told.push(id));
  const first = admit('rec_a');
  await expect.poll(() => synced.length).toBe(1);
  const others = [admit('rec_b'), admit('rec_c')];
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([told, store.size(), store.indexOf('rec_a'), logNotes(store)]).toEqual([[], 1, undefined, ['task']]);
  synced[0]!.resolve();
  await first;
  await expect.poll(() => synced.length).toBe(2);
  expect([told, store.size(), store.indexOf('rec_a')]).toEqual([['log 2', 'rec_a'], 2, 1]);
  synced[1]!.resolve();
  await Promise.all(others);
  expect([told.slice(2), synced.length]).toEqual([['log 4', 'rec_b', 'rec_c'], 2]);
  await store.close();
});

test('INVARIANT 4: after an fsync that failed nobody is told anything, and nothing more is taken', async () => {
  const { store, synced } = await openSlow();
  const sizes: number[] = [];
  store.onCommit((size) => sizes.push(size));
  const first = VERBS['admit']!(store);
  await expect.poll(() => synced.length).toBe(1);
  const second = VERBS['append']!(store);
  synced[0]!.reject(new Error('input/output error'));
  for (const verb of [first, second, store.append([])]) await expect(verb).rejects.toThrow(/restart Remit/);
  expect([store.healthy(), store.size(), sizes]).toEqual([false, 1, []]);
  await store.close();
  // What the disk has after all is what the next start goes on with.
  const again = await open();
  expect(logNotes(again)).toEqual(['task', 'verb']);
  await again.close();
});

test('a store that is closed in the middle of an fsync waits for it, and commits what it has taken', async () => {
  const { store, synced } = await openSlow();
  const first = store.append([]);
  await expect.poll(() => synced.length).toBe(1);
  const second = VERBS['endTask']!(store);
  const closing = store.close();
  await expect(store.append([])).rejects.toThrow('closed');
  synced[0]!.resolve();
  await expect.poll(() => synced.length).toBe(2);
  synced[1]!.resolve();
  await Promise.all([first, second, closing, store.close()]);
  const again = await open();
  expect(again.task('task_1')?.state).toBe('revoked');
  await again.close();
});

test('INVARIANT 4: a full disk admits nothing, and takes nothing from the budget', async () => {
  let database: DatabaseSync | undefined;
  const store = await open({
    commit: (db) => {
      database = db;
      db.exec('COMMIT');
    },
  });
  await store.createTask(taskFixture({ budget: { calls: 1_000 } }), []);
  const { page_count: pages } = database!.prepare('PRAGMA page_count').get() as { page_count: number };
  database!.exec(`PRAGMA max_page_count = ${pages + 3}`);
  const admit = (i: number) =>
    store.admit({ chain: ['task_1'], counted: true, approval: null }, [recordFixture(`rec_${i}`, 'x'.repeat(2_000))]);
  let admitted = 0;
  let full = 0;
  for (let i = 0; i < 20; i++) {
    await admit(i).then(
      () => (admitted += 1),
      (error: unknown) => {
        expect(error).toBeInstanceOf(Unavailable);
        full += 1;
      },
    );
  }
  expect([admitted > 0, full > 0]).toEqual([true, true]);
  expect([store.size(), store.chain('task_1')[0]!.used.calls]).toEqual([admitted, admitted]);
  database!.exec('PRAGMA max_page_count = 100000');
  expect(await admit(100)).toEqual({ admitted: true });
  expect(logNotes(store)).toHaveLength(admitted + 1);
  await store.close();
});

describe('what cannot be opened', () => {
  test('a file that is no database', async () => {
    writeFileSync(join(folder, 'remit.db'), 'notes of a meeting, not a database at all\n'.repeat(100));
    await expect(open()).rejects.toThrow(/is not a database/);
    await expect(open()).rejects.toBeInstanceOf(InvalidConfig);
  });

  test('a folder that cannot be written', async (context) => {
    if (process.getuid?.() === 0) context.skip('root may write everywhere');
    chmodSync(folder, 0o500);
    await expect(open({ file: join(folder, 'data', 'remit.db') })).rejects.toBeInstanceOf(InvalidConfig);
    chmodSync(folder, 0o700);
  });

  test('a refused opening leaves nothing locked', async () => {
    const store = await open();
    await expect(open()).rejects.toThrow('held by another process');
    await store.append([recordFixture('rec_1', 'still ours')]);
    await store.close();
    const again = await open();
    expect(logNotes(again)).toEqual(['still ours']);
    await again.close();
  });
});

test('INVARIANT 5: kill -9 loses no record that was acknowledged, and releases the database', async () => {
  const file = join(folder, 'remit.db');
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'admit-loop.ts'), file, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
    // Killed after a random number of acknowledgements, so at a random point of a later batch.
    const enough = acknowledged.length + 1 + Math.floor(Math.random() * 200);
    for await (const id of createInterface({ input: child.stdout })) {
      acknowledged.push(id);
      if (acknowledged.length === enough) child.kill('SIGKILL');
    }
    expect(await exited).toBe('SIGKILL');

    const store = await open();
    expect(logNotes(store)).toHaveLength(store.size());
    expect(acknowledged.filter((id) => store.indexOf(id) === undefined)).toEqual([]);
    // State and log agree: one call taken for each record.
    expect(store.chain('task_1')[0]!.used.calls).toBe(store.size());
    await store.close();
  }
});
