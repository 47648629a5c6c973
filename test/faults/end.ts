import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeJwt } from 'jose';
import type { EventRecord, LogRecord } from '../../src/core/record.ts';
import { FAIL_POINTS, type FailPointName } from '../../src/ending/fail-point.ts';
import { openAgent, type Agent } from '../harness/in-process-agent.ts';
import { signIn, type Person } from '../harness/person.ts';
import { addTarget, dropTargets } from '../harness/quickstart.ts';
import { root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';
const CHILD_AGENT = 'spiffe://remit.local/agent/reader';

/** Before these the end is not durable: the process dies, and nothing has happened. */
const UNDONE: readonly FailPointName[] = ['end.decided', 'end.committing'];

type Counted = Record<string, { count: number; ids: string[] }>;
export type TaskShown = {
  id: string;
  state: string;
  closing?: { cause: string; by?: string; complete: boolean; ended: Counted; outstanding: Counted };
};

/** What one death between two steps of an end has left, after the restart. */
export type Finished = {
  point: FailPointName;
  /** Whether the task had ended when the process came up again. */
  endedByThen: boolean;
  /** Whether the closing, in the end, names all that the task had: its child, its approval and its tokens. */
  complete: boolean;
  /** Whether the process of its target has gone. */
  processGone: boolean;
  /** `task.ended` and complete `task.closed` records of the task and its child: one of each for each. */
  records: number[];
};

/**
 * Has Remit die (SIGKILL) at every step of the end of a task that has a child, a pending approval, tokens, a call in
 * flight and a process, and starts it again each time. Two installations share the steps: each waits more than it works.
 */
export async function dieAtEveryStep(): Promise<{ rounds: Finished[]; logs: string[] }> {
  const half = Math.ceil(FAIL_POINTS.length / 2);
  const halves = await Promise.all([FAIL_POINTS.slice(0, half), FAIL_POINTS.slice(half)].map(dieAtEach));
  return { rounds: halves.flatMap(({ rounds }) => rounds), logs: halves.map(({ log }) => log) };
}

async function dieAtEach(points: readonly FailPointName[]): Promise<{ rounds: Finished[]; log: string }> {
  const remit = await startRemit({ prepare: addSlowTarget, failPoints: true });
  try {
    const alice = await signIn(remit, 'alice');
    const rounds: Finished[] = [];
    const tasks: string[][] = [];
    for (const point of points) {
      const agent = await openAgent(remit, AGENT);
      const round = await dieAt(point, { remit, agent, alice });
      await agent.close();
      rounds.push(round.finished);
      tasks.push(round.tasks);
    }
    await remit.stop();
    for (const [place, round] of rounds.entries()) round.records = endRecords(remit, tasks[place]!);
    const { code, stdout, stderr } = await remit.cli(['log', 'verify']);
    return { rounds, log: code === 0 ? 'ok' : `${stdout}${stderr}` };
  } finally {
    await remit.dispose();
  }
}

type Parts = { remit: RemitProcess; agent: Agent; alice: Person };

async function dieAt(
  point: FailPointName,
  { remit, agent, alice }: Parts,
): Promise<{ finished: Finished; tasks: string[] }> {
  const started = join(remit.folder, 'started');
  rmSync(started, { force: true });
  const { id: task } = (await alice.call<{ id: string }>('POST', '/tasks', TASK)).body;
  const child = await agent.call<{ id: string }>('POST', `/tasks/${task}/hops`, HOP);
  const slow = await agent.connect('slow', task);
  const held = (await slow.client.callTool(HELD_CALL)) as {
    structuredContent: { remit: { approval: { id: string } } };
  };
  void slow.client.callTool({ name: 'wait', arguments: { seconds: 60 } }).catch(() => undefined);
  await until(() => existsSync(started), 10_000);
  const pid = Number(readFileSync(started, 'utf8'));
  const tokens = [decodeJwt(await slow.token()).jti!];

  await remit.dieAt(point);
  const revoke = () => alice.call('POST', `/tasks/${task}/revoke`, { reason: 'a mistake' });
  await Promise.all([revoke().catch(() => undefined), remit.ended()]);
  await remit.start();

  const shown = async (id: string) => (await alice.call<TaskShown>('GET', `/tasks/${id}`)).body;
  const endedByThen = (await shown(task)).state === 'revoked';
  if (!endedByThen) await revoke();
  await until(async () => (await shown(task)).closing?.complete === true, 10_000);
  await until(async () => (await shown(child.body.id)).closing?.complete === true, 10_000);
  await until(() => !isAlive(pid), 10_000);
  const { closing } = await shown(task);
  const names = (kind: string, ids: string[]) => ids.every((id) => closing!.ended[kind]?.ids.includes(id));
  const finished: Finished = {
    point,
    endedByThen,
    records: [],
    complete:
      names('tasks', [child.body.id]) &&
      names('approvals', [held.structuredContent.remit.approval.id]) &&
      names('tokens', tokens) &&
      closing!.cause === 'revoked' &&
      closing!.by?.endsWith('|alice') === true,
    processGone: !isAlive(pid),
  };
  return { finished, tasks: [task, child.body.id] };
}

/** Which points are before the end is durable. */
export function isUndone(point: FailPointName): boolean {
  return UNDONE.includes(point);
}

const TASK = {
  agent: AGENT,
  purpose: 'to be ended',
  grant: [{ target: 'slow', operations: ['wait'] }],
  max_hops: 1,
};
const HOP = { agent: CHILD_AGENT, purpose: 'to be ended too', grant: [{ target: 'slow', operations: ['wait'] }] };
const HELD_CALL = { name: 'wait', arguments: { seconds: 1 } };

function addSlowTarget(folder: string): void {
  dropTargets(folder);
  addTarget(folder, {
    name: 'slow',
    upstream: {
      stdio: {
        command: 'node',
        args: [join(root, 'test/demo/slow-server.ts')],
        env: { STARTED: { value: join(folder, 'started') } },
      },
    },
    operations: { wait: { effect: 'read' } },
  });
  writeFileSync(
    join(folder, 'policies', 'slow.cedar'),
    `@id("a-second-is-asked-for") @approval("note-owners") @reason("a second is asked for")
    forbid (principal, action == Action::"slow:wait", resource) when { context.args.seconds == 1 };`,
  );
}

/** How many `task.ended` and complete `task.closed` records the log holds of each. Remit has stopped. */
function endRecords(remit: RemitProcess, tasks: readonly string[]): number[] {
  using db = new DatabaseSync(join(remit.dataDir, 'remit.db'), { readOnly: true });
  const events = db
    .prepare('SELECT entry FROM records')
    .all()
    .map((row) => JSON.parse(String(row['entry'])) as LogRecord)
    .filter((record): record is EventRecord => record.kind === 'event');
  return tasks.flatMap((task) => {
    const of = events.filter(({ subject }) => subject['task'] === task);
    return [
      of.filter(({ event }) => event === 'task.ended').length,
      of.filter(({ event, subject }) => event === 'task.closed' && subject['complete'] === true).length,
    ];
  });
}

/** One that has ended is not alive, though whoever inherited it may not have asked for its end yet. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
  } catch {
    return false;
  }
}
