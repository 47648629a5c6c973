import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { pdpThatHides } from '../../../test/fixtures/broken-engine.ts';
import { alice, sampleAction, sampleInput, sampleTask, sha256, summariser } from '../../../test/fixtures/task.ts';
import type { DecisionInput } from '../../core/decision.ts';
import { createCheckArguments } from '../check-arguments.ts';
import { createPdp, type Pdp } from '../pdp.ts';
import { startReferee, type Found, type Referee, type RefereeParts } from './referee.ts';

const FILES = {
  'test.cedar': `
@id("all") permit (principal, action, resource);
@id("private") forbid (principal, action, resource) when { resource.name like "file:notes/private*" };
@id("held") @approval("owners") forbid (principal, action in Action::"write", resource);
@id("watch") @observe forbid (principal is Agent, action, resource);`,
};
const sound = () => createPdp(FILES, { sha256, checkArguments: createCheckArguments() });

let referee: Referee;
let found: Found[];
let problems: unknown[];
afterEach(async () => {
  vi.restoreAllMocks();
  await referee.close();
});

function start(pdp: () => Pdp, more: Partial<RefereeParts> = {}): void {
  found = [];
  problems = [];
  referee = startReferee({
    pdp,
    sample: 1,
    queue: 10,
    random: () => 0,
    onFound: (each) => found.push(each),
    onProblem: (problem) => problems.push(problem),
    ...more,
    limits: { backOffMs: { first: 1, most: 4 }, ...more.limits },
  });
}

let records = 0;
function decide(pdp: Pdp, input: Partial<DecisionInput> = {}): string {
  const record = `rec_${++records}`;
  const whole = sampleInput(input);
  referee.consider({ record, input: whole, decision: pdp.decide(whole) });
  return record;
}

const counted = (count: object) =>
  vi.waitFor(() => expect(referee.status()).toMatchObject(count), { timeout: 15_000, interval: 5 });
const of = (name: string, more: object = {}) => ({
  action: sampleAction({ resources: [`file:notes/${name}`], ...more }),
});

describe('a sound engine', () => {
  test('is agreed with: permit, deny, hold, and an approval that lifts', async () => {
    const pdp = sound();
    start(() => pdp);
    const grant = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const, 'write' as const] }];
    const chain = [{ task: sampleTask({ grant }), used: { calls: 0 } }];
    const write = { ...of('a', { operation: 'write_file', effect: 'write' }), chain, token: null };
    const owner = { ...alice, subject: 'olga', groups: ['owners'] };
    decide(pdp, of('a'));
    decide(pdp, of('private/b'));
    decide(pdp, write);
    decide(pdp, { ...write, approval: { id: 'apr_1', approvers: [owner] } });
    await counted({ state: 'ok', checked: 4, skipped: 0, failed: 0 });
    expect([found, problems]).toEqual([[], []]);
  });

  test('is agreed with about a person in a thousand groups and an action on several resources', async () => {
    const pdp = sound();
    start(() => pdp);
    const groups = Array.from({ length: 1000 }, (_none, n) => `group-${n}`);
    const resources = Array.from({ length: 5 }, (_none, n) => `file:notes/${n}`);
    decide(pdp, { action: sampleAction({ resources }), delegator: { ...alice, groups } });
    await counted({ checked: 1, failed: 0 });
    expect(found).toEqual([]);
  });
});

describe('an engine at fault', () => {
  test.each([
    ['private', 'private/b', { in: 'forbids', engine: [], cedar: ['private'] }],
    ['all', 'a', { in: 'permits', engine: [], cedar: ['all'] }],
    // Neither decides here, and each would elsewhere.
    ['all', 'private/b', { in: 'permits', engine: [], cedar: ['all'] }],
    ['watch', 'a', { in: 'observed', engine: [], cedar: ['watch'] }],
  ])('that hides `%s` is found at %s', async (hidden, name, difference) => {
    const pdp = pdpThatHides(hidden, FILES);
    start(() => pdp);
    const record = decide(pdp, of(name));
    await counted({ checked: 1 });
    expect(found).toEqual([{ policySet: pdp.policySet, record, difference }]);
  });

  test('that makes another decision of what its policies say is found', async () => {
    const pdp = sound();
    const permit = pdp.decide(sampleInput(of('a')));
    const faulty: Pdp = { ...pdp, decide: () => permit };
    start(() => faulty);
    decide(faulty, of('private/b'));
    await counted({ checked: 1 });
    expect(found[0]?.difference).toEqual({ in: 'outcome', engine: ['permit'], cedar: ['deny'] });
  });

  test('is named by the set that decided, though another was put in force meanwhile', async () => {
    const broken = pdpThatHides('private', FILES);
    const next = createPdp(
      { 'next.cedar': 'permit (principal, action, resource);' },
      { sha256, checkArguments: () => [] },
    );
    let inForce = broken;
    start(() => inForce);
    const post = vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker, question) {
      inForce = next;
      this.postMessage(question);
    });
    const record = decide(broken, of('private/b'));
    // Waits still when its set is replaced, and is left out.
    decide(broken, of('private/b'));
    await counted({ checked: 1, skipped: 1 });
    expect(found).toMatchObject([{ policySet: broken.policySet, record }]);
    // Decided by a set that is not in force any more.
    decide(broken, of('private/b'));
    decide(next, of('private/b'));
    await counted({ checked: 2, skipped: 2 });
    expect([found.length, problems, post.mock.calls.length]).toEqual([1, [], 3]);
  });
});

