import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ed25519Signer } from '../audit/ed25519.ts';
import { decisionRecord, eventRecord, FakeLog, outcomeRecord } from '../audit/fake-log.ts';
import { openTree } from '../audit/tree.ts';
import { verifyProof } from '../audit/verify.ts';
import { formatVerifierKey } from '../core/note.ts';
import { logProve, logShow, logTail, logVerify, type LogIo } from './log.ts';

const origin = 'remit.example/log';
const signer = ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey);
const vkey = formatVerifierKey(signer.key);
const root = mkdtempSync(join(tmpdir(), 'remit-cli-log-'));
const dir = join(root, 'log');
const older = join(root, 'older-checkpoint');
afterAll(() => rmSync(root, { recursive: true }));

beforeAll(async () => {
  const log = new FakeLog();
  const tree = await openTree({ log, dir, origin, signer, clock: () => 0, intervalMs: 3_600_000 });
  await log.append([eventRecord(0, { subject: { version: '0.1.0', targets: ['files'] } })]);
  await log.append([decisionRecord(1), outcomeRecord(2, 1)]);
  await tree.flush();
  writeFileSync(older, tree.checkpoint()!);
  const hold = decisionRecord(3, {
    chain: [
      { task: 'tsk_2', agent: 'spiffe://dev.example/agent/writer' },
      { task: 'tsk_1', agent: 'spiffe://dev.example/agent/planner' },
    ],
    approval: { id: 'apr_1', approvers: ['leads'] },
  });
  hold.decision.outcome = 'hold';
  hold.decision.reasons = [{ code: 'approval_required', message: 'writing needs a yes' }];
  hold.action.arguments = { text: 'harmless\u001b[2J \u202egnp.exe' };
  const bare = decisionRecord(4, { agent: null, delegator: null, chain: [], task: null });
  await log.append([hold, bare]);
  await tree.close();
});

type Command = (args: string[], io: LogIo) => Promise<number>;
async function run(command: Command, args: string[], json = false) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await command(args, { out: (line) => out.push(line), err: (line) => err.push(line), json });
  return { code, out, err };
}

describe('tail', () => {
  test('prints the last records in a few lines each', async () => {
    const { code, out } = await run(logTail, ['--dir', dir, '-n', '4']);
    expect(code).toBe(0);
    expect(out.slice(0, 11)).toEqual([
      '1  2026-11-23T00:00:00.001Z  permit files read_file  rec_1',
      '    agent     spiffe://dev.example/agent/summariser (jwt-svid)',
      '    for       Ada, ada of https://idp.example',
      '    task      tsk_1: summarise the notes of today',
      '    action    read_file on file:notes/1.md (read, internal)',
      '    arguments {"path":"notes/1.md"}',
      '    because   staff may have notes read (policy_permits)',
      '    policies  read-notes',
      '2  2026-11-23T00:00:00.002Z  outcome ok  rec_2',
      '    of        rec_1',
      '    task      tsk_1',
    ]);
    const through = 'spiffe://dev.example/agent/writer (tsk_2) from spiffe://dev.example/agent/planner (tsk_1)';
    expect(out).toContain(`    through   ${through}`);
    expect(out).toContain('    approval  apr_1 by leads');
    expect(out).toContain('    for       nobody');
  });

  test('shows what would move the cursor or turn the text around', async () => {
    const { out } = await run(logTail, ['--dir', dir]);
    expect(out.join('\n')).toContain('harmless\\u001b[2J \\u202egnp.exe');
  });

  test('prints one object a line for a program', async () => {
    for (const { code, out } of [
      await run(logTail, ['--dir', dir, '-n', '2'], true),
      await run(logTail, ['--dir', dir, '-n', '2', '--json']),
    ]) {
      expect(code).toBe(0);
      expect(out.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { index: 3, record: { id: 'rec_3', kind: 'decision' } },
        { index: 4, record: { id: 'rec_4' } },
      ]);
    }
  });

  test('prints nothing of no records', async () => {
    expect(await run(logTail, ['--dir', dir, '-n', '0'])).toEqual({ code: 0, out: [], err: [] });
  });
});

describe('show', () => {
  test('a decision comes with its outcome', async () => {
    const { code, out } = await run(logShow, ['rec_1', '--dir', dir], true);
    expect(code).toBe(0);
    expect(out.map((line) => (JSON.parse(line) as { index: number }).index)).toEqual([1, 2]);
  });

  test('an event shows its subject', async () => {
    const { out } = await run(logShow, ['rec_0', '--dir', dir]);
    expect(out).toEqual([
      '0  1970-01-01T00:00:00.000Z  event process.started  rec_0',
      '    targets   ["files"]',
      '    version   0.1.0',
    ]);
  });

  test('a record that is not there', async () => {
    const message = 'the log has no record `rec_99` under its newest checkpoint';
    expect(await run(logShow, ['rec_99', '--dir', dir])).toEqual({ code: 1, out: [], err: [message] });
    const { out } = await run(logShow, ['rec_99', '--dir', dir, '--json']);
    expect(out.map((line) => JSON.parse(line) as unknown)).toEqual([{ ok: false, problem: message }]);
  });
});

