import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  sampleApproval,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import type { Approval } from '../core/approval.ts';
import { approvals, approve, refuse } from './approvals.ts';
import { UsageError, type Command, type Io } from './io.ts';

let plane: ControlPlane;
let bob: Session;
let task: string;
let id: string;
beforeEach(async () => {
  plane = await openControlPlane();
  bob = await personSession(plane, 'bob');
  task = (await requestTask(await personSession(plane, 'alice'))).id;
  const { card } = sampleApproval(task, 0);
  id = await ask({
    card: {
      ...card,
      arguments: { path: 'out/summary.md', 'no\u202ete\u001b[2J': 'two\nlines\u009b\u2066' },
      purpose: 'tidy up\u001b[8m',
    },
  });
});
afterEach(() => plane.close());

let asked = 0;
async function ask(change: Partial<Approval> = {}): Promise<string> {
  const own = { id: `apr_${++asked}`, digest: `sha256:${asked}` };
  const made = await plane.store.requestApproval(
    sampleApproval(task, plane.clock.now() + asked, { ...own, ...change }),
    () => [],
  );
  return made.id;
}

type Ran = { code: number; out: string[]; asked: string[] };

/** `says` is what the person types, line by line, and then Ctrl-D; without it there is no terminal. */
async function run(
  person: Session,
  command: Command,
  args: string[],
  more: { json?: boolean; says?: string[] } = {},
): Promise<Ran> {
  const [out, questions, says] = [[] as string[], [] as string[], [...(more.says ?? [])]];
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void out.push(`err: ${line}`),
    json: more.json ?? false,
    env: {},
    remitUrl: ISSUER,
    dataDir: '.',
    ask:
      more.says === undefined
        ? undefined
        : async (question) => {
            questions.push(question);
            return says.shift() ?? null;
          },
    person: async () => ({
      fetch: (url, init = {}) => {
        const body = init.body === undefined ? undefined : (JSON.parse(init.body as string) as unknown);
        return person.call(init.method ?? 'GET', String(url).slice(ISSUER.length), body);
      },
    }),
  };
  return { code: await command(args, io), out, asked: questions };
}

const states = () => Object.fromEntries(plane.store.approvals({ limit: 99 }).map((each) => [each.id, each.state]));

