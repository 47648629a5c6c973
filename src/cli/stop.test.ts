import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ISSUER,
  openControlPlane,
  PEOPLE,
  personSession,
  requestTask,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { person, resume, stop } from './stop.ts';
import { task } from './task.ts';

let plane: ControlPlane;
let carol: Session;
let alice: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  carol = await personSession(plane, 'carol');
  alice = await personSession(plane, 'alice');
});
afterEach(() => plane.close());

async function run(command: Command, args: string[], { as = carol, json = false } = {}): Promise<string[]> {
  const out: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void out.push(`err: ${line}`),
    json,
    env: {},
    remitUrl: ISSUER,
    dataDir: '/none',
    person: async () => ({
      fetch: (url, init = {}) =>
        as.call(init.method ?? 'GET', String(url).slice(ISSUER.length), init.body ?? undefined),
    }),
  };
  expect(await command(args, io)).toBe(0);
  return out;
}

const TIME = String.raw`20\d\d-\d\d-\d\dT[\d:.]+Z`;

test('the kill switch, what is stopped, and back; the task says what ended it', async () => {
  const { id } = await requestTask(alice);
  const [line, ended] = await run(stop, ['--everything', '--reason', 'an incident']);
  expect(line).toMatch(new RegExp(`^everything is stopped since ${TIME} by .*carol: an incident$`));
  expect(ended).toBe('  1 task has ended');
  expect(await run(stop, ['list'])).toEqual([line]);
  await plane.closer.settled();
  expect((await run(task, ['show', id], { as: alice }))[2]).toBe(
    `  ended: everything by ${PEOPLE}|carol; there was nothing to end`,
  );
  await expect(run(stop, ['--everything', '--reason', 'again'])).rejects.toMatchObject({ code: 'conflict' });
  expect(await run(resume, ['--everything'])).toEqual(['everything may act again; what has ended stays ended']);
  expect(await run(stop, ['list'])).toEqual(['nothing is stopped']);
});

test.each<[args: string[], kind: string, id: string]>([
  [['--person', 'alice'], 'delegator', `${PEOPLE}|alice`],
  [['--target', 'files'], 'target', 'files'],
  [['--trust-domain', 'remit.local'], 'trust_domain', 'remit.local'],
])('stop %j', async (args, kind, id) => {
  const [line] = await run(stop, [...args, '--reason', 'x'], { json: true });
  expect(JSON.parse(line!)).toMatchObject({ kind, id, reason: 'x', by: `${PEOPLE}|carol`, ended: 0 });
  expect((await run(stop, ['list'], { json: true })).map((each) => JSON.parse(each) as object)).toMatchObject([
    { kind, id },
  ]);
  expect(JSON.parse((await run(resume, args, { json: true }))[0]!)).toMatchObject({ kind });
  expect(plane.store.suspensions()).toEqual([]);
});

test('a person who leaves, and comes back', async () => {
  await requestTask(alice);
  await requestTask(alice);
  const [line, ended] = await run(person, ['offboard', 'alice', '--reason', 'has left']);
  expect([line, ended]).toEqual([expect.stringContaining(`${PEOPLE}|alice is stopped since`), '  2 tasks have ended']);
  await expect(requestTask(alice)).rejects.toThrow('has left');
  expect(await run(person, ['reinstate', 'alice'])).toEqual([
    'delegator alice may act again; what has ended stays ended',
  ]);
  await requestTask(alice);
});

test('what an end has ended and left outstanding is shown', async () => {
  const { id } = await requestTask(alice);
  await plane.store.processStarted({ id: 'files:7', pid: 7, birth: 'then', task: id });
  const ids = ['req_1', 'req_2', 'req_3', 'req_4'];
  for (const each of ids) plane.live.attach({ taskId: id, kind: 'call', id: each, target: 'files' }, () => {});
  const gone = plane.store.processGone.bind(plane.store);
  plane.store.processGone = async () => {};
  await run(task, ['complete', id], { as: alice });
  await plane.closer.settled();
  const shown = await run(task, ['show', id], { as: alice });
  expect(shown[2]).toBe(`  ended: completed by ${PEOPLE}|alice; 4 calls (req_1, req_2, req_3, …)`);
  expect(shown[3]).toMatch(new RegExp(`^  outstanding: 1 processes \\(files:7\\); tried again at ${TIME}$`));
  expect(await run(task, ['tree', id], { as: alice })).toEqual(shown);
  plane.store.processGone = gone;
});

test.each<[command: Command, args: string[]]>([
  [stop, []],
  [stop, ['--everything']],
  [stop, ['--reason', 'x']],
  [stop, ['--everything', '--target', 'files', '--reason', 'x']],
  [stop, ['list', 'more']],
  [resume, []],
  [person, ['offboard', 'alice']],
  [person, ['offboard', '--reason', 'x']],
  [person, ['promote', 'alice', '--reason', 'x']],
])('a command line that does not say what is meant stops nothing (%#)', async (command, args) => {
  await expect(run(command, args)).rejects.toThrow(args[0] === 'list' ? /Unexpected argument/ : UsageError);
  expect(plane.store.suspensions()).toEqual([]);
});

test('who may not is told so', async () => {
  await expect(run(stop, ['--everything', '--reason', 'x'], { as: alice })).rejects.toMatchObject({
    code: 'forbidden',
  });
});
