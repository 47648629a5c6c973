import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ed25519Signer } from '../../src/audit/ed25519.ts';
import { decisionRecord, eventRecord, FakeLog, outcomeRecord } from '../../src/audit/fake-log.ts';
import { openTree } from '../../src/audit/tree.ts';
import { reconcileCommand } from '../../src/cli/reconcile.ts';
import { UsageError, type Io } from '../../src/cli/io.ts';
import type { Effect } from '../../src/core/effect.ts';
import { GuideShell, mismatch, stepsOf } from '../harness/console-guide.ts';
import { pathWithBins, root } from '../harness/remit-process.ts';

/** The guide to reconciliation, and its examples, against a log of its own. */

const folder = mkdtempSync(join(tmpdir(), 'remit-reconcile-'));
const dir = join(folder, 'log');
afterAll(() => rmSync(folder, { recursive: true }));

const at = (time: string) => Date.parse(`2026-11-23T${time}Z`);

beforeAll(async () => {
  cpSync(join(root, 'examples/reconcile'), join(folder, 'examples/reconcile'), { recursive: true });
  const log = new FakeLog();
  const signer = ed25519Signer('remit.example/log', generateKeyPairSync('ed25519').privateKey);
  const tree = await openTree({ log, dir, origin: 'remit.example/log', signer, clock: () => 0, intervalMs: 3_600_000 });
  let n = 0;
  const permit = async (target: string, operation: string, effect: Effect, resources: string[], time: number) => {
    const decision = decisionRecord(++n, { time });
    decision.action = { ...decision.action, target, operation, effect, resources };
    await log.append([decision, outcomeRecord(++n, n - 1, { time: time + 20 })]);
  };
  await permit('legacy', 'create_key', 'mint', ['user:ada'], at('10:00:01.030'));
  await permit('legacy', 'create_ticket', 'write', [], at('10:00:05.300'));
  await permit('legacy', 'create_ticket', 'write', [], at('10:03:00.000'));
  await permit('github', 'create_repository', 'write', ['repo:example/reports'], at('10:00:00.400'));
  await permit('aws', 'create_access_key', 'mint', ['user:ada'], at('10:00:00.300'));
  const reported = (event: string, operation: string, time: number) =>
    eventRecord(++n, {
      event: 'target.reported',
      time: time + 100,
      subject: { target: 'aws', event, operation, at: time, outcome: 'done' },
    });
  await log.append([
    reported('r1', 'create_access_key', at('10:00:00.310')),
    reported('r2', 'create_bucket', at('10:05:00.000')),
  ]);
  await tree.flush();
  await tree.close();
});

async function run(args: string[]) {
  const out: string[] = [];
  const io = { out: (line: string) => out.push(line), json: true, dataDir: folder } as unknown as Io;
  const code = await reconcileCommand(args, io);
  return {
    code,
    ...(JSON.parse(out[0]!) as { matched: number; findings: { kind: string; event?: { id: string } }[] }),
  };
}

const example = (target: string, events: string, mapping: string) =>
  run([
    '--target',
    target,
    '--events',
    join(folder, 'examples/reconcile', events),
    '--mapping',
    join(folder, 'examples/reconcile', mapping),
  ]);

describe('reconcile', () => {
  it('prints what the guide says', { timeout: 30_000 }, () => {
    const shell = new GuideShell(folder, { ...process.env, PATH: pathWithBins });
    const steps = stepsOf(readFileSync(join(root, 'docs/telemetry.md'), 'utf8'));
    expect(steps).toHaveLength(1);
    for (const { command, expected } of steps) expect(mismatch(expected, shell.run(command)), command).toBeNull();
  });

  it("reads GitHub's audit log", async () => {
    const { code, matched, findings } = await example('github', 'github.jsonl', 'github.yaml');
    expect({ code, matched, findings: findings.map(({ kind, event }) => [kind, event?.id]) }).toEqual({
      code: 1,
      matched: 1,
      findings: [['bypass', 'a3']],
    });
  });

  it("reads AWS CloudTrail's files", async () => {
    const { code, matched, findings } = await example('aws', 'cloudtrail.json', 'cloudtrail.yaml');
    expect({ code, matched, findings: findings.map(({ kind, event }) => [kind, event?.id.at(-1)]) }).toEqual({
      code: 1,
      matched: 1,
      findings: [['other_principal', '3']],
    });
  });

  it('compares what the target has reported', async () => {
    const { code, matched, findings } = await run(['--target', 'aws', '--reported', '--dir', dir]);
    expect({ code, matched, findings: findings.map(({ kind }) => kind) }).toEqual({
      code: 1,
      matched: 1,
      findings: ['bypass'],
    });
    await expect(run(['--target', 'aws', '--reported', '--events', 'x'])).rejects.toThrow(UsageError);
  });

  it('compares nothing with a log that somebody has changed, and says so', async () => {
    const changed = join(folder, 'changed');
    cpSync(dir, changed, { recursive: true });
    const key = join(changed, 'other.key');
    writeFileSync(key, 'remit.example/log+00000000+AAAA');
    const args = ['--target', 'legacy', '--events', join(folder, 'examples/reconcile/generic.jsonl'), '--dir', changed];
    await expect(run([...args, '--key', key])).rejects.toThrow('nothing was compared');
    await expect(run(['--target', 'legacy', '--events', join(folder, 'none')])).rejects.toThrow(UsageError);
    await expect(run(['--target', 'legacy'])).rejects.toThrow(UsageError);
  });
});
