import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ISSUER,
  openControlPlane,
  personSession,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { UsageError, type Io } from './io.ts';
import { keys } from './keys.ts';

let plane: ControlPlane;
let carol: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  carol = await personSession(plane, 'carol');
});
afterEach(() => plane.close());

async function run(args: string[], { person = carol, json = false } = {}): Promise<string[]> {
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
        person.call(init.method ?? 'GET', String(url).slice(ISSUER.length), init.body ?? undefined),
    }),
  };
  expect(await keys(args, io)).toBe(0);
  return out;
}

const kidOf = (place: number) => plane.tokenKey.status()[place]!.kid;
const TIME = String.raw`20\d\d-\d\d-\d\dT[\d:.]+Z`;

test('keys are listed with when each changes', async () => {
  const [line, encrypted] = await run([]);
  expect(line).toMatch(new RegExp(`^${kidOf(0)}  current since ${TIME}, signs until ${TIME}$`));
  expect(encrypted).toBe('not encrypted at rest; see `keys.encryption`');
  expect(await run(['list'])).toEqual([line, encrypted]);
});

test('a rotation says which key signs from when, and with --now at once', async () => {
  expect((await run(['rotate']))[1]).toMatch(new RegExp(`^${kidOf(1)}  next since ${TIME}, signs from ${TIME}$`));
  const [retiring, current] = await run(['rotate', '--now']);
  expect(retiring).toMatch(/ {2}retiring since .*, gone at /);
  expect(current).toMatch(new RegExp(`^${kidOf(1)}  current since `));
});

test('after a leak one key is left', async () => {
  const lines = await run(['rotate', '--leaked']);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(new RegExp(`^${kidOf(0)}  current since `));
});

test('--json is one object', async () => {
  const [line, ...rest] = await run(['rotate', '--now'], { json: true });
  expect(rest).toEqual([]);
  expect(JSON.parse(line!)).toMatchObject({ keys: [{ state: 'retiring' }, { state: 'current' }], encrypted: false });
});

test('who may not is told so, and a wrong command line shows how it goes', async () => {
  const dan = await personSession(plane, 'dan');
  await expect(run(['rotate'], { person: dan })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(run(['turn'])).rejects.toThrow(UsageError);
  await expect(run(['list', 'more'])).rejects.toThrow(UsageError);
  await expect(run(['rotate', '--soon'])).rejects.toThrow('--soon');
});