describe('by commands', () => {
  test('show prints every argument in full, and nothing that a terminal would obey', async () => {
    const { out } = await run(bob, approvals, ['show', id]);
    expect(out).toEqual([
      expect.stringMatching(/^apr_\d+ {2}pending {2}medium risk {2}until \S+ {2}for note-owners$/),
      '  write_file (write, internal) at files on file:out/summary.md',
      '    path: "out/summary.md"',
      '    no\\u{202e}te\\u{1b}[2J: "two\\nlines\\u{9b}\\u{2066}"',
      '      [hidden characters; turns text around]',
      '  because an owner must agree',
      '  for the task "tidy up\\u001b[8m" of https://idp.example.test|alice',
      expect.stringMatching(/^ {2}by spiffe:\/\/remit\.local\/agent\/summariser \(task_/),
      '  so far 0 of 100 calls',
      '  nothing like it was answered in the last thirty days',
    ]);
  });

  test('list, approve with a reason, and nothing is left', async () => {
    expect((await run(bob, approvals, [])).out[0]).toContain('pending');
    const { out } = await run(bob, approve, [id, '--reason', 'looked at it']);
    expect(out.at(-1)).toMatch(/^ {2}approved by https:\/\/idp\.example\.test\|bob at \S+: looked at it$/);
    expect((await run(bob, approvals, ['list'])).out).toEqual(['no pending approvals']);
    expect((await run(bob, approvals, ['list', '--state', 'approved'])).out[0]).toContain('approved');
    await expect(run(bob, refuse, [id])).rejects.toMatchObject({ code: 'conflict' });
  });

  test('refuse, for a program', async () => {
    const { out } = await run(bob, refuse, [id], { json: true });
    expect(JSON.parse(out[0]!)).toMatchObject({ id, state: 'refused' });
  });

  test('the delegator and the agent are refused', async () => {
    await expect(run(await personSession(plane, 'alice'), approve, [id])).rejects.toMatchObject({ code: 'forbidden' });
    await expect(run(await agentSession(plane), approve, [id])).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('who has to sign in more strongly is told how', async () => {
    const strong = await ask({ approvers: ['note-owners; acr phr'] });
    await expect(run(bob, approve, [strong])).rejects.toMatchObject({
      code: 'insufficient_user_authentication',
      message: "to approve this you have to sign in again with `phr`: `remit login --acr 'phr'`",
    });
  });

  test('the next ones like it, listed and taken back', async () => {
    const { card } = sampleApproval(task, 0);
    const plain = await ask({ card });
    const args = [
      plain,
      '--next',
      '3',
      '--minutes',
      '5',
      '--vary',
      'content',
      '--vary',
      'path=out/*',
      '--resource',
      'file:out/*',
    ];
    expect((await run(bob, approve, args)).out.join('\n')).toContain('stands already: sta_');
    const { out } = await run(bob, approvals, ['standing']);
    expect(out).toEqual([
      expect.stringMatching(
        /^sta_\S+ {2}active {2}3 of 3 uses until \S+: files write_file on like file:out\/\* with path like out\/\*, content of any value$/,
      ),
    ]);
    const [standing] = plane.store.standingFor(task);
    expect((await run(bob, approvals, ['revoke', standing!.id])).out[0]).toContain('revoked');
    expect((await run(bob, approvals, ['standing'])).out).toEqual(['no standing answers']);
    expect((await run(bob, approvals, ['standing', '--all'], { json: true })).out).toHaveLength(1);
  });

  test.each<[Command, string[]]>([
    [approve, []],
    [approve, ['a', 'b']],
    [approve, ['a', '--next', '3']],
    [approve, ['a', '--next', 'x', '--minutes', '1']],
    [approve, ['a', '--vary', 'content']],
    [refuse, ['a', '--next', '1', '--minutes', '1']],
    [approvals, ['show']],
    [approvals, ['nonsense']],
  ])('the usage is shown for what is none: %#', async (command, args) => {
    await expect(run(bob, command, args)).rejects.toThrow(UsageError);
  });
});

describe('at a terminal', () => {
  test('one after the other, the riskiest first, each answered exactly as it was shown', async () => {
    const { card } = sampleApproval(task, 0);
    const low = await ask({ card: { ...card, effect: 'read', operation: 'read_text_file' } });
    const high = await ask({ card: { ...card, effect: 'delete', sensitivity: 'restricted' } });
    const { out, asked: questions } = await run(bob, approvals, [], {
      says: ['y', 'seen', 'what?', 'n', 'not this', 's'],
    });
    expect(out.filter((line) => line.startsWith('apr_')).map((line) => line.split(' ')[0])).toEqual([
      high,
      `${high}:`,
      id,
      `${id}:`,
      low,
    ]);
    expect(states()).toEqual({ [high]: 'approved', [id]: 'refused', [low]: 'pending' });
    expect(questions[0]).toBe('approve? [y]es, [n]o, [s]kip, [q]uit: ');
    expect(out.at(-1)).toBe('nothing else waits');
    expect(plane.store.approval(high)!.answers).toMatchObject([{ reason: 'seen' }]);
  });

  test('what is alike is answered together once all of it was shown', async () => {
    const others = [await ask(), await ask()];
    const { out, asked: questions } = await run(bob, approvals, [], { says: ['a', 'yes', ''] });
    expect(questions[0]).toContain('[a]pprove or [d]eny all 3 like it');
    expect(questions[1]).toBe('approve these 3, each exactly as shown? [yes/no]: ');
    expect(out.filter((line) => / {2}pending {2}/.test(line))).toHaveLength(3);
    expect(Object.values(states())).toEqual(['approved', 'approved', 'approved']);
    expect([id, ...others].every((each) => plane.store.approval(each)!.answers.length === 1)).toBe(true);
  });

  test('nothing is answered without a yes in full, at the end of the input, or by `q`', async () => {
    await ask();
    for (const says of [['a', 'y'], ['a'], ['q'], []]) await run(bob, approvals, [], { says });
    expect(new Set(Object.values(states()))).toEqual(new Set(['pending']));
  });

  test('a long argument is shown in full on demand', async () => {
    await run(bob, refuse, [id]);
    const { card } = sampleApproval(task, 0);
    await ask({ card: { ...card, arguments: { content: `${'x'.repeat(3000)}end` } } });
    const { out, asked: questions } = await run(bob, approvals, [], { says: ['f', 'q'] });
    expect(questions[0]).toContain('[f]ull');
    expect(out.some((line) => line.includes('[cut: 3005 characters in all'))).toBe(true);
    expect(out.some((line) => line.endsWith('xend"'))).toBe(true);
  });

  test('an answer that is not taken says why, and the others go on', async () => {
    const strong = await ask({ approvers: ['note-owners; acr phr'] });
    const { out } = await run(bob, approvals, [], { says: ['a', 'yes', ''] });
    expect(out.some((line) => line.startsWith('to approve this you have to sign in again'))).toBe(true);
    expect(states()).toEqual({ [id]: 'approved', [strong]: 'pending' });
  });

  test('for a program there are no questions', async () => {
    const { out, asked: questions } = await run(bob, approvals, [], { says: ['y'], json: true });
    expect([questions, out.map((line) => (JSON.parse(line) as { id: string }).id)]).toEqual([[], [id]]);
  });
});
