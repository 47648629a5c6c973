import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sourcesFor } from '../../../test/fixtures/task-sources.ts';
import { openLedger } from '../../../test/fixtures/leases.ts';
import { alice, bob, NOW, sampleAction, sampleTask, sha256, summariser } from '../../../test/fixtures/task.ts';
import type { Action } from '../../core/action.ts';
import type { DecisionRecord, LogRecord, OutcomeRecord } from '../../core/record.ts';
import type { StandingAnswer } from '../../core/standing-answer.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import type { Store } from '../../store/ports.ts';
import { openSqliteStore } from '../../store/sqlite/open.ts';
import type { Exchange, Outcome } from '../exchange.ts';
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
let store: Store;
let now: number;
let ids: number;
let faulty: boolean;
let sentAfter: number[];
let acted: number;
/** Tasks that were to end for a step outside, and why. */
let automatedEnds: [task: string, why: string][];
/** What becomes of what is permitted. */
let outcome: Outcome;
/** The text of the policy set in force. */
let policy: string;
/** Runs between decision and record. */
let meanwhile: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-steps-'));
  now = NOW;
  ids = 0;
  acted = 0;
  sentAfter = [];
  outcome = { status: 'ok', result: { a: 1 } };
  faulty = false;
  automatedEnds = [];
  policy = POLICY;
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
  const pdp = createPdp({ 'test.cedar': policy }, { sha256, checkArguments: createCheckArguments() });
  const sources = sourcesFor(store);
  const parts: StepParts = {
    store,
    pdp: () => pdp,
    referee: { consider: () => {} },
    fresh: () => store.healthy(),
    suspension: (kind, id) => store.suspension(kind, id),
    sources: {
      ...sources,
      sends: (looked, from) => {
        sentAfter.push(acted);
        sources.sends(looked, from);
      },
    },
    leases: openLedger(store, { clock: () => now, newId: (prefix) => `${prefix}_${++ids}` }).ledger,
    clock: () => now,
    newId: (prefix) => `${prefix}_${++ids}`,
    sha256,
    approvalLifetimeMs: 60_000,
    endAutomated: async ({ id }, why) => {
      automatedEnds.push([id, why]);
    },
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
      exchange.outcome = outcome;
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

test('an action that names a thousand leases is refused before it is decided', async () => {
  const handles = Array.from({ length: 1_000 }, (_none, n) => `remit-lease-${String(n).padStart(24, '0')}`);
  const named = sampleAction({ arguments: { path: 'notes/monday.md', handles } });
  await expect(run(named)).rejects.toMatchObject({ code: 'invalid_request' });
  expect(records()).toEqual([]);
});

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
  // Before it was carried out: what comes back of it may be read before it has ended.
  expect(sentAfter).toEqual([0]);
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

const EDITED: Action = { ...write, arguments: { path: 'out/caf\u00e9', nested: { b: [1, 2], a: null }, content: 'x' } };

/** Everything that makes another action of one that is approved, and what does not. */
const VARIANTS: [string, Partial<Action>, 'acted' | 'refused'][] = [
  ['nothing', {}, 'acted'],
  [
    'another order of the arguments',
    { arguments: { content: 'x', nested: { a: null, b: [1, 2] }, path: 'out/caf\u00e9' } },
    'acted',
  ],
  ['another Unicode normal form', { arguments: { ...EDITED.arguments, path: 'out/cafe\u0301' } }, 'refused'],
  ['another value', { arguments: { ...EDITED.arguments, content: 'y' } }, 'refused'],
  ['a value of another type', { arguments: { ...EDITED.arguments, content: ['x'] } }, 'refused'],
  ['a blank at the end', { arguments: { ...EDITED.arguments, content: 'x ' } }, 'refused'],
  ['a zero-width character', { arguments: { ...EDITED.arguments, content: 'x\u200b' } }, 'refused'],
  ['another order of a list', { arguments: { ...EDITED.arguments, nested: { a: null, b: [2, 1] } } }, 'refused'],
  ['an argument more', { arguments: { ...EDITED.arguments, more: null } }, 'refused'],
  ['an argument less', { arguments: { path: 'out/caf\u00e9', content: 'x' } }, 'refused'],
  ['another resource', { resources: ['file:out/other.md'] }, 'refused'],
  ['another operation', { operation: 'move_file' }, 'refused'],
  ['another sensitivity', { sensitivity: 'public' }, 'refused'],
];
test.each(VARIANTS)('INVARIANT 8: an approval is not for %s', async (_name, change, answer) => {
  const held = await run(EDITED);
  await approve(held.exchange.waitingFor!.id);
  const variant = await run({ ...EDITED, ...change });
  expect(variant.answer).toBe(answer);
  // What was not used waits for the action that it is for.
  expect((await run(EDITED)).answer).toBe(answer === 'acted' ? 'refused' : 'acted');
});

test('INVARIANT 8: under another policy version the approval is for nothing, whatever the new one says', async () => {
  const held = await run(write);
  await approve(held.exchange.waitingFor!.id);
  policy = `${POLICY} // another text`;
  const later = await run(write);
  expect(later.answer).toBe('refused');
  expect(later.exchange.waitingFor?.id).not.toBe(held.exchange.waitingFor?.id);
});

test('INVARIANT 8: after an approval the action is decided again, and what forbids by then forbids', async () => {
  policy = `${POLICY} @id("late") forbid (principal, action, resource) when { context has task && context.task.age_seconds > 80 };`;
  const held = await run(write);
  await approve(held.exchange.waitingFor!.id);
  now += 31_000;
  const { answer, exchange } = await run(write);
  expect([answer, exchange.decision?.outcome, exchange.decision?.policies]).toEqual([
    'refused',
    'deny',
    ['held', 'late'],
  ]);
  expect(store.approval(held.exchange.waitingFor!.id)?.state).toBe('approved');
});

test('two people: the first yes lifts nothing, and the record names both', async () => {
  policy = POLICY.replace('note-owners', '2 of note-owners');
  const { id } = (await run(write)).exchange.waitingFor!;
  await approve(id);
  expect((await run(write)).exchange.waitingFor?.id).toBe(id);
  const dan = { ...bob, subject: 'dan', email: 'dan@example.test' };
  await store.answerApproval({ id, to: 'approved', by: dan, at: now }, []);
  expect((await run(write)).answer).toBe('acted');
  expect(decisions().at(-1)?.approval).toEqual({ id, approvers: [`${bob.issuer}|bob`, `${bob.issuer}|dan`] });
});

describe('the next so many like this', () => {
  async function stand(change: Partial<StandingAnswer> = {}): Promise<string> {
    const { waitingFor } = (await run(write)).exchange;
    const standing: StandingAnswer = {
      id: 'sta_1',
      task: 'task_1',
      approval: waitingFor!.id,
      target: 'files',
      operation: 'write_file',
      resources: [{ exactly: 'file:notes/monday.md' }],
      arguments: { path: { exactly: 'out/a' }, content: { any: true } },
      policySet: waitingFor!.policySet,
      approvers: [bob],
      uses: 2,
      usesLeft: 2,
      state: 'active',
      createdAt: now,
      expiresAt: now + 30_000,
      ...change,
    };
    await store.answerApproval({ id: waitingFor!.id, to: 'approved', by: bob, at: now }, [], standing);
    return waitingFor!.id;
  }
  const writing = (content: string) => run({ ...write, arguments: { path: 'out/a', content } });

  test('each use is decided and recorded by itself, and then it is used up', async () => {
    const approval = await stand();
    expect((await run(write)).answer).toBe('acted');
    for (const content of ['y', 'z']) {
      expect((await writing(content)).answer).toBe('acted');
      expect(decisions().at(-1)).toMatchObject({
        decision: { outcome: 'permit', policies: ['test.cedar#1', 'held'] },
        approval: { id: 'sta_1', approvers: [`${bob.issuer}|bob`] },
      });
    }
    expect((await writing('w')).answer).toBe('refused');
    expect(store.approval(approval)?.state).toBe('spent');
  });

  test('twenty at once: as many as it has uses', async () => {
    await stand();
    const answers = await Promise.all(Array.from({ length: 20 }, (_none, n) => writing(`${n}`)));
    expect(answers.filter(({ answer }) => answer === 'acted')).toHaveLength(2);
  });

  test.each<[string, () => Promise<unknown> | void]>([
    ['after its time', () => void (now += 30_000)],
    ['under another policy set', () => void (policy = `${POLICY} // another`)],
    ['once it was taken back', () => store.revokeStandingAnswer('sta_1', [])],
    ['for other arguments', () => void (write.arguments['path'] = 'out/b')],
  ])('not %s', async (_name, change) => {
    await stand();
    await change();
    const { answer } = await run({ ...write, arguments: { ...write.arguments, content: 'y' } });
    write.arguments['path'] = 'out/a';
    expect(answer).toBe('refused');
  });

  test('not for what somebody has refused', async () => {
    const refused = (await writing('bad')).exchange.waitingFor!;
    await store.answerApproval({ id: refused.id, to: 'refused', by: bob, at: now }, []);
    await stand();
    expect((await writing('bad')).answer).toBe('refused');
    expect((await writing('good')).answer).toBe('acted');
  });

  test('not where policy asks for more people than gave it', async () => {
    policy = POLICY.replace('note-owners', '2 of note-owners');
    const { waitingFor } = (await run(write)).exchange;
    const dan = { ...bob, subject: 'dan', email: 'dan@example.test' };
    await store.answerApproval({ id: waitingFor!.id, to: 'approved', by: dan, at: now }, []);
    await stand();
    expect((await writing('y')).answer).toBe('refused');
  });
});

test('nobody is asked what they could not read, nor more than they could answer', async () => {
  const long = await run({ ...write, arguments: { content: 'x'.repeat(300_000) } });
  expect(long.exchange.notAsked).toMatch(/too long for a person to read/);
  for (let n = 0; n < 20; n++) await run({ ...write, arguments: { n } });
  const more = await run({ ...write, arguments: { n: 'more' } });
  expect(more).toMatchObject({ answer: 'refused', exchange: { notAsked: expect.stringMatching(/20 requests wait/) } });
  expect(more.exchange.waitingFor).toBeUndefined();
  expect(decisions().at(-1)).toMatchObject({ decision: { outcome: 'hold' }, approval: null });
  expect(store.approvals({ state: 'pending', limit: 99 })).toHaveLength(20);
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

describe('a task that its agent started by itself', () => {
  const automated = { name: 'summary', version: 1, digest: 'sha256:0', automated: true } as const;
  beforeEach(() => store.createTask(sampleTask({ id: 'by itself', grant: GRANT, profile: automated }), []));

  test('goes on while it keeps to what it is for', async () => {
    expect((await run(sampleAction(), 'by itself')).answer).toBe('acted');
    expect(automatedEnds).toEqual([]);
  });

  test('ends with a step outside, once that is recorded', async () => {
    const elsewhere = sampleAction({ operation: 'run_code', effect: 'execute' });
    expect((await run(elsewhere, 'by itself')).answer).toBe('refused');
    expect(automatedEnds).toEqual([['by itself', expect.stringContaining('run_code')]]);
    expect(decisions().at(-1)?.decision.reasons[0]?.code).toBe('outside_grant');
  });

  test('does not end for what is no fault of its own, and another task does not end for a step outside', async () => {
    expect((await run(sampleAction({ definition: 'quarantined' }), 'by itself')).answer).toBe('refused');
    expect((await run(sampleAction({ operation: 'run_code', effect: 'execute' }))).answer).toBe('refused');
    expect(automatedEnds).toEqual([]);
  });
});

test('a budget that runs out between decision and record: refused, and exact', async () => {
  await store.createTask(sampleTask({ id: 'task_3', grant: GRANT, budget: { calls: 1 } }), []);
  meanwhile = async () => {
    await store.admit({ chain: ['task_3'], counted: true, approval: null }, []);
  };
  expect((await run(sampleAction(), 'task_3')).answer).toBe('refused');
  expect(decisions().at(-1)?.decision.reasons[0]?.code).toBe('over_budget');
});

const limited = () =>
  store.createTask(
    sampleTask({
      id: 'task_4',
      grant: GRANT,
      budget: { calls: 5, effects: { read: 2 }, operations: { 'files:read_text_file': 2 } },
    }),
    [],
  );
const usedOf = (id: string) => store.chain(id)[0]?.used;

test('what did not happen is given back with its record; what is in doubt stays taken', async () => {
  await limited();
  outcome = { status: 'failed', detail: 'no connection', nothingDone: true };
  await run(sampleAction(), 'task_4');
  await expect.poll(() => records().at(-1)).toMatchObject({ kind: 'outcome', status: 'failed', given_back: true });
  expect(usedOf('task_4')).toEqual({ calls: 0, counters: { 'effect:read': 0, 'operation:files:read_text_file': 0 } });

  outcome = { status: 'failed', detail: 'the connection broke' };
  await run(sampleAction(), 'task_4');
  await expect.poll(() => records().at(-1)).toMatchObject({ kind: 'outcome', detail: 'the connection broke' });
  expect(records().at(-1)).not.toHaveProperty('given_back');
  expect(usedOf('task_4')).toEqual({ calls: 1, counters: { 'effect:read': 1, 'operation:files:read_text_file': 1 } });
});

test('a hundred at once under a limit of two: two act, and the others are told', async () => {
  await limited();
  const answers = await Promise.all(Array.from({ length: 100 }, () => run(sampleAction(), 'task_4')));
  expect(answers.filter(({ answer }) => answer === 'acted')).toHaveLength(2);
  expect(acted).toBe(2);
  expect(usedOf('task_4')).toEqual({ calls: 2, counters: { 'effect:read': 2, 'operation:files:read_text_file': 2 } });
  expect(decisions().at(-1)?.decision.reasons[0]?.code).toBe('over_budget');
});

test('what takes from no budget gives nothing back', async () => {
  outcome = { status: 'failed', nothingDone: true };
  await run(sampleAction({ operation: 'tools/list', protocol: true }));
  await expect.poll(() => records().length).toBe(2);
  expect(records()[1]).not.toHaveProperty('given_back');
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
