import { generateKeyPairSync } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ISSUER, openControlPlane, personSession, requestTask } from '../../../test/fixtures/control-plane.ts';
import { LOG_ORIGIN, logSigner, writeLog } from '../../../test/fixtures/log-folder.ts';
import { NOW, sampleAction, sampleInput, sampleTask, sha256, summariser } from '../../../test/fixtures/task.ts';
import { ed25519Signer } from '../../audit/ed25519.ts';
import { decisionRecord } from '../../core/decision-record.ts';
import type { DecisionInput } from '../../core/decision.ts';
import { Conflict, InvalidConfig, NotFound, Unavailable } from '../../core/errors.ts';
import { formatVerifierKey } from '../../core/note.ts';
import type { DecisionRecord } from '../../core/record.ts';
import type { SpiffeId } from '../../core/spiffe-id.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import { runCommand } from '../commands.ts';
import { UsageError, type Io } from '../io.ts';
import { policy } from './policy.ts';
import { replayPolicy } from './replay.ts';

const root = mkdtempSync(join(tmpdir(), 'remit-replay-'));
afterAll(() => rmSync(root, { recursive: true }));

const READS = '@id("reads") permit (principal, action in Action::"read", resource);';
const WRITES = '@id("writes") permit (principal, action in Action::"write", resource);';
const current = createPdp({ 'a.cedar': READS }, { sha256, checkArguments: createCheckArguments() });

let drafts = 0;
function draft(text: string): string {
  const folder = join(root, `draft-${++drafts}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.cedar'), text);
  return folder;
}

const planner = { id: 'spiffe://remit.local/agent/planner' as SpiffeId, trustDomain: 'remit.local' };
const both = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const, 'write' as const] }];
const chain = [
  { task: sampleTask({ grant: both, parent: 'task_0' }), used: { calls: 0 } },
  { task: sampleTask({ id: 'task_0', agent: planner, grant: both }), used: { calls: 0 } },
];

let ids = 0;
function recorded(overrides: Partial<DecisionInput> = {}): DecisionRecord {
  const input = sampleInput({ chain, ...overrides });
  const parts = { id: `rec_${++ids}`, request: 'req_1', approval: null, token: null };
  return decisionRecord({ ...parts, input, decision: current.decide(input) }, sha256);
}
const write = (parts = {}) => sampleAction({ operation: 'write_file', effect: 'write', ...parts });
function withoutFacts(record: DecisionRecord): DecisionRecord {
  const { facts: _, ...old } = record;
  return old;
}

const DAY = 86_400_000;
let dir: string;
beforeAll(async () => {
  dir = await writeLog(root, [
    recorded({ now: NOW - 2 * DAY, fresh: false }),
    recorded(),
    recorded({ action: write({ resources: ['file:notes/\u202ea.md'] }) }),
    recorded({ action: write(), now: NOW + 1000 }),
    recorded({ action: write({ arguments: { path: 'a', password: 'hunter2' } }) }),
    withoutFacts(recorded({ action: write() })),
  ]);
});

type Ran = { code: number; out: string[]; err: string[] };
async function run(args: string[], parts: Partial<Io> = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    json: false,
    env: {},
    remitUrl: ISSUER,
    dataDir: root,
    person: () => Promise.reject(new Error('nobody is needed to read a folder')),
    ...parts,
  };
  return { code: await replayPolicy(args, io, () => NOW + 2000), out, err };
}

test('what a draft would turn is told to a person, with one example of each', async () => {
  const { code, out } = await run(['--policies', draft(`${READS}${WRITES}`), '--dir', dir]);
  expect(code).toBe(1);
  expect(out.map((line) => line.replace(/sha256:[0-9a-f]{64}/, 'sha256:…'))).toEqual([
    '6 decisions: 2 would come out otherwise, 2 the same, 1 uncertain, 1 not replayed',
    'draft    sha256:…',
    'current  sha256:…',
    '',
    'deny → permit  2 × files write_file, by writes',
    '    first     rec_3 at 2026-11-23T12:00:00.000Z',
    `    agent     ${summariser.id}`,
    '    for       alice of https://idp.example.test',
    '    task      task_1',
    `    through   ${summariser.id} from ${planner.id}`,
    '    on        file:notes/\\u202ea.md',
    '    recorded  no policy permits `write_file` (write) at `files` on `file:notes/\\u202ea.md` for agent `spiffe://remit.local/agent/summariser` (no_policy)',
    '    draft     policy permits this action (policy_permits), by writes',
    '',
    'uncertain, since something of them was redacted or cut (arguments of 1): 1 would come out otherwise, 0 the same',
    '',
    'deny → permit  1 × files write_file, by writes',
    '    first     rec_5 at 2026-11-23T12:00:00.000Z',
    `    agent     ${summariser.id}`,
    '    for       alice of https://idp.example.test',
    '    task      task_1',
    `    through   ${summariser.id} from ${planner.id}`,
    '    on        file:notes/monday.md',
    '    recorded  no policy permits `write_file` (write) at `files` on `file:notes/monday.md` for agent `spiffe://remit.local/agent/summariser` (no_policy)',
    '    draft     policy permits this action (policy_permits), by writes',
    '',
    '1 not replayed: recorded by an older version, without what was decided on',
  ]);
});

