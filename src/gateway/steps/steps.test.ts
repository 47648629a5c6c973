import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { alice, bob, NOW, sampleAction, sampleTask, sha256, summariser } from '../../../test/fixtures/task.ts';
import type { DecisionRecord, LogRecord, OutcomeRecord } from '../../core/record.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import { openSqliteStore, type SqliteStore } from '../../store/sqlite/open.ts';
import type { Exchange } from '../exchange.ts';
import { runPipeline, type Step } from '../pipeline.ts';
import { decideStep } from './decide.ts';
import { gatherStep } from './gather.ts';
import { observeStep } from './observe.ts';
import type { StepParts } from './parts.ts';
import { recordStep } from './record.ts';

type Answer = 'acted' | 'refused';
type Run = Exchange<null, Answer>;

const POLICY = `
  permit (principal, action, resource);
  @id("held") @approval("note-owners") forbid (principal, action in Action::"write", resource);`;
const GRANT = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const, 'write' as const] }];
const write = sampleAction({ operation: 'write_file', effect: 'write', arguments: { path: 'out/a', content: 'x' } });

let folder: string;
let store: SqliteStore;
let now: number;
let ids: number;
let faulty: boolean;
let acted: number;
/** Runs between decision and record. */
let meanwhile: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-steps-'));
  now = NOW;
  ids = 0;
  acted = 0;
  faulty = false;
  meanwhile = async () => {};
  const commit = (db: DatabaseSync) => {
    if (faulty) throw new Error('disk full');
    db.exec('COMMIT');
  };
  store = await openSqliteStore({ file: join(folder, 'remit.db'), clock: () => now, commit });
  await store.createTask(sampleTask({ grant: GRANT }), []);
});
afterEach(async () => {
  faulty = false;
  await store.close();
  rmSync(folder, { recursive: true });
});

async function run(action = sampleAction(), taskId = 'task_1'): Promise<{ answer: Answer; exchange: Run }> {
  const pdp = createPdp({ 'test.cedar': POLICY }, { sha256, checkArguments: createCheckArguments() });
  const parts: StepParts = {
    store,
    pdp: () => pdp,
    referee: { consider: () => {} },
    fresh: () => store.healthy(),
    suspension: (kind, id) => store.suspension(kind, id),
    clock: () => now,
    newId: (prefix) => `${prefix}_${++ids}`,
    sha256,
    approvalLifetimeMs: 60_000,
    onFault: () => {},
  };
  const step = (
    name: Step<null, Answer>['name'],
    work: (exchange: Run) => Promise<void> | void,
  ): Step<null, Answer> => ({
    name,
    run: async (exchange) => {
      await work(exchange);
      return undefined;
    },
  });
  const steps: Step<null, Answer>[] = [
    gatherStep(parts),
    decideStep(parts),
    step('decide', () => meanwhile()),
    recordStep(parts, () => 'refused'),
    step('act', (exchange) => {
      // INVARIANT 5: the permit is in the log, durably, before anything happens.
      expect(decisions().some((record) => record.id === exchange.recordId)).toBe(true);
      acted += 1;
      exchange.answer = 'acted';
      exchange.outcome = { status: 'ok', result: { a: 1 } };
    }),
    observeStep(parts),
  ];
  const exchange: Run = {
    id: `req_${++ids}`,
    receivedAt: now,
    request: null,
    signal: new AbortController().signal,
    action,
    caller: {
      agent: summariser,
      delegator: alice,
      taskId,
      grants: GRANT,
      token: { id: 'tok_1', key: 'thumbprint', issuedAt: now, expiresAt: now + 1000, binding: 'dpop' },
    },
  };
  return { answer: await runPipeline(steps, exchange), exchange };
}

const records = () => store.entries(0, 1000).map(({ entry }) => JSON.parse(entry) as LogRecord);
const decisions = () => records().filter((record): record is DecisionRecord => record.kind === 'decision');
const approve = (id: string) => store.answerApproval({ id, to: 'approved', by: bob, at: now }, []);

