import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ISSUER,
  openControlPlane,
  PEOPLE,
  personSession,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { UsageError, type Io } from './io.ts';
import { agent } from './workload.ts';

const ID = 'spiffe://remit.local/agent/clerk';
let plane: ControlPlane;
let carol: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  carol = await personSession(plane, 'carol');
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
      fetch: (url, init = {}) =>
        carol.call(init.method ?? 'GET', String(url).slice(ISSUER.length), init.body ?? undefined),
    }),
  };
  expect(await agent(args, io)).toBe(0);
  return out;
}

test('an agent from its registration to its end', async () => {
  expect(await run(['list'])).toEqual(['no agents']);
  const added = await run([
    'add',
    ID,
    '--owner',
    'alice',
    '--purpose',
    'answers tickets',
    '--group',
    'a',
    '--group',
    'b',
  ]);
  expect(added).toEqual([`${ID}  active`, '  answers tickets', `  owned by alice (${PEOPLE}), in a, b; never used`]);
  expect(
    await run(['set', ID, '--owner-group', 'staff', '--no-groups', '--profile', 'refund', '--revision', '1']),
  ).toEqual([`${ID}  active`, '  answers tickets', '  owned by group staff, for refund; never used']);
  expect(await run(['set', ID, '--owner', `${PEOPLE}|a|b`, '--any-profile'], true)).toEqual([
    expect.stringContaining('"profiles":null,"state":"active"'),
  ]);
  expect(plane.store.agent(ID)?.owner).toEqual({ issuer: PEOPLE, subject: 'a|b' });
  expect((await run(['suspend', ID, '--reason', 'an incident']))[0]).toBe(`${ID}  suspended (an incident)`);
  expect((await run(['list', '--state', 'suspended']))[0]).toContain(ID);
  expect(await run(['list', '--mine'])).toEqual(['no agents']);
  expect((await run(['resume', ID, '--reason', 'over']))[0]).toBe(`${ID}  active (over)`);
  await run(['retire', ID, '--reason', 'done']);
  expect((await run(['show', ID]))[0]).toBe(`${ID}  retired (done)`);
});

test.each([
  ['no id', ['show']],
  ['two ids', ['show', ID, ID]],
  ['no purpose', ['add', ID]],
  ['no reason', ['suspend', ID]],
  ['an unknown verb', ['delete', ID]],
])('%s shows how it is used', async (_what, args) => {
  await expect(run(args)).rejects.toBeInstanceOf(UsageError);
});

test('two owners are one too many', async () => {
  await expect(run(['set', ID, '--owner', 'a', '--owner-group', 'b'])).rejects.toThrow('one owner');
});
