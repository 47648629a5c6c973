import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LogRecord } from '../../../src/core/record.ts';
import { addTarget, dropTargets } from '../../harness/quickstart.ts';
import { startRemit, type RemitProcess } from '../../harness/remit-process.ts';
import { judge, type Verdict } from './judge.ts';
import { createNotebook, type Notebook } from './notes.ts';
import { createRandom, type Random } from './random.ts';
import { startWitness } from './witness.ts';
import { openWorld, PLANNER, READER, type World } from './world.ts';

export type HistoryOptions = {
  seed: number;
  /** How many clients act at once, each how often. */
  clients: number;
  acts: number;
  /** How often Remit is killed meanwhile. */
  kills: number;
};

export type HistoryReport = Verdict & {
  seed: number;
  /** How much happened: what is right about nothing says nothing. */
  counts: {
    tasks: number;
    hops: number;
    ends: number;
    calls: number;
    seen: number;
    approved: number;
    unanswered: number;
  };
  /** Tasks that have ended and whose closing was not complete in the end. */
  open: string[];
  /** `ok`, or what verification found. */
  log: string;
};

/**
 * Several clients make tasks, hand them on, call, ask, approve and end, at random and all at once, while Remit is killed
 * (SIGKILL) and started again. Then their notes, what the target saw and the log are held against each other as a whole.
 */
export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const witness = await startWitness();
  const remit = await startRemit({ prepare: (folder) => prepare(folder, witness.url) });
  const book = createNotebook();
  try {
    const world = await openWorld(remit);
    const known: Known = { tasks: [], approvals: [] };
    const random = createRandom(options.seed);
    const clients = Array.from({ length: options.clients }, (_, place) =>
      act({ world, book, known, random: createRandom(options.seed * 1_000 + place), name: `c${place}` }, options.acts),
    );
    const all = options.clients * options.acts;
    for (let kill = 1; kill <= options.kills; kill++) {
      // In the middle of things, wherever that is on this machine.
      const answered = (all * kill) / (options.kills + 1) - random.below(all / (options.kills + 1) / 2);
      while (book.notes.filter(({ end }) => end !== null).length < answered) await pause(1);
      await remit.kill();
      await remit.start();
      await world.begin();
    }
    await Promise.all(clients);
    world.close();
    const log = await settle(remit);
    const { notes } = book;
    const of = <Kind extends string>(kind: Kind) => notes.filter((note) => note.kind === kind);
    return {
      seed: options.seed,
      ...judge(notes, witness.seen, log.records),
      open: log.open,
      log: log.verified,
      counts: {
        tasks: notes.filter((note) => note.kind === 'task' && note.id !== null && note.parent === null).length,
        hops: notes.filter((note) => note.kind === 'task' && note.id !== null && note.parent !== null).length,
        ends: notes.filter((note) => note.kind === 'end' && note.ok).length,
        calls: of('call').length,
        seen: witness.seen.length,
        approved: notes.filter((note) => note.kind === 'approve' && note.ok).length,
        unanswered: notes.filter(({ end }) => end === null).length,
      },
    };
  } finally {
    await remit.dispose();
    await witness.close();
  }
}

type KnownTask = { id: string; agent: string; depth: number };
type Known = { tasks: KnownTask[]; approvals: { id: string; task: KnownTask; mark: string }[] };
type Client = { world: World; book: Notebook; known: Known; random: Random; name: string };

async function act(client: Client, times: number): Promise<void> {
  let marks = 0;
  const mark = (prefix: string) => `${prefix}-${client.name}-${++marks}`;
  for (let answered = 0; answered < times;) {
    const { known, random } = client;
    const task = known.tasks[random.below(known.tasks.length)];
    // The same generator is asked the same questions, whatever there is to choose from by then.
    const what = random.pick([
      [2, 'make'],
      [1, 'hop'],
      [8, 'call'],
      [3, 'hold'],
      [3, 'approve'],
      [3, 'retry'],
      [2, 'end'],
    ] as const);
    const before = client.book.notes.length;
    if (task === undefined || what === 'make') await make(client);
    else if (what === 'hop') await hop(task, client);
    else if (what === 'call') await call(task, mark('plain'), client);
    else if (what === 'hold') await call(task, mark('held'), client);
    else if (what === 'approve') await approve(client);
    else if (what === 'retry') await retry(client);
    else await end(task, client);
    // While Remit is away there is no answer, and it does not count.
    if (client.book.notes.slice(before).some((note) => note.end === null)) await pause(40);
    else answered++;
  }
}