test('and to a program, as one object', async () => {
  const { code, out } = await run(['--policies', draft(`${READS}${WRITES}`), '--dir', dir], { json: true });
  expect([code, out.length]).toEqual([1, 1]);
  expect(JSON.parse(out[0]!)).toMatchObject({
    current: current.policySet,
    decisions: 6,
    exact: {
      unchanged: 2,
      flipped: 2,
      groups: [
        {
          from: 'deny',
          to: 'permit',
          because: ['writes'],
          count: 2,
          under_other_sets: 0,
          example: { record: 'rec_3' },
        },
      ],
    },
    uncertain: { unchanged: 0, flipped: 1, because: { arguments: 1 } },
    unreplayable: { no_facts: 1 },
  });
});

test('a draft that turns nothing passes', async () => {
  const { code, out } = await run(['--policies', draft(`// The same in other words.\n${READS}`), '--dir', dir]);
  expect(code).toBe(0);
  expect(out[0]).toBe('6 decisions: 0 would come out otherwise, 4 the same, 1 uncertain, 1 not replayed');
});

test('an uncertain flip does not pass', async () => {
  const secrets = await writeLog(root, [recorded({ action: write({ arguments: { token: 'hunter2' } }) })]);
  const { code, out } = await run(['--policies', draft(`${READS}${WRITES}`), '--dir', secrets]);
  expect(code).toBe(1);
  expect(out[0]).toBe('1 decision: 0 would come out otherwise, 0 the same, 1 uncertain, 0 not replayed');
});

test.each([
  [['--until', '24h'], '1 decision: 0'],
  [['--since', '24h'], '5 decisions: 2'],
  [['--since', '2026-11-23T12:00:01Z'], '1 decision: 1'],
  [['--since', '2026-11-23T12:00:00Z', '--until', '2026-11-23T12:00:01Z'], '4 decisions: 1'],
  [['--since', '2026-11-24'], '0 decisions: 0'],
])('%s', async (window, start) => {
  const { out } = await run(['--policies', draft(`${READS}${WRITES}`), '--dir', dir, ...window]);
  expect(out[0]).toContain(`${start} would come out otherwise`);
});

test('a check that has compared nothing does not pass', async () => {
  const old = await writeLog(root, [withoutFacts(recorded()), withoutFacts(recorded())]);
  await expect(run(['--policies', draft(READS), '--dir', old])).rejects.toThrow(NotFound);
});

test('a record with a member that is not known here is not replayed', async () => {
  const record = recorded({ action: write() });
  const newer = { ...record, facts: { ...record.facts, weather: 'fair' } } as unknown as DecisionRecord;
  const { code, out } = await run([
    '--policies',
    draft(`${READS}${WRITES}`),
    '--dir',
    await writeLog(root, [recorded(), newer]),
  ]);
  expect(code).toBe(0);
  expect(out.at(-1)).toContain('1 not replayed: recorded in a form that this version does not know');
});

test('progress is told when asked for', async () => {
  const { err } = await run(['--policies', draft(READS), '--dir', dir, '--progress']);
  expect(err[0]).toBe(`verifying the log in \`${dir}\``);
  expect((await run(['--policies', draft(READS), '--dir', dir])).err).toEqual([]);
});

describe('a command line that is wrong', () => {
  const some = ['--policies', 'x'];
  test.each([
    [[], 'name the folder of the draft with --policies'],
    [[...some, '--since', 'yesterday'], '`yesterday` is no time'],
    [[...some, '--until', '2026-13-01'], '`2026-13-01` is no time'],
    [[...some, '--since', '1h', '--until', '2h'], '`--since` is not before `--until`'],
    [[...some, '--server', '--dir', 'y'], '`--server` does not go with'],
  ])('%s', async (args, problem) => {
    await expect(run(args)).rejects.toThrow(UsageError);
    await expect(run(args)).rejects.toThrow(problem);
  });

  test('exits with 2, and what a draft or a log has wrong with the code of its error', async () => {
    expect(await runCommand(['policy'], {})).toBe(2);
    expect(await runCommand(['policy', 'toString'], {})).toBe(2);
    expect(await runCommand(['policy', 'replay', '--policies', 'x', '--colour'], {})).toBe(2);
    expect(await runCommand(['policy', 'replay', '--policies', join(root, 'none')], {})).toBe(78);
    const reads = draft(READS);
    expect(await runCommand(['policy', 'replay', '--policies', reads, '--dir', join(root, 'none')], {})).toBe(5);
    expect(await runCommand(['policy', 'replay', '--policies', reads, '--dir', dir], {})).toBe(0);
  });
});