describe('what is sampled', () => {
  test('is drawn', async () => {
    const pdp = sound();
    const draws = [0.3, 0.1, 0.25, 0.24];
    start(() => pdp, { sample: 0.25, random: () => draws.shift()! });
    for (let n = 0; n < 4; n++) decide(pdp, of('a'));
    await counted({ checked: 2, skipped: 0 });
  });

  test('is nothing when the sample is 0: no draw, no thread', () => {
    const pdp = pdpThatHides('private', FILES);
    start(() => pdp, {
      sample: 0,
      random: () => {
        throw new Error('drawn');
      },
    });
    decide(pdp, of('private/b'));
    expect(referee.status()).toEqual({ state: 'off', sample: 0, checked: 0, skipped: 0, failed: 0 });
  });

  test('is what policy decided, and nothing that was denied before', async () => {
    const pdp = sound();
    start(() => pdp);
    decide(pdp, { fresh: false });
    decide(pdp, { action: sampleAction({ arguments: { list: [null] } }) });
    decide(pdp, of('a'));
    await counted({ checked: 1, skipped: 0, failed: 0 });
  });

  test('waits in a bounded queue, in number and in size, and what does not fit is counted', async () => {
    const pdp = sound();
    start(() => pdp, { queue: 3, limits: { maxWaitingChars: 20_000 } });
    for (let n = 0; n < 5; n++) decide(pdp, of('a'));
    expect(referee.status()).toMatchObject({ skipped: 2 });
    await counted({ checked: 3 });
    decide(pdp, of('a', { arguments: { content: 'x'.repeat(20_000) } }));
    expect(referee.status()).toMatchObject({ skipped: 3 });
    decide(pdp, of('a'));
    await counted({ checked: 4, skipped: 3 });
  });

  test('is the input as it was decided on, whatever becomes of it', async () => {
    const pdp = sound();
    start(() => pdp);
    const input = sampleInput(of('a'));
    referee.consider({ record: 'rec_1', input, decision: pdp.decide(input) });
    input.action.resources[0] = 'file:notes/private/b';
    await counted({ checked: 1 });
    expect(found).toEqual([]);
  });
});

describe('a referee in trouble', () => {
  test('that hangs is ended, reported, and replaced; what it was at is lost, and is no difference', async () => {
    const pdp = sound();
    start(() => pdp, { limits: { evaluateWithinMs: 1 } });
    await counted({ state: 'ok' });
    // More than a millisecond of work before the first evaluation is done: entities by the thousand.
    const groups = Array.from({ length: 60_000 }, (_none, n) => `group-${n}`);
    decide(pdp, { ...of('a'), delegator: { ...alice, groups } });
    await counted({ failed: 1, checked: 0 });
    expect([found, String(problems[0])]).toEqual([[], 'Error: the referee is silent for too long']);
    await counted({ state: 'ok' });
  });

  test('that is closed before it has begun begins nothing', async () => {
    const pdp = sound();
    const begun = vi.spyOn(Worker.prototype, 'unref');
    start(() => pdp);
    decide(pdp, of('a'));
    await referee.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).not.toHaveBeenCalled();
  });

  test('that is killed while it is asked nothing is replaced', async () => {
    const pdp = sound();
    start(() => pdp);
    const post = vi.spyOn(Worker.prototype, 'postMessage');
    decide(pdp, of('a'));
    await counted({ checked: 1 });
    await (post.mock.contexts[0] as Worker).terminate();
    await vi.waitFor(() => expect(problems).toHaveLength(1), 15_000);
    await counted({ state: 'ok', failed: 0 });
    decide(pdp, of('a'));
    await counted({ checked: 2 });
    expect(post.mock.contexts[1]).not.toBe(post.mock.contexts[0]);
  });

  test('that cannot start is degraded, tried again, and never in the way', async () => {
    const broken: Pdp = { ...sound(), files: { 'test.cedar': 'permit (' } };
    let pdp = broken;
    start(() => pdp);
    decide(broken, of('a'));
    await counted({ state: 'degraded', checked: 0 });
    await vi.waitFor(() => expect(problems.length).toBeGreaterThan(2), 15_000);
    expect(found).toEqual([]);
    pdp = { ...sound(), policySet: `${broken.policySet}1` };
    await counted({ state: 'ok' });
  });

  test('that runs out of memory dies alone', async () => {
    const pdp = sound();
    start(() => pdp, { limits: { maxHeapMiB: 20, maxWaitingChars: 100 * 1024 * 1024 } });
    await counted({ state: 'ok' });
    const list = Array.from({ length: 1_000_000 }, (_none, n) => `item ${n}`);
    decide(pdp, of('a', { arguments: { list } }));
    await counted({ failed: 1, checked: 0 });
    expect(found).toEqual([]);
    await counted({ state: 'ok' });
    decide(pdp, of('a'));
    await counted({ checked: 1 });
  });

  test('says of what `cedar-wasm` cannot be asked that it could not, and goes on', async () => {
    const pdp = sound();
    start(() => pdp);
    const odd = { ...summariser, groups: ['\ud800'] };
    decide(pdp, { ...of('a'), agent: odd });
    await counted({ state: 'degraded', failed: 1 });
    decide(pdp, of('a'));
    await counted({ state: 'ok', checked: 1, failed: 1 });
    expect(found).toEqual([]);
  });
});
