import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ISSUER, openControlPlane, personSession, requestTask } from '../../../test/fixtures/control-plane.ts';
import { writeLog } from '../../../test/fixtures/log-folder.ts';
import { sampleAction, sampleInput, sampleTask, sha256, summariser } from '../../../test/fixtures/task.ts';
import { eventRecord } from '../../audit/fake-log.ts';
import { decisionRecord } from '../../core/decision-record.ts';
import type { DecisionInput } from '../../core/decision.ts';
import { Conflict, InvalidConfig, InvalidRequest, NotFound } from '../../core/errors.ts';
import type { DecisionRecord } from '../../core/record.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import type { Explanation } from '../../policy/explain.ts';
import { UsageError, type Io } from '../io.ts';
import { policy } from './policy.ts';

const root = mkdtempSync(join(tmpdir(), 'remit-explain-'));
afterAll(() => rmSync(root, { recursive: true }));

const POLICIES = `@id("reads") permit (principal, action in Action::"read", resource);

@id("small-notes")
permit (principal, action in Action::"write", resource)
when { resource.name like "file:notes/*" && context.args.size <= 10 };
`;
const policies = join(root, 'policies');
mkdirSync(policies);
writeFileSync(join(policies, 'notes.cedar'), POLICIES);
const current = createPdp({ 'notes.cedar': POLICIES }, { sha256, checkArguments: createCheckArguments() });

const grant = [{ type: 'remit_grant' as const, target: 'files', effects: ['read' as const, 'write' as const] }];
const chain = [{ task: sampleTask({ grant }), used: { calls: 0 } }];
function recorded(id: string, overrides: Partial<DecisionInput> = {}): DecisionRecord {
  const input = sampleInput({ chain, ...overrides });
  return decisionRecord(
    { id, request: 'req_1', approval: null, token: null, input, decision: current.decide(input) },
    sha256,
  );
}
const write = (args: Record<string, string | number>) =>
  sampleAction({ operation: 'write_file', effect: 'write', arguments: { path: 'notes/monday.md', ...args } });

const dir = await writeLog(root, [
  recorded('rec_big', { action: write({ size: 12 }) }),
  recorded('rec_revoked', { chain: [{ task: sampleTask({ grant, state: 'revoked' }), used: { calls: 0 } }] }),
]);

async function run(args: string[], parts: Partial<Io> = {}): Promise<{ code: number; out: string[] }> {
  const out: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: () => {},
    json: false,
    env: {},
    remitUrl: ISSUER,
    dataDir: root,
    person: () => Promise.reject(new Error('nobody is needed to read a folder')),
    ...parts,
  };
  return { code: await policy(['explain', ...args], io), out };
}
const local = ['--policies', policies, '--dir', dir];

test('names the clause that kept the nearest permit from applying, and what it looked at', async () => {
  const { code, out } = await run(['rec_big', ...local]);
  expect(code).toBe(0);
  const nearest = [
    '  does not apply: `small-notes` notes.cedar:3',
    '    true        when { resource.name like "file:notes/*" }',
    '                  resource.name = "file:notes/monday.md"',
    '    false       when { context.args.size <= 10 }   <- stops it',
    '                  context.args.size = 12',
  ];
  expect(out).toEqual([
    'rec_big: deny',
    `  because no policy permits \`write_file\` (write) at \`files\` on \`file:notes/monday.md\` for agent \`${summariser.id}\` (no_policy)`,
    '  next    ask for a policy that permits it',
    '',
    `task task_1 of ${summariser.id} does not object`,
    'the token does not object',
    '',
    `deny  Agent::"${summariser.id}" on Resource::"files:file:notes/monday.md"`,
    ...nearest,
    '',
    'deny  Person::"https://idp.example.test|alice" on Resource::"files:file:notes/monday.md"',
    ...nearest,
  ]);
});

test('what was decided before policy names the level', async () => {
  const { out } = await run(['rec_revoked', ...local]);
  expect(out).toContain('decided before policy was asked');
  expect(out).toContain(`task task_1 of ${summariser.id} denies: task \`task_1\` is revoked (task_not_live)`);
  expect(out).toContain('    state: "revoked"');
});

test('is one object for a program', async () => {
  const { out } = await run(['rec_big', ...local], { json: true });
  expect(out).toHaveLength(1);
  expect(JSON.parse(out[0]!)).toMatchObject({ record: 'rec_big', outcome: 'deny', agrees: true, same_set: true });
});

test('what cannot be explained is told', async () => {
  await expect(run([])).rejects.toThrow(UsageError);
  await expect(run(['rec_big', 'rec_2'])).rejects.toThrow(UsageError);
  await expect(run(['rec_big', '--dir', dir])).rejects.toThrow('--policies');
  await expect(run(['rec_none', ...local])).rejects.toThrow(NotFound);
  await expect(run([eventRecord(0).id, ...local])).rejects.toThrow(InvalidRequest);
  await expect(run(['rec_big', '--policies', join(root, 'none'), '--dir', dir])).rejects.toThrow(InvalidConfig);
  await expect(run(['rec_big', '--policies', policies, '--dir', join(root, 'none')])).rejects.toThrow(NotFound);
});

test('of a log that somebody has changed, nothing is explained', async () => {
  const damaged = await writeLog(root, [recorded('rec_big', { action: write({ size: 12 }) })]);
  for (const file of readdirSync(damaged, { recursive: true, encoding: 'utf8' })) {
    if (!file.includes('entries')) continue;
    const path = join(damaged, file);
    try {
      writeFileSync(path, readFileSync(path, 'latin1').replace('"size":12', '"size":10'), 'latin1');
    } catch {
      // A folder.
    }
  }
  await expect(run(['rec_big', '--policies', policies, '--dir', damaged])).rejects.toThrow(Conflict);
});

test('without a folder, the server explains, under the set that decided', { timeout: 30_000 }, async () => {
  const plane = await openControlPlane();
  try {
    await requestTask(await personSession(plane, 'alice'));
    const decided = plane.records().find(({ kind }) => kind === 'decision') as DecisionRecord;
    const carol = await personSession(plane, 'carol');
    const other = { 'open.cedar': '@id("open") permit (principal, action, resource);' };
    expect((await carol.call('POST', '/v1/policy/publish', { files: other })).status).toBe(200);
    const person = async () => ({
      fetch: (url: string | URL, init: RequestInit = {}) =>
        carol.call(init.method ?? 'GET', String(url).slice(ISSUER.length)),
    });
    const { code, out } = await run([decided.id], { person, json: true });
    expect(code).toBe(0);
    const explanation = JSON.parse(out[0]!) as Explanation;
    expect(explanation).toMatchObject({ agrees: true, same_set: true, policy_set: decided.decision.policy_set });
    expect(explanation.evaluations[0]!.policies.map(({ policy: id }) => id)).toEqual(decided.decision.policies);
    await expect(run(['rec_none'], { person })).rejects.toThrow('there is no record `rec_none`');
  } finally {
    await plane.close();
  }
});
