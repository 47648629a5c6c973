import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
} from 'jose';
import {
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { endedFixture } from '../store/conformance/fixture.ts';
import { createVerifier, followRevocations, type AskRemit, type FollowOptions, type Revocations } from './index.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';
const claims = (change: object = {}) => ({
  jti: 'tok_1',
  task: 'task_1',
  sub: 'https://idp.example.test|alice',
  actors: [{ sub: AGENT, iss: 'spiffe://remit.local' }],
  all: { iss: ISSUER, aud: `${ISSUER}/mcp/files` },
  ...change,
});

let followed: Revocations | undefined;
afterEach(() => followed?.close());

/** A feed that the test speaks for. `hear` is what the open stream brings. */
function feedOf(snapshot: object, options: Partial<FollowOptions> = {}) {
  const asked: string[] = [];
  const problems: string[] = [];
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  const state = { snapshot, status: 200, now: 0, steady: 0 };
  const ask: AskRemit = async (path, { headers, signal }) => {
    asked.push(path === '/revocations' ? `from ${headers['last-event-id']}` : 'snapshot');
    if (path !== '/revocations') return Response.json(state.snapshot);
    if (state.status !== 200) return new Response(null, { status: state.status });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        streams.push(controller);
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  followed = followRevocations({
    ask,
    clock: () => state.now,
    monotonic: () => state.steady,
    onProblem: (problem) => void problems.push((problem as Error).message),
    ...options,
  });
  const hear = (text: string) => streams.at(-1)!.enqueue(new TextEncoder().encode(text));
  const beat = (position: number) => hear(`event: heartbeat\ndata: {"position":${position}}\n\n`);
  const entry = (sequence: number, kind: string, subject: object) =>
    hear(`id: ${sequence}\nevent: revocation\ndata: ${JSON.stringify({ sequence, kind, subject })}\n\n`);
  const verdict = (change: object = {}, key?: string) => followed!.verdict(claims(change), key);
  return { asked, problems, streams, state, beat, entry, hear, verdict };
}

const NOTHING = { position: 3, tasks: [], tokens: [], agents: [] };
const until = (condition: () => void | Promise<void>) => vi.waitFor(condition, { timeout: 5_000, interval: 5 });
const opened = (feed: ReturnType<typeof feedOf>, times = 1) =>
  until(() => expect(feed.streams.length).toBeGreaterThanOrEqual(times));

test('nothing is taken before it is known that everything is known', async () => {
  const feed = feedOf(NOTHING);
  expect(feed.verdict()).toBe('stale');
  await opened(feed);
  expect(feed.asked).toEqual(['snapshot', 'from 3']);
  expect(feed.verdict()).toBe('stale');
  feed.beat(4);
  feed.entry(4, 'task.ended', { task: 'task_9' });
  await until(() => expect(feed.verdict()).toBe('good'));
  expect(feed.verdict({ task: 'task_9' })).toBe('revoked');
});

test('what the snapshot names is revoked at once', async () => {
  const feed = feedOf({
    position: 0,
    tasks: ['t'],
    tokens: ['j'],
    agents: ['spiffe://remit.local/x/*', 'spiffe://remit.local/y'],
  });
  await opened(feed);
  feed.beat(0);
  await until(() => expect(feed.verdict()).toBe('good'));
  const actor = (sub: string) => ({ actors: [...claims().actors, { sub, iss: 'spiffe://remit.local' }] });
  expect(feed.verdict({ task: 't' })).toBe('revoked');
  expect(feed.verdict({ jti: 'j' })).toBe('revoked');
  expect(feed.verdict(actor('spiffe://remit.local/x/1'))).toBe('revoked');
  expect(feed.verdict(actor('spiffe://remit.local/y'))).toBe('revoked');
  expect(feed.verdict(actor('spiffe://remit.local/x/1/2'))).toBe('good');
});

test('each kind of entry, and what brings authority back', async () => {
  const feed = feedOf({ ...NOTHING, position: 0 });
  await opened(feed);
  feed.beat(0);
  feed.entry(1, 'token.revoked', { jti: 'tok_2' });
  feed.entry(2, 'key.removed', { key: 'kid_1' });
  feed.entry(3, 'agent.suspended', { agent: AGENT });
  feed.entry(4, 'something.new', { agent: 'x' });
  await until(() => expect(feed.verdict()).toBe('revoked'));
  expect(feed.verdict({ actors: [] }, 'kid_1')).toBe('revoked');
  expect(feed.verdict({ actors: [] }, 'kid_2')).toBe('good');
  expect(feed.verdict({ actors: [], jti: 'tok_2' })).toBe('revoked');
  feed.entry(5, 'agent.resumed', { agent: AGENT });
  await until(() => expect(feed.verdict()).toBe('good'));
});

test.each([
  ['everything', 'everything'],
  ['delegator', 'https://idp.example.test|alice'],
  ['agent', AGENT],
  ['trust_domain', 'remit.local'],
  ['target', 'files'],
])('what is suspended is refused until it is resumed: %s', async (kind, id) => {
  const feed = feedOf({ ...NOTHING, position: 0, suspended: [{ kind: 'target', id: 'memory' }] });
  await opened(feed);
  feed.beat(0);
  feed.entry(1, 'access.suspended', { kind, id: `${id}x` });
  await until(() => expect(feed.verdict()).toBe('good'));
  feed.entry(2, 'access.suspended', { kind, id });
  await until(() => expect(feed.verdict()).toBe('revoked'));
  feed.entry(3, 'access.resumed', { kind, id });
  await until(() => expect(feed.verdict()).toBe('good'));
  expect(feed.verdict({ all: { iss: ISSUER, aud: `${ISSUER}/mcp/memory` } })).toBe('revoked');
});

test.each<[string, (state: { now: number; steady: number }) => void]>([
  ['by the clock of the host', (state) => (state.now += 15_001)],
  [
    'by a clock that nobody sets, while the other goes back',
    (state) => ((state.steady += 15_001), (state.now -= 60_000)),
  ],
])('INVARIANT 9: silence for too long, %s, and nothing is taken; heard again, it is', async (_what, pass) => {
  const feed = feedOf(NOTHING);
  await opened(feed);
  feed.beat(3);
  await until(() => expect(feed.verdict()).toBe('good'));
  pass(feed.state);
  expect(feed.verdict()).toBe('stale');
  // One connection gives up on silence, another is heard.
  if (feed.state.steady > 0) await opened(feed, 2);
  feed.beat(3);
  await until(() => expect(feed.verdict()).toBe('good'));
});

test('a heartbeat that tells of more than is known makes nothing fresh', async () => {
  const feed = feedOf(NOTHING);
  await opened(feed);
  feed.beat(9);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(feed.verdict()).toBe('stale');
});

test('a stream that ends is gone on with where it was', async () => {
  const feed = feedOf(NOTHING);
  await opened(feed);
  feed.beat(3);
  feed.entry(4, 'task.ended', { task: 'task_1' });
  await until(() => expect(feed.verdict()).toBe('revoked'));
  feed.streams[0]!.close();
  await opened(feed, 2);
  expect(feed.asked).toEqual(['snapshot', 'from 3', 'from 4']);
});

test.each<[string, (feed: ReturnType<typeof feedOf>) => void, string]>([
  ['a missing entry', (feed) => feed.entry(5, 'task.ended', {}), 'is missing'],
  ['an entry that came before', (feed) => feed.entry(3, 'task.ended', {}), 'is missing'],
  ['an entry that is none', (feed) => feed.hear('event: revocation\ndata: {"sequence":4}\n\n'), 'not of the form'],
])('%s: nothing is taken until it is begun anew, and what was revoked stays so', async (_what, hear, problem) => {
  const feed = feedOf({ ...NOTHING, tasks: ['old'] });
  await opened(feed);
  feed.beat(3);
  await until(() => expect(feed.verdict()).toBe('good'));
  feed.state.snapshot = { position: 8, tasks: [], tokens: [], agents: [AGENT] };
  hear(feed);
  await until(() => expect(feed.verdict()).not.toBe('good'));
  await opened(feed, 2);
  expect(feed.asked.slice(2)).toEqual(['snapshot', 'from 8']);
  expect(feed.problems).toEqual([expect.stringContaining(problem)]);
  feed.beat(8);
  await until(() => expect(feed.verdict({ actors: [] })).toBe('good'));
  expect(feed.verdict()).toBe('revoked');
  expect(feed.verdict({ task: 'old' })).toBe('revoked');
});

test('a position that is not kept any more is begun anew', async () => {
  const feed = feedOf(NOTHING);
  await opened(feed);
  feed.state.status = 410;
  feed.streams[0]!.close();
  await until(() => expect(feed.asked.filter((what) => what === 'snapshot').length).toBeGreaterThan(1));
});

test.each([
  ['a snapshot that is none', { position: 'x' }],
  ['an empty one', {}],
  ['a list', []],
  ['one whose suspensions are none', { ...NOTHING, suspended: [{ kind: 'target' }] }],
])('%s: nothing is taken, and it is asked for again', async (_what, snapshot) => {
  const feed = feedOf(snapshot);
  await until(() => expect(feed.asked.length).toBeGreaterThan(1));
  expect(feed.problems[0]).toBe('the snapshot is not of the form of one');
  expect(feed.verdict()).toBe('stale');
});

test('an event without an end is given up', async () => {
  const feed = feedOf(NOTHING);
  await opened(feed);
  feed.hear(`data: ${'x'.repeat(300_000)}`);
  await until(() => expect(feed.problems).toEqual(['an event of the stream is too large']));
});

test('what is forgotten cannot be shown any more', async () => {
  const feed = feedOf(NOTHING);
  await opened(feed);
  feed.beat(3);
  feed.entry(4, 'task.ended', { task: 'task_1' });
  await until(() => expect(feed.verdict()).toBe('revoked'));
  feed.state.steady = 719_000;
  feed.entry(5, 'task.ended', { task: 'task_2' });
  await until(() => expect(feed.verdict({ task: 'task_2' })).toBe('revoked'));
  expect(feed.verdict()).toBe('revoked');
  feed.state.steady = 720_000;
  feed.entry(6, 'task.ended', { task: 'task_3' });
  await until(() => expect(feed.verdict()).toBe('good'));
});

test.each([9, 301, Number.NaN])('%d seconds of silence are no option', (maxStaleSeconds) => {
  expect(() => followRevocations({ ask: async () => new Response(), maxStaleSeconds })).toThrow(TypeError);
});

describe('at a real Remit', () => {
  let plane: ControlPlane;
  let alice: Session;
  let carol: Session;
  beforeEach(async () => {
    plane = await openControlPlane();
    alice = await personSession(plane, 'alice');
    carol = await personSession(plane, 'carol');
  });
  afterEach(() => plane.close());

  test('a verifier refuses the token of a task as soon as the task has ended, and takes nothing when Remit is gone', async () => {
    const { id } = await requestTask(alice);
    let now = Date.now();
    followed = followRevocations({
      clock: () => now,
      ask: async (path, { headers, signal }) => {
        const url = `${ISSUER}/v1${path}`;
        const dpop = await carol.proof({ method: 'GET', url, accessToken: carol.accessToken });
        return plane.app.request(`/v1${path}`, {
          headers: { ...headers, authorization: `DPoP ${carol.accessToken}`, dpop },
          signal,
        });
      },
    });
    await followed.ready;
    const { key, jwks } = await signer();
    const verify = createVerifier({ issuer: ISSUER, audience: `${ISSUER}/mcp/files`, jwks, revocations: followed });
    const shown = () => tokenRequest(alice, key, id);
    await until(async () => expect(await verify(await shown())).toMatchObject({ ok: true }));
    await alice.call('POST', `/v1/tasks/${id}/complete`);
    await until(async () => expect(await verify(await shown())).toMatchObject({ ok: false, error: 'invalid_token' }));

    const other = await requestTask(alice);
    expect(await verify(await tokenRequest(alice, key, other.id))).toMatchObject({ ok: true });
    plane.parts.revocationFeed.close();
    now += 16_000;
    expect(await verify(await tokenRequest(alice, key, other.id))).toMatchObject({
      ok: false,
      error: 'temporarily_unavailable',
      status: 503,
    });
  });

  test('hundreds of ends, and none is missed', async () => {
    followed = followRevocations({
      ask: async (path, { headers, signal }) => {
        const dpop = await carol.proof({ method: 'GET', url: `${ISSUER}/v1${path}`, accessToken: carol.accessToken });
        const authorization = `DPoP ${carol.accessToken}`;
        return plane.app.request(`/v1${path}`, { headers: { ...headers, authorization, dpop }, signal });
      },
    });
    await followed.ready;
    await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        plane.store.append([{ ...endedFixture(`rec_${n}`), subject: { task: `ended_${n}` } }]),
      ),
    );
    await until(() => {
      for (let n = 0; n < 300; n++)
        expect(followed!.verdict(claims({ task: `ended_${n}` }), undefined)).toBe('revoked');
    });
    expect(followed.verdict(claims(), undefined)).toBe('good');
  });
});

async function signer() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { key: privateKey, jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'made', alg: 'ES256' }] } };
}

/** A request with a token for the task, bound to the key of the session. */
async function tokenRequest(holder: Session, key: CryptoKey, task: string) {
  const url = 'https://notes.example.test/notes';
  const seconds = Math.floor(Date.now() / 1000);
  const accessToken = await new SignJWT({
    iss: ISSUER,
    aud: `${ISSUER}/mcp/files`,
    sub: 'https://idp.example.test|alice',
    client_id: AGENT,
    act: { sub: AGENT, iss: 'spiffe://remit.local' },
    jti: crypto.randomUUID(),
    iat: seconds,
    exp: seconds + 300,
    cnf: { jkt: await thumbprintOf(holder) },
    task,
    txn: task,
    authorization_details: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'made' })
    .sign(key);
  const dpop = await holder.proof({ method: 'GET', url, accessToken });
  return { method: 'GET', url, headers: { authorization: `DPoP ${accessToken}`, dpop } };
}

async function thumbprintOf(holder: Session): Promise<string> {
  const proof = await holder.proof({ method: 'GET', url: 'https://x.example' });
  return calculateJwkThumbprint(decodeProtectedHeader(proof).jwk!);
}
