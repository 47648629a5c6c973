import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { UsageError, type Io } from './io.ts';
import { revocations } from './revocations.ts';

let plane: ControlPlane;
let carol: Session;
let task: string;
beforeEach(async () => {
  plane = await openControlPlane();
  carol = await personSession(plane, 'carol');
  const alice = await personSession(plane, 'alice');
  ({ id: task } = await requestTask(alice));
  await alice.call('POST', `/v1/tasks/${task}/revoke`, { reason: 'a mistake' });
});
afterEach(() => plane.close());

async function run(args: string[], json = false): Promise<string[]> {
  const out: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void out.push(`err: ${line}`),
    json,
    env: {},
    remitUrl: ISSUER,
    dataDir: '/none',
    person: async () => ({
      fetch: (url, init = {}) => carol.call(init.method ?? 'GET', String(url).slice(ISSUER.length)),
    }),
  };
  expect(await revocations(args, io)).toBe(0);
  return out;
}

test('what has ended, page by page, and as Security Event Tokens', async () => {
  const lines = await run([]);
  expect(lines.at(-1)).toMatch(/^2 {2}20\S+Z {2}task\.ended {2}task task_\S+, .*\(a mistake\)$/);
  expect(await run(['--limit', '1'])).toEqual([expect.stringContaining('policy.changed'), 'err: more: --after 1']);
  expect(await run(['--after', '2'])).toEqual(['nothing']);
  expect(JSON.parse((await run(['--after', '1'], true))[0]!)).toMatchObject({ sequence: 2, kind: 'task.ended' });
  expect(await run(['--format', 'set'])).toEqual(['1  -', expect.stringMatching(/^2 {2}eyJ/)]);
});

test('what is revoked now', async () => {
  expect(await run(['--snapshot'])).toEqual(['as of entry 2', `  tasks  ${task}`]);
  expect(JSON.parse((await run(['--snapshot'], true))[0]!)).toMatchObject({ position: 2, tasks: [task] });
});

test.each([[['more']], [['--snapshot', '--after', '1']]])('%j shows how it is used', async (args) => {
  await expect(run(args)).rejects.toBeInstanceOf(UsageError);
});

test('what is not kept any more is said', async () => {
  await expect(run(['--after', '9'])).rejects.toThrow('/v1/revocations/snapshot');
});