describe('a log that does not convince', () => {
  const copy = () => {
    const to = mkdtempSync(join(root, 'copy-'));
    cpSync(dir, to, { recursive: true });
    return to;
  };
  const entries = (of: string) => {
    const [name] = readdirSync(join(of, 'tile/entries/000.p'));
    return join(of, 'tile/entries/000.p', name!);
  };
  const reads = draft(READS);

  test('is truncated', async () => {
    const cut = copy();
    truncateSync(entries(cut), 500);
    await expect(run(['--policies', reads, '--dir', cut])).rejects.toThrow(Conflict);
    await expect(run(['--policies', reads, '--dir', cut])).rejects.toThrow(
      /cannot be verified: .* does not hold exactly 7/,
    );
  });

  test('lacks a file', async () => {
    const lacking = copy();
    rmSync(entries(lacking));
    await expect(run(['--policies', reads, '--dir', lacking])).rejects.toThrow(/cannot be verified: .* is missing/);
  });

  test('was changed', async () => {
    const changed = copy();
    const file = entries(changed);
    writeFileSync(file, readFileSync(file, 'latin1').replace('"fresh":false', '"fresh":true '), 'latin1');
    const { code, out } = await run(['--policies', reads, '--dir', changed]).catch((error: unknown) => ({
      code: error instanceof Conflict ? 6 : -1,
      out: [String(error)],
    }));
    expect(code).toBe(6);
    expect(out[0]).toContain('is not what its leaf');
  });

  test('is signed with another key than the one that was kept', async () => {
    const other = ed25519Signer(LOG_ORIGIN, generateKeyPairSync('ed25519').privateKey);
    const key = formatVerifierKey(other.key);
    await expect(run(['--policies', reads, '--dir', dir, '--key', key])).rejects.toThrow('is another key');
    expect((await run(['--policies', reads, '--dir', dir, '--key', formatVerifierKey(logSigner.key)])).code).toBe(0);
  });

  test('has no key', async () => {
    const keyless = copy();
    rmSync(join(keyless, 'log.pub'));
    await expect(run(['--policies', reads, '--dir', keyless])).rejects.toThrow('give the key with --key');
  });

  test('is not there', async () => {
    await expect(run(['--policies', reads])).rejects.toThrow(`there is no log in \`${root}/log\``);
  });
});

test('a draft that is no policy set is refused before the log is read', async () => {
  await expect(run(['--policies', draft('permit (everything);'), '--dir', 'none'])).rejects.toThrow(InvalidConfig);
});

describe('from the server', () => {
  test('all that it has recorded is replayed, by whoever may read the log', async () => {
    const plane = await openControlPlane();
    const alice = await personSession(plane, 'alice');
    await requestTask(alice);
    const carol = await personSession(plane, 'carol');
    const person = async () => ({
      fetch: (url: string | URL, init: RequestInit = {}) =>
        carol.call(init.method ?? 'GET', String(url).slice(ISSUER.length)),
    });
    const same = join(root, 'quickstart');
    cpSync(join(import.meta.dirname, '../../../examples/quickstart/policies'), same, { recursive: true });
    const unchanged = await run(['--policies', same, '--server'], { person, json: true });
    expect(unchanged.code).toBe(0);
    const { decisions, exact } = JSON.parse(unchanged.out[0]!) as { decisions: number; exact: { unchanged: number } };
    expect(decisions).toBeGreaterThan(2);
    expect(exact.unchanged).toBe(decisions);

    writeFileSync(
      join(same, 'more.cedar'),
      '@id("freeze") forbid (principal, action == Action::"remit:task.create", resource);',
    );
    const frozen = await run(['--policies', same, '--server'], { person });
    expect(frozen.code).toBe(1);
    expect(frozen.out).toContain('permit → deny  1 × remit task.create, by freeze');
    await plane.close();
  });

  test('that is not there, a person is told what to do', async () => {
    const person = async () => ({ fetch: () => Promise.reject(new TypeError('fetch failed')) });
    const answer = run(['--policies', draft(READS), '--server'], { person });
    await expect(answer).rejects.toThrow(Unavailable);
    await expect(answer).rejects.toThrow(`\`${ISSUER}\` cannot be reached`);
  });
});

test('a verb that there is not is answered with those that there are', async () => {
  await expect(policy(['replya'], {} as Io)).rejects.toThrow('remit policy replay --policies DIR');
});
