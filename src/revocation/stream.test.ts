import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Revocation } from '../core/revocation.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { Asker } from '../task/authorize.ts';
import { HEARTBEAT_MS, openStream, type FeedMessage, type FeedStream } from './stream.ts';

const START = 1_790_000_000_000;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => vi.useRealTimers());

const entry = (sequence: number, kind: Revocation['kind'] = 'task.ended', subject = {}): Revocation => ({
  sequence,
  at: START,
  kind,
  subject,
  cause: '',
  record: `rec_${sequence}`,
});

const AGENT = 'spiffe://example.org/server/files' as SpiffeId;
const asker: Asker = {
  agent: { id: AGENT, trustDomain: 'example.org', attestation: 'jwt-svid' },
  delegator: null,
  token: { id: 'tok_1', key: 'k', issuedAt: START, expiresAt: START + 300_000, binding: 'dpop' },
  request: 'req_1',
};

/** A stream over a list that the test makes longer. */
function over(entries: Revocation[], options: { after?: number; oldest?: number; asker?: Asker } = {}) {
  const state = { ended: 0, reads: 0, oldest: options.oldest ?? 1 };
  const stream: FeedStream = openStream({
    store: {
      feedRange: () => ({ oldest: state.oldest, newest: entries.at(-1)?.sequence ?? 0 }),
      revocations: (after, limit) => {
        state.reads += 1;
        if (after < state.oldest - 1) return 'gone';
        return entries.filter(({ sequence }) => sequence > after).slice(0, limit);
      },
      pruneRevocations: async () => 0,
      revokedNow: () => ({ position: 0, tasks: [], tokens: [], agents: [], suspended: [] }),
    },
    clock: Date.now,
    asker: options.asker ?? asker,
    after: options.after ?? 0,
    ended: () => void (state.ended += 1),
  });
  return { stream, state, reader: stream.messages.getReader() };
}

type Read = { done: boolean; value?: FeedMessage | undefined };

const numbers = (result: Read) =>
  result.value === undefined
    ? 'done'
    : 'position' in result.value
      ? `at ${result.value.position}`
      : result.value.revocations.map((each) => each.sequence);

test('says at once where the feed stands, then what there is, then what comes', async () => {
  const entries = [entry(1), entry(2), entry(3)];
  const { stream, reader } = over(entries, { after: 1 });
  expect(numbers(await reader.read())).toBe('at 3');
  expect(numbers(await reader.read())).toEqual([2, 3]);
  const next = reader.read();
  entries.push(entry(4));
  stream.wake();
  expect(numbers(await next)).toEqual([4]);
});

test('a heartbeat comes while there is nothing, with the number of the newest entry', async () => {
  const { reader } = over([entry(1)], { after: 1 });
  await reader.read();
  const next = reader.read();
  vi.advanceTimersByTime(HEARTBEAT_MS);
  expect(await next).toEqual({ done: false, value: { position: 1, at: START + HEARTBEAT_MS } });
});

test('a reader that takes nothing holds nothing, and catches up', async () => {
  const entries = [entry(1)];
  const { stream, state, reader } = over(entries);
  const before = state.reads;
  for (let n = 2; n <= 250; n++) {
    entries.push(entry(n));
    stream.wake();
  }
  expect(state.reads).toBe(before);
  await reader.read();
  const seen: unknown[] = [];
  while (seen.length < 250) {
    const result = await reader.read();
    if (result.done || 'position' in result.value) throw new Error('no entries');
    expect(result.value.revocations.length).toBeLessThanOrEqual(100);
    seen.push(...result.value.revocations.map(({ sequence }) => sequence));
  }
  expect(seen).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
});

test('a reader that takes nothing for half a minute is cut', async () => {
  const { state, reader } = over([entry(1)]);
  vi.advanceTimersByTime(30_000);
  expect(state.ended).toBe(0);
  vi.advanceTimersByTime(HEARTBEAT_MS);
  expect(state.ended).toBe(1);
  await expect(reader.read()).rejects.toThrow('too slow');
});

test('a reader that waits for hours is not', async () => {
  const late = { ...asker, token: { ...asker.token!, expiresAt: START + 100 * 3_600_000 } };
  const { state, reader } = over([], { asker: late });
  await reader.read();
  for (let n = 0; n < 1000; n++) {
    const next = reader.read();
    vi.advanceTimersByTime(HEARTBEAT_MS);
    expect(numbers(await next)).toBe('at 0');
  }
  expect(state.ended).toBe(0);
});

test('ends with the token of the reader', async () => {
  const { state, reader } = over([]);
  await reader.read();
  const beats = (async () => {
    let last = await reader.read();
    while (!last.done) last = await reader.read();
    return last;
  })();
  await vi.advanceTimersByTimeAsync(299_999);
  expect(state.ended).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(await beats).toMatchObject({ done: true });
  expect(state.ended).toBe(1);
});

test('entries that were forgotten before the reader came to them end the stream', async () => {
  const { state, reader } = over([entry(7)], { after: 3 });
  state.oldest = 7;
  await reader.read();
  expect(numbers(await reader.read())).toBe('done');
});

test('a reader that goes away is forgotten', async () => {
  const { state, stream, reader } = over([]);
  await reader.cancel();
  expect(state.ended).toBe(1);
  stream.wake();
  stream.end();
  expect(vi.getTimerCount()).toBe(0);
  expect(state.ended).toBe(1);
});

test('what concerned the reader before it was asked does not end the stream', async () => {
  const { state, reader } = over([entry(1, 'policy.changed'), entry(2)]);
  await reader.read();
  expect(numbers(await reader.read())).toEqual([1, 2]);
  expect(state.ended).toBe(0);
});

describe('what could concern the reader ends the stream behind it', () => {
  const alice: Asker = { ...asker, agent: null, delegator: { issuer: 'https://p', subject: 'alice', groups: [] } };
  test.each<[string, Revocation, Asker, boolean]>([
    ['another policy', entry(1, 'policy.changed'), asker, true],
    ['a distrusted set', entry(1, 'policy.distrusted'), asker, true],
    ['a suspension', entry(1, 'access.suspended', { kind: 'target', id: 'files' }), asker, true],
    ['its own token', entry(1, 'token.revoked', { jti: 'tok_1' }), asker, true],
    ['another token', entry(1, 'token.revoked', { jti: 'tok_2' }), asker, false],
    ['its own suspension', entry(1, 'agent.suspended', { agent: AGENT }), asker, true],
    ['that of its fleet', entry(1, 'agent.retired', { agent: 'spiffe://example.org/server/*' }), asker, true],
    ['that of another', entry(1, 'agent.suspended', { agent: 'spiffe://example.org/x' }), asker, false],
    ['its own resumption', entry(1, 'agent.resumed', { agent: AGENT }), asker, false],
    ['a task', entry(1, 'task.ended', { task: 'task_1', agent: AGENT }), asker, false],
    ['an agent, to a person', entry(1, 'agent.suspended', { agent: AGENT }), alice, false],
  ])('%s', async (_what, revocation, who, ends) => {
    const entries: Revocation[] = [];
    const { state, stream, reader } = over(entries, { asker: who });
    await reader.read();
    entries.push(revocation);
    stream.wake();
    expect(numbers(await reader.read())).toEqual([1]);
    expect(state.ended).toBe(ends ? 1 : 0);
    if (ends) expect(numbers(await reader.read())).toBe('done');
  });
});
