import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LogRecord } from '../../src/core/record.ts';
import { startAgent } from '../harness/agent-process.ts';
import { addTarget, dropTargets, requestTask } from '../harness/quickstart.ts';
import { root, startRemit, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/marker';

export type KillReport = {
  rounds: number;
  /** Calls that the target saw. */
  seen: number;
  /** Of them, those without a permit in the log. Must be none (invariant 5). */
  unrecorded: string[];
  /** Permits without an outcome after the last restart. Must be none. */
  open: string[];
  /** `ok`, or what verification found. */
  log: string;
  /** Rounds in which a call went through after the restart, under the same task and with the same keys. */
  continued: number;
};

/**
 * Kills Remit with SIGKILL at random points of a loop of calls, `rounds` times, restarts it each time, and holds what
 * the target saw against the log.
 */
export async function killRounds(rounds: number, progress: (line: string) => void = () => {}): Promise<KillReport> {
  const remit = await startRemit({ prepare: addWitness });
  const agent = await startAgent(remit, AGENT);
  try {
    const grant = '[{target: witness, operations: [note]}]';
    const { id: task } = await requestTask(remit, { agent: AGENT, purpose: 'mark', grant, calls: 100_000 });
    await agent.ask({ do: 'connect', target: 'witness', task, revision: 'auto' });
    let marks = 0;
    let continued = 0;
    const mark = () =>
      agent.ask({ do: 'call', target: 'witness', name: 'note', arguments: { mark: `mark-${++marks}` } }).then(
        (result) => result['isError'] !== true,
        () => false,
      );
    for (let round = 1; round <= rounds; round++) {
      const loop = new AbortController();
      const callers = Array.from({ length: 4 }, async () => {
        while (!loop.signal.aborted) if (!(await mark())) await pause(5);
      });
      await pause(30 + Math.random() * 250);
      await remit.kill();
      loop.abort();
      await Promise.all(callers);
      await remit.start();
      if (await mark()) continued += 1;
      progress(`round ${round} of ${rounds}: ${marks} calls tried`);
    }
    // A last kill and restart, so that what was open is settled by the start that is looked at.
    await remit.kill();
    await remit.start();
    const log = await verify(remit);
    await remit.stop();
    return { rounds, continued, log, ...compare(remit) };
  } finally {
    await agent.dispose();
    await remit.dispose();
  }
}

function addWitness(folder: string): void {
  dropTargets(folder);
  const seen = join(folder, 'seen');
  writeFileSync(seen, '');
  addTarget(folder, {
    name: 'witness',
    upstream: {
      stdio: { command: 'node', args: [join(root, 'test/faults/witness-server.ts')], env: { SEEN: { value: seen } } },
    },
    operations: { note: { effect: 'write' } },
  });
}

async function verify(remit: RemitProcess): Promise<string> {
  await pause(500);
  const { code, stdout, stderr } = await remit.cli(['log', 'verify']);
  return code === 0 ? 'ok' : `${stdout}${stderr}`;
}

/** What the target saw against what the database holds. */
function compare(remit: RemitProcess): Pick<KillReport, 'seen' | 'unrecorded' | 'open'> {
  const db = new DatabaseSync(join(remit.dataDir, 'remit.db'), { readOnly: true });
  const records = db
    .prepare('SELECT entry FROM records ORDER BY seq')
    .all()
    .map((row) => JSON.parse(String(row['entry'])) as LogRecord);
  db.close();
  const permitted = new Set<string>();
  const open = new Set<string>();
  for (const record of records) {
    if (record.kind === 'outcome') open.delete(record.decision);
    if (record.kind !== 'decision' || record.decision.outcome !== 'permit' || record.action.target === 'remit')
      continue;
    open.add(record.id);
    if (typeof record.action.arguments['mark'] === 'string') permitted.add(record.action.arguments['mark']);
  }
  const seen = readFileSync(join(remit.folder, 'seen'), 'utf8').split('\n').filter(Boolean);
  return { seen: seen.length, unrecorded: seen.filter((mark) => !permitted.has(mark)), open: [...open] };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