test('a permit is recorded, acted on, counted, and its outcome follows', async () => {
  const { answer, exchange } = await run();
  expect(answer).toBe('acted');
  await expect.poll(() => records().length).toBe(2);
  const [decision, outcome] = records() as [DecisionRecord, OutcomeRecord];
  expect(decision).toMatchObject({
    agent: { id: summariser.id },
    delegator: { subject: 'alice' },
    task: { id: 'task_1', purpose: 'summarise the notes' },
    scope: GRANT,
    action: { operation: 'read_text_file', resources: ['file:notes/monday.md'] },
    decision: { outcome: 'permit' },
    token: { id: 'tok_1', key: 'thumbprint' },
  });
  expect(outcome).toMatchObject({ kind: 'outcome', decision: exchange.recordId, status: 'ok' });
  expect(outcome.result_digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(store.chain('task_1')[0]?.used.calls).toBe(1);
});

test('a record states what was decided on, not what is so when it is written', async () => {
  meanwhile = async () => {
    now += 5_000;
  };
  await run();
  expect(decisions()[0]).toMatchObject({ time: NOW, facts: { fresh: true, chain: [{ calls: { used: 0 } }] } });
});

test('a denial is recorded and nothing happens', async () => {
  const { answer } = await run(sampleAction({ target: 'memory' }));
  expect([answer, acted]).toEqual(['refused', 0]);
  expect(decisions()[0]?.decision.reasons[0]?.code).toBe('outside_grant');
});

test('INVARIANT 8: a hold asks once, is lifted for exactly this action, and once', async () => {
  const first = await run(write);
  const again = await run(write);
  expect([first.answer, again.answer]).toEqual(['refused', 'refused']);
  const { id } = first.exchange.waitingFor!;
  expect(again.exchange.waitingFor?.id).toBe(id);
  await approve(id);

  const changed = await run({ ...write, arguments: { path: 'out/a', content: 'y' } });
  expect(changed.answer).toBe('refused');
  const sameInOtherOrder = await run({ ...write, arguments: { content: 'x', path: 'out/a' } });
  expect(sameInOtherOrder.answer).toBe('acted');
  expect(decisions().at(-1)?.approval).toEqual({ id, approvers: [`${bob.issuer}|bob`] });
  const spent = await run(write);
  expect(spent.answer).toBe('refused');
  expect(spent.exchange.waitingFor?.id).not.toBe(id);
});

test('arguments that differ by Unicode normalisation are different actions', async () => {
  const held = await run({ ...write, arguments: { path: 'caf\u00e9' } });
  await approve(held.exchange.waitingFor!.id);
  expect((await run({ ...write, arguments: { path: 'cafe\u0301' } })).answer).toBe('refused');
});

test('twenty uses of one approval at once: one acts', async () => {
  const held = await run(write);
  await approve(held.exchange.waitingFor!.id);
  const answers = await Promise.all(Array.from({ length: 20 }, () => run(write)));
  expect(answers.filter(({ answer }) => answer === 'acted')).toHaveLength(1);
  expect(acted).toBe(1);
});

test('an approval that has expired lifts nothing', async () => {
  const held = await run(write);
  await approve(held.exchange.waitingFor!.id);
  now += 60_000;
  expect((await run(write)).answer).toBe('refused');
});

test("another task's approval lifts nothing", async () => {
  const held = await run(write);
  await approve(held.exchange.waitingFor!.id);
  await store.createTask(sampleTask({ id: 'task_2', grant: GRANT }), []);
  expect((await run(write, 'task_2')).answer).toBe('refused');
});

test('INVARIANT 6: a task that ends between decision and record: refused, recorded, nothing happens', async () => {
  meanwhile = async () => {
    await store.endTask({ id: 'task_1', to: 'revoked', at: now, reason: 'test' }, () => []);
  };
  expect((await run()).answer).toBe('refused');
  expect(acted).toBe(0);
  expect(decisions().map((record) => [record.decision.outcome, record.decision.reasons[0]?.code])).toEqual([
    ['deny', 'task_not_live'],
  ]);
});

test('a budget that runs out between decision and record: refused, and exact', async () => {
  await store.createTask(sampleTask({ id: 'task_3', grant: GRANT, budget: { calls: 1 } }), []);
  meanwhile = async () => {
    await store.admit({ chain: ['task_3'], counted: true, approval: null }, []);
  };
  expect((await run(sampleAction(), 'task_3')).answer).toBe('refused');
  expect(decisions().at(-1)?.decision.reasons[0]?.code).toBe('over_budget');
});

test('INVARIANT 5: what cannot be recorded does not happen', async () => {
  faulty = true;
  await expect(run()).rejects.toMatchObject({ code: 'unavailable' });
  expect(acted).toBe(0);
  faulty = false;
  expect((await run()).answer).toBe('acted');
});

test('a clock that jumped back makes no negative duration', async () => {
  meanwhile = async () => void (now -= 3_000);
  await run();
  await expect.poll(() => records().length).toBe(2);
  expect((records()[1] as OutcomeRecord).duration_ms).toBe(0);
});

test('INVARIANT 14: a secret is neither in the record nor on the card, and still makes another action', async () => {
  const first = await run({ ...write, arguments: { token: 'canary-1' } });
  const second = await run({ ...write, arguments: { token: 'canary-2' } });
  expect(first.exchange.waitingFor?.id).not.toBe(second.exchange.waitingFor?.id);
  expect(JSON.stringify([records(), store.approvals({ limit: 9 })])).not.toContain('canary');
});

test('a token for no task, or for a task that does not exist, is refused', async () => {
  await expect(run(sampleAction(), 'task_none')).rejects.toMatchObject({ code: 'invalid_token' });
});