describe('prove', () => {
  test('prints a proof that the public key verifies', async () => {
    const { code, out } = await run(logProve, ['rec_3', '--dir', dir]);
    expect(code).toBe(0);
    expect(verifyProof(`${out.join('\n')}\n`, vkey)).toMatchObject({ ok: true, index: 3, size: 5 });
    const json = await run(logProve, ['rec_3', '--dir', dir, '--json']);
    const { proof } = JSON.parse(json.out[0]!) as { proof: string };
    expect(verifyProof(proof, vkey)).toMatchObject({ ok: true, index: 3 });
  });

  test('writes a file that `verify --proof` reads', async () => {
    const file = join(root, 'proofs', 'rec_1.tlog-proof');
    const { code, out } = await run(logProve, ['rec_1', '--dir', dir, '--out', file]);
    expect([code, out]).toEqual([0, [`wrote the proof of record 1 of 5 to ${file}`]]);
    const verified = await run(logVerify, ['--proof', file, '--key', vkey]);
    expect(verified.code).toBe(0);
    expect(verified.out[0]).toBe('verified: record 1 of 5 of `remit.example/log`');
    writeFileSync(file, readFileSync(file, 'utf8').replace('index 1', 'index 2'));
    const refused = await run(logVerify, ['--proof', file, '--key', vkey, '--json']);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out[0]!)).toMatchObject({ ok: false });
  });

  test('an unknown record, and a place that cannot be written', async () => {
    expect((await run(logProve, ['rec_99', '--dir', dir])).code).toBe(1);
    const blocked = await run(logProve, ['rec_1', '--dir', dir, '--out', join(older, 'x')]);
    expect(blocked.code).toBe(1);
    expect(blocked.err[0]).toMatch(/^a file cannot be read or written \(E/);
  });
});

describe('verify', () => {
  test('with a key that was kept', async () => {
    const { code, out } = await run(logVerify, ['--dir', dir, '--key', vkey]);
    expect(code).toBe(0);
    expect(out[0]).toBe('verified: 5 records of `remit.example/log` (3 decisions, 1 outcomes, 1 events)');
    expect(out).toHaveLength(2);
    const file = join(root, 'kept.pub');
    writeFileSync(file, `${vkey}\n`);
    const json = await run(logVerify, ['--dir', dir, '--key', file, '--since', older, '--json']);
    expect([json.code, JSON.parse(json.out[0]!)]).toMatchObject([0, { ok: true, size: 5, since: 3 }]);
  });

  test('with the key of the folder, and says so', async () => {
    const { code, out } = await run(logVerify, ['--dir', dir, '--since', older]);
    expect(code).toBe(0);
    expect(out[2]).toBe('continues the older checkpoint of 3 records');
    expect(out[3]).toContain('pass a copy that you kept with --key');
  });

  test('finds a changed byte', async () => {
    const file = join(dir, 'tile/entries/000.p/5');
    const before = readFileSync(file);
    writeFileSync(file, before.with(before.indexOf('notes/1'), 78));
    const { code, out } = await run(logVerify, ['--dir', dir]);
    writeFileSync(file, before);
    expect([code, out]).toEqual([1, ['not verified: record 1 is not what its leaf in `tile/0/000.p/5` was made of']]);
  });

  test('finds that it is another log', async () => {
    const stranger = formatVerifierKey(ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey).key);
    expect((await run(logVerify, ['--dir', dir, '--key', stranger])).code).toBe(1);
    expect((await run(logVerify, ['--dir', dir, '--key', 'no such file'])).code).toBe(1);
  });
});

test.each<[string, Command, string[]]>([
  ['an option that it does not have', logTail, ['--colour']],
  ['a record id', logTail, ['rec_1']],
  ['no number', logTail, ['-n', 'many']],
  ['a negative number', logTail, ['-n=-1']],
  ['no record id', logShow, []],
  ['two record ids', logProve, ['rec_1', 'rec_2']],
  ['both a proof and an older checkpoint', logVerify, ['--since', 'a', '--proof', 'b']],
])('bad usage: %s', async (_, command, args) => {
  const { code, err } = await run(command, args);
  expect(code).toBe(2);
  expect(err.at(-1)).toMatch(/^usage: remit log /);
});

test.each<[string, Command, string[]]>([
  ['tail', logTail, []],
  ['show', logShow, ['rec_1']],
  ['prove', logProve, ['rec_1']],
  ['verify', logVerify, []],
])('%s says when there is no log, and what to do', async (_, command, args) => {
  const { code, err } = await run(command, [...args, '--dir', join(root, 'nowhere')]);
  expect([code, err.length]).toEqual([1, 1]);
  expect(err[0]).toMatch(/--dir|--key/);
});

test('a damaged log is a problem found, not a crash', async () => {
  const damaged = join(root, 'damaged');
  const log = new FakeLog();
  log.texts.push('not a record');
  await (await openTree({ log, dir: damaged, origin, signer, clock: () => 0 })).close();
  expect(await run(logTail, ['--dir', damaged])).toEqual({ code: 1, out: [], err: ['record 0 is not JSON in UTF-8'] });
  writeFileSync(join(damaged, 'checkpoint'), 'garbage');
  expect((await run(logTail, ['--dir', damaged])).err[0]).toContain('is damaged');
});
