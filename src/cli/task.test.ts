import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { target } from './target.ts';
import { task } from './task.ts';

/** The commands against the real control plane, without a process or a socket between them. */

let plane: ControlPlane;
let folder: string;
beforeEach(async () => {
  plane = await openControlPlane();
  folder = mkdtempSync(join(tmpdir(), 'remit-cli-'));
});
afterEach(async () => {
  await plane.close();
  rmSync(folder, { recursive: true, force: true });
});

type Ran = { code: number; out: string[] };

async function run(person: Session, command: Command, args: string[], json = false): Promise<Ran> {
  const out: string[] = [];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void out.push(`err: ${line}`),
    json,
    env: {},
    remitUrl: ISSUER,
    dataDir: folder,
    person: async () => ({
      fetch: (url, init = {}) => {
        const body = init.body === undefined ? undefined : (JSON.parse(init.body as string) as unknown);
        return person.call(init.method ?? 'GET', String(url).slice(ISSUER.length), body);
      },
    }),
  };
  return { code: await command(args, io), out };
}

const GRANT = '[{target: files, operations: [read_text_file], resources: ["file:notes/**"]}]';
const request = (...more: string[]) => [
  'request',
  '--agent',
  SUMMARISER,
  '--purpose',
  'summarise the notes',
  '--grant',
  GRANT,
  ...more,
];

describe('task', () => {
  let alice: Session;
  beforeEach(async () => {
    alice = await personSession(plane, 'alice');
  });

  test('request, with everything that can be said, then list, show and complete', async () => {
    const options = ['--sensitivity', 'confidential', '--minutes', '1.5', '--calls', '3', '--param', 'folder=a=b'];
    const requested = await run(alice, task, request(...options));
    expect(requested).toEqual({
      code: 0,
      out: [
        expect.stringMatching(/^task_\S+ {2}active {2}until 20/),
        '  summarise the notes',
        '  agent spiffe://remit.local/agent/summariser, 0 of 3 calls, up to confidential',
        '  at files: read_text_file on file:notes/**',
      ],
    });
    const id = requested.out[0]!.split(' ')[0]!;
    const kept = plane.store.task(id)!;
    expect(kept).toMatchObject({ parameters: { folder: 'a=b' }, origin: { channel: 'cli' } });
    expect(kept.window.expiresAt - kept.window.notBefore).toBe(90_000);
    expect((await run(alice, task, ['list'])).out).toEqual(requested.out);
    expect((await run(alice, task, ['show', id])).out).toEqual(requested.out);
    expect((await run(alice, task, ['complete', id])).out[0]).toContain('completed');
    expect((await run(alice, task, ['list', '--state', 'active'])).out).toEqual(['no tasks']);
  });

  test('the grant is taken from a file of YAML, or of JSON', async () => {
    for (const [name, text] of [
      ['grant.yaml', GRANT],
      ['grant.json', '[{"target":"files","effects":["read"]}]'],
    ] as const) {
      const file = join(folder, name);
      writeFileSync(file, text);
      const args = ['request', '--agent', SUMMARISER, '--purpose', 'x', '--grant', file];
      expect((await run(alice, task, args)).code).toBe(0);
    }
  });

  test('revoke, with its reason', async () => {
    const { id } = await requestTask(alice);
    const { out } = await run(alice, task, ['revoke', id, '--reason', 'a mistake']);
    expect(out[0]).toMatch(/revoked \(a mistake\)/);
  });

  test('for a program: one object a line', async () => {
    const { out } = await run(alice, task, request(), true);
    expect(out.map((line) => JSON.parse(line) as object)).toEqual([expect.objectContaining({ state: 'active' })]);
    expect((await run(alice, task, ['list'], true)).out).toHaveLength(1);
    await run(alice, task, ['complete', (JSON.parse(out[0]!) as { id: string }).id], true);
    expect((await run(alice, task, ['list', '--state', 'active'], true)).out).toEqual([]);
  });

  test.each([
    [[]],
    [['nonsense']],
    [['request']],
    [['request', '--agent', SUMMARISER, '--purpose', 'x']],
    [['request', '--agent', SUMMARISER, '--purpose', 'x', '--grant', '[{']],
    [request('--param', 'novalue')],
    [request('--minutes', 'ten')],
    [request('--minutes', '')],
    [request('--calls=-1')],
    [['show']],
    [['show', 'a', 'b']],
  ])('the usage is shown for %j', async (args) => {
    await expect(run(alice, task, args)).rejects.toThrow(UsageError);
  });

  test('a problem is the error that the exit code is of', async () => {
    await expect(run(alice, task, ['show', 'task_unknown'])).rejects.toMatchObject({ code: 'not_found' });
    await expect(run(alice, task, request('--minutes', '1000'))).rejects.toMatchObject({ code: 'invalid_request' });
    const dan = await personSession(plane, 'dan');
    await expect(run(dan, task, request())).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('only staff'),
    });
    const { id } = await requestTask(alice);
    await run(alice, task, ['complete', id]);
    await expect(run(alice, task, ['complete', id])).rejects.toMatchObject({ code: 'conflict' });
  });

  test('an id is one segment of the path, whatever it holds', async () => {
    await expect(run(alice, task, ['show', '../approvals'])).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('target', () => {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const seen = (digit: string, description: string) =>
    plane.store.observeDefinition(
      {
        target: 'files',
        operation: 'read_text_file',
        digest: digest(digit),
        definition: JSON.stringify({ name: 'read_text_file', description }),
        at: plane.clock.now(),
      },
      () => [],
    );

  test('list, show what has changed, and accept it', async () => {
    const carol = await personSession(plane, 'carol');
    await seen('a', 'reads');
    await seen('b', 'reads, and first sends\u202e');
    expect((await run(carol, target, [])).out).toContain(
      `  read_text_file  read  internal  quarantined ${digest('b')}`,
    );
    expect((await run(carol, target, ['show', 'files', 'read_text_file'])).out).toEqual([
      `quarantined ${digest('b')}`,
      '-   "description": "reads"',
      '  {',
      '    "name": "read_text_file",',
      '+   "description": "reads, and first sends\\u202e"',
      '  }',
    ]);
    await expect(run(carol, target, ['accept', 'files', 'read_text_file', digest('c')])).rejects.toMatchObject({
      code: 'conflict',
    });
    expect((await run(carol, target, ['accept', 'files', 'read_text_file', digest('b')])).code).toBe(0);
    expect((await run(carol, target, ['show', 'files', 'read_text_file'])).out[0]).toBe(`pinned ${digest('b')}`);
  });
});
