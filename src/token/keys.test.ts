import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  KEY_PERIODS,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';

let plane: ControlPlane;
beforeEach(async () => {
  plane = await openControlPlane();
});
afterEach(() => plane.close());

type Shown = { keys: { kid: string; state: string; since: string; until: string }[]; encrypted: boolean };
const jwks = async (headers: Record<string, string> = {}) => plane.app.request('/jwks', { headers });
const since = (records: number) => plane.records().slice(records);

test('keys are listed, on the record', async () => {
  const carol = await personSession(plane, 'carol');
  const shown = (await (await carol.call('GET', '/v1/keys')).json()) as Shown;
  const [key] = plane.tokenKey.status();
  expect(shown).toEqual({
    keys: [
      {
        kid: key!.kid,
        state: 'current',
        since: new Date(key!.since).toISOString(),
        until: new Date(key!.since + KEY_PERIODS.rotateEvery).toISOString(),
      },
    ],
    encrypted: false,
  });
  expect(plane.records().at(-1)).toMatchObject({
    kind: 'decision',
    action: { operation: 'keys.read', effect: 'read' },
    decision: { outcome: 'permit' },
  });
});

test('a rotation is decided and recorded together with what it changed', async () => {
  const carol = await personSession(plane, 'carol');
  const records = plane.records().length;
  const before = plane.tokenKey.status()[0]!;
  const response = await carol.call('POST', '/v1/keys/rotate', { now: true });
  const { keys } = (await response.json()) as Shown;
  expect(keys.map(({ state }) => state)).toEqual(['retiring', 'current']);
  expect(since(records)).toMatchObject([
    {
      kind: 'decision',
      action: { operation: 'keys.rotate', arguments: { now: true, leaked: false } },
      decision: { outcome: 'permit' },
    },
    { kind: 'event', event: 'key.changed', subject: { key: before.kid, state: 'retiring' } },
    { kind: 'event', event: 'key.changed', subject: { key: keys[1]!.kid, state: 'current' } },
  ]);
  // The token of this session was signed by the key that retires.
  expect((await carol.call('GET', '/v1/keys')).status).toBe(200);
});

test('without `now` a key is published and signs later; once more is a conflict, on the record', async () => {
  const carol = await personSession(plane, 'carol');
  expect((await carol.call('POST', '/v1/keys/rotate', {})).status).toBe(200);
  expect(plane.tokenKey.status().map(({ state }) => state)).toEqual(['current', 'next']);
  const records = plane.records().length;
  const again = await carol.call('POST', '/v1/keys/rotate', {});
  expect([again.status, await again.json()]).toMatchObject([
    409,
    { type: 'urn:remit:problem:conflict', detail: expect.stringContaining('is published already and signs from 20') },
  ]);
  expect(since(records)).toMatchObject([{ action: { operation: 'keys.rotate' }, decision: { outcome: 'permit' } }]);
});

test('of two rotations at once one is a conflict', async () => {
  const sessions = [await personSession(plane, 'carol'), await personSession(plane, 'carol')];
  const answers = await Promise.all(sessions.map((carol) => carol.call('POST', '/v1/keys/rotate', { now: true })));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  expect(plane.tokenKey.status().map(({ state }) => state)).toEqual(['retiring', 'current']);
});

test('after a leak every token is refused at once, those of the gateway and of who asked too', async () => {
  const [alice, carol] = [await personSession(plane, 'alice'), await personSession(plane, 'carol')];
  expect((await alice.call('GET', '/v1/targets')).status).toBe(200);
  const response = await carol.call('POST', '/v1/keys/rotate', { leaked: true });
  expect(((await response.json()) as Shown).keys.map(({ state }) => state)).toEqual(['current']);
  for (const session of [alice, carol]) {
    const refused = await session.call('GET', '/v1/targets');
    expect([refused.status, await refused.json()]).toMatchObject([401, { type: 'urn:remit:problem:invalid_token' }]);
  }
  expect((await (await personSession(plane, 'alice')).call('GET', '/v1/targets')).status).toBe(200);
});

test('after a leak a task token is refused, though it was taken a moment ago', async () => {
  const agent = await agentSession(plane);
  const { id } = await requestTask(await personSession(plane, 'alice'));
  const form = async () => ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: subject,
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    audience: 'files',
  });
  const subject = await subjectToken(agent, id);
  expect((await agent.token(await form())).status).toBe(200);
  expect((await agent.token(await form())).status).toBe(200);
  await (await personSession(plane, 'carol')).call('POST', '/v1/keys/rotate', { leaked: true });
  const refused = await agent.token(await form());
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_request' }]);
});

test('who may not rotate changes nothing', async () => {
  const before = plane.tokenKey.status();
  const alice = await personSession(plane, 'alice');
  expect((await alice.call('POST', '/v1/keys/rotate', { now: true })).status).toBe(403);
  expect(plane.tokenKey.status()).toEqual(before);
});

test('the key set may be remembered for less time than a key is published before it signs', async () => {
  const response = await jwks();
  expect(response.headers.get('cache-control')).toBe('public, max-age=30');
  expect(30_000).toBeLessThan(KEY_PERIODS.publishAhead);
  const etag = response.headers.get('etag')!;
  const same = await jwks({ 'if-none-match': etag });
  expect([same.status, await same.text(), same.headers.get('cache-control')]).toEqual([304, '', 'public, max-age=30']);
  await (await personSession(plane, 'carol')).call('POST', '/v1/keys/rotate', {});
  const changed = await jwks({ 'if-none-match': etag });
  expect(changed.status).toBe(200);
  expect(((await changed.json()) as { keys: unknown[] }).keys).toHaveLength(2);
});

test('everything else is not to be remembered', async () => {
  const paths = ['/healthz', '/v1/keys', '/.well-known/oauth-authorization-server'];
  for (const path of paths) {
    expect((await plane.app.request(path)).headers.get('cache-control')).toBe('no-store');
  }
});