async function make({ world, book, known }: Client): Promise<void> {
  const body = {
    agent: PLANNER,
    purpose: 'history',
    grant: [{ target: 'witness', operations: ['note'] }],
    max_hops: 1,
  };
  const answer = await book.take(
    () => world.alice.call<{ id?: string }>('POST', '/tasks', body),
    (got) => ({ kind: 'task', id: got?.body.id ?? null, parent: null }),
  );
  const id = answer?.body.id;
  if (id !== undefined) known.tasks.push({ id, agent: PLANNER, depth: 0 });
}

async function hop(task: KnownTask, { world, book, known }: Client): Promise<void> {
  if (task.depth > 0) return;
  const body = { agent: READER, purpose: 'history', grant: [{ target: 'witness', operations: ['note'] }] };
  const answer = await book.take(
    () => world.api(PLANNER, `/tasks/${task.id}/hops`, body),
    (got) => ({ kind: 'task', id: got?.status === 200 ? got.body.id! : null, parent: task.id }),
  );
  if (answer?.status === 200) known.tasks.push({ id: answer.body.id!, agent: READER, depth: 1 });
}

async function call(task: KnownTask, mark: string, { world, book, known }: Client): Promise<void> {
  const answer = await book.take(
    () => world.note(task.agent, task.id, mark),
    (got) => ({ kind: 'call', task: task.id, mark, ok: got?.ok === true }),
  );
  const approval = answer?.approval;
  if (approval === undefined || approval === null) return;
  await book.take(
    async () => true,
    () => ({ kind: 'held', task: task.id, mark, approval }),
  );
  known.approvals.push({ id: approval, task, mark });
}

async function approve({ world, book, known, random }: Client): Promise<void> {
  const waiting = known.approvals[random.below(known.approvals.length)];
  if (waiting === undefined) return;
  await book.take(
    () => world.bob.call('POST', `/approvals/${waiting.id}/approve`),
    (got) => ({ kind: 'approve', approval: waiting.id, ok: got?.status === 200 }),
  );
}

/** Twice at once: one approval must not let both through. */
async function retry(client: Client): Promise<void> {
  const { known, random } = client;
  const waiting = known.approvals[random.below(known.approvals.length)];
  if (waiting === undefined) return;
  await Promise.all([call(waiting.task, waiting.mark, client), call(waiting.task, waiting.mark, client)]);
}

async function end(task: KnownTask, { world, book, random }: Client): Promise<void> {
  const revokes = random.below(2) === 0;
  await book.take(
    () =>
      revokes
        ? world.alice.call('POST', `/tasks/${task.id}/revoke`, { reason: 'history' })
        : world.alice.call('POST', `/tasks/${task.id}/complete`),
    // Ended before, by somebody else or by the end of the task above, is ended too.
    (got) => ({ kind: 'end', task: task.id, ok: got?.status === 200 || got?.status === 409 }),
  );
}

/** A last restart, so that what was open is settled by the start; then the log as a whole. */
async function settle(remit: RemitProcess): Promise<{ records: LogRecord[]; open: string[]; verified: string }> {
  await remit.kill();
  await remit.start();
  await pause(300);
  await remit.stop();
  const { code, stdout, stderr } = await remit.cli(['log', 'verify']);
  using db = new DatabaseSync(join(remit.dataDir, 'remit.db'), { readOnly: true });
  const records = db
    .prepare('SELECT entry FROM records ORDER BY seq')
    .all()
    .map((row) => JSON.parse(String(row['entry'])) as LogRecord);
  const open = db
    .prepare(
      `SELECT id FROM tasks LEFT JOIN closings ON closings.task = tasks.id
       WHERE state NOT IN ('requested', 'active') AND (closings.task IS NULL OR next_at IS NOT NULL)`,
    )
    .all()
    .map((row) => String(row['id']));
  return { records, open, verified: code === 0 ? 'ok' : `${stdout}${stderr}` };
}

function prepare(folder: string, url: string): void {
  dropTargets(folder);
  addTarget(folder, { name: 'witness', upstream: { http: { url } }, operations: { note: { effect: 'read' } } });
  writeFileSync(
    join(folder, 'policies', 'witness.cedar'),
    `@id("held-marks") @approval("note-owners") @reason("a held mark is asked for")
    forbid (principal, action == Action::"witness:note", resource) when { context.args.mark like "held*" };`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
