import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { followBundleEndpoint } from './bundle-endpoint.ts';
import type { BundleSource, TrustBundle } from './trust-bundle.ts';

const HOUR = 3_600_000;
const key = (kid: string) => ({ kty: 'EC', kid, use: 'jwt-svid' });

let folder: string;
let served: unknown;
let asked: number;
let now: number;
let ticks: number;
let problems: string[];
let source: BundleSource | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), 'remit-endpoint-'));
  [served, asked, now, ticks, problems] = [undefined, 0, NOW, 0, []];
});
afterEach(() => {
  source?.stop();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

async function follow(more: Partial<Parameters<typeof followBundleEndpoint>[0]> = {}): Promise<() => TrustBundle> {
  source?.stop();
  source = followBundleEndpoint({
    source: 'https_web https://partner.test/bundle',
    fetch: async () => {
      asked++;
      if (served instanceof Error) throw served;
      return served;
    },
    keptIn: join(folder, 'bundles', 'partner.test.json'),
    clock: () => now,
    ticks: () => ticks,
    report: (problem) => problems.push(problem),
    ...more,
  });
  await source.ready;
  return () => source!.bundle();
}

/** Time goes on, for the timers and for the clocks. */
async function pass(ms: number): Promise<void> {
  now += ms;
  ticks += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

const kids = (bundle: TrustBundle) => bundle.keys.map(({ kid }) => kid);

test('a bundle is asked for at once, and again as often as it says', async () => {
  served = { keys: [key('one')], spiffe_sequence: 1, spiffe_refresh_hint: 60 };
  const bundle = await follow();
  expect(kids(bundle())).toEqual(['one']);
  served = { keys: [key('one'), key('two')], spiffe_sequence: 2, spiffe_refresh_hint: 60 };
  await pass(59_000);
  expect(kids(bundle())).toEqual(['one']);
  await pass(1_000);
  expect(kids(bundle())).toEqual(['one', 'two']);
  expect(asked).toBe(2);
});

const hints: [string, unknown, number][] = [
  ['five minutes where it says nothing', undefined, 300],
  ['five minutes where it says nonsense', -1, 300],
  ['not more often than each five seconds', 0.001, 5],
  ['at least each hour', 1e9, 3600],
];
test.each(hints)('it is asked for %s', async (_name, hint, seconds) => {
  served = { keys: [], ...(hint === undefined ? {} : { spiffe_refresh_hint: hint }) };
  await follow();
  await pass(seconds * 1000 - 1);
  expect(asked).toBe(1);
  await pass(1);
  expect(asked).toBe(2);
});

test('without a bundle there are no keys, and the endpoint is asked each ten seconds', async () => {
  served = new Error('down');
  const bundle = await follow();
  expect(bundle()).toEqual({ keys: [] });
  await pass(20_000);
  expect(asked).toBe(3);
  expect(problems).toEqual(['there is no trust bundle: down']);
  served = { keys: [key('one')] };
  await pass(10_000);
  expect(kids(bundle())).toEqual(['one']);
});

const useless: [string, unknown][] = [
  ['no answer', new Error('timeout')],
  ['no JSON object', 'keys'],
  ['no keys', { spiffe_sequence: 9 }],
  ['a private key', { keys: [{ ...key('x'), d: 'AA' }] }],
  ['an older sequence', { keys: [key('old')], spiffe_sequence: 4 }],
  ['a sequence that is no integer', { keys: [key('x')], spiffe_sequence: 5.5 }],
  ['a sequence that is too large', { keys: [key('x')], spiffe_sequence: 2 ** 60 }],
];
test.each(useless)('%s leaves the last good bundle, is told of once, and for a day', async (_name, answer) => {
  served = { keys: [key('good')], spiffe_sequence: 5, spiffe_refresh_hint: 3600 };
  const bundle = await follow();
  served = answer;
  await pass(23 * HOUR);
  expect(kids(bundle())).toEqual(['good']);
  expect(problems).toEqual([expect.stringContaining('the last good trust bundle stays in use')]);
  await pass(HOUR + 1);
  expect(bundle()).toEqual({ keys: [] });
  served = { keys: [key('new')], spiffe_sequence: 6 };
  await pass(HOUR);
  expect(kids(bundle())).toEqual(['new']);
});

test('keys that the trust domain took out are used no longer', async () => {
  served = { keys: [key('one')], spiffe_sequence: 1, spiffe_refresh_hint: 60 };
  const bundle = await follow();
  served = { keys: [], spiffe_sequence: 2 };
  await pass(60_000);
  expect(bundle().keys).toEqual([]);
});

test('a clock that is set back or ahead changes nothing while the process runs', async () => {
  served = { keys: [key('one')] };
  const bundle = await follow();
  for (const jump of [-48 * HOUR, 96 * HOUR]) {
    now += jump;
    expect(kids(bundle())).toEqual(['one']);
  }
});

test('the last good bundle is there after a restart, with its age and its sequence', async () => {
  served = { keys: [key('kept')], spiffe_sequence: 7 };
  await follow();
  served = new Error('down');
  now += 23 * HOUR;
  const bundle = await follow();
  expect(kids(bundle())).toEqual(['kept']);
  served = { keys: [key('old')], spiffe_sequence: 6 };
  await pass(300_000);
  expect(kids(bundle())).toEqual(['kept']);
  served = new Error('down');
  await pass(HOUR);
  expect(bundle()).toEqual({ keys: [] });
});

test('what is kept is not used for another endpoint, from the future, or broken', async () => {
  served = { keys: [key('kept')] };
  await follow();
  served = new Error('down');
  expect((await follow({ source: 'https_web https://other.test/' }))().keys).toEqual([]);
  now -= HOUR;
  expect((await follow())().keys).toEqual([]);
  now += HOUR;
  expect(kids((await follow())())).toEqual(['kept']);
  const file = join(folder, 'bundles', 'partner.test.json');
  for (const text of [
    '',
    '{"bundle":',
    '{"bundle":{"keys":[]}}',
    readFileSync(file, 'utf8').replace('"keys"', '"key"'),
  ]) {
    writeFileSync(file, text);
    expect((await follow())().keys).toEqual([]);
  }
});

test('a bundle that cannot be kept is used all the same, and told of', async () => {
  writeFileSync(join(folder, 'bundles'), 'a file in the way');
  served = { keys: [key('one')] };
  expect(kids((await follow())())).toEqual(['one']);
  expect(problems).toEqual([expect.stringContaining('cannot be written')]);
  expect(existsSync(join(folder, 'bundles', 'partner.test.json'))).toBe(false);
});

test('a bootstrap bundle is the first one, until there is a fetched one that is newer', async () => {
  served = new Error('down');
  const bootstrap = { bundle: { keys: [key('first')] }, since: NOW };
  expect(kids((await follow({ bootstrap }))())).toEqual(['first']);
  served = { keys: [key('fetched')] };
  expect(kids((await follow({ bootstrap }))())).toEqual(['fetched']);
  served = new Error('down');
  expect(kids((await follow({ bootstrap }))())).toEqual(['fetched']);
  // The operator has put down a newer one, to take the endpoint up again.
  now += HOUR;
  expect(kids((await follow({ bootstrap: { ...bootstrap, since: now } }))())).toEqual(['first']);
});
