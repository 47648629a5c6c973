import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  OTHER_AGENT,
  PEOPLE,
  personSession,
  requestTask,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { endedFixture } from '../store/conformance/fixture.ts';

let plane: ControlPlane;
let alice: Session;
let carol: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  alice = await personSession(plane, 'alice');
  carol = await personSession(plane, 'carol');
});
afterEach(() => plane.close());

type Entry = { sequence: number; kind: string; subject: Record<string, string>; cause: string; record: string };

const page = async (query = '', who = carol) => {
  const response = await who.call('GET', `/v1/revocations${query}`);
  return { status: response.status, body: (await response.json()) as { revocations: Entry[]; detail: string } };
};
/** Sets of policies are entries, too; the first one stands before all else. */
const entries = async () => (await page()).body.revocations.filter(({ kind }) => kind !== 'policy.changed');

async function follow(who: Session, headers: Record<string, string> = {}, query = '') {
  const proof = await who.proof({ method: 'GET', url: `${ISSUER}/v1/revocations`, accessToken: who.accessToken });
  return plane.app.request(`/v1/revocations${query}`, {
    headers: { authorization: `DPoP ${who.accessToken}`, dpop: proof, accept: 'text/event-stream', ...headers },
  });
}

/** Events of the stream, one by one; a heartbeat is left out. */
async function* eventsOf(response: Response): AsyncGenerator<{ id?: string; event?: string; data?: string }> {
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const event = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
      if (event['event'] !== 'heartbeat' && event['retry'] === undefined) yield event;
    }
  }
}

const suspend = (id: string) => carol.call('POST', '/v1/agents/suspend', { id, reason: 'an incident' });

test('every end is in the feed, in the order of the log, with its record', async () => {
  const first = await requestTask(alice);
  const second = await requestTask(alice);
  await alice.call('POST', `/v1/tasks/${first.id}/revoke`, { reason: 'a mistake' });
  await carol.call('POST', '/v1/agents', { id: SUMMARISER, owner: { subject: 'alice' }, purpose: 'x' });
  await suspend(SUMMARISER);
  await carol.call('POST', '/v1/agents/resume', { id: SUMMARISER, reason: 'over' });
  await carol.call('POST', '/v1/agents/retire', { id: SUMMARISER, reason: 'done' });
  await carol.call('POST', '/v1/keys/rotate', { leaked: true });
  const relogged = await personSession(plane, 'carol');
  const { body } = await page('', relogged);
  const told = body.revocations.filter(({ kind }) => kind !== 'policy.changed');
  expect(told).toMatchObject([
    {
      kind: 'task.ended',
      subject: { task: first.id, state: 'revoked', agent: SUMMARISER, delegator: `${PEOPLE}|alice` },
      cause: 'a mistake',
    },
    { kind: 'agent.suspended', subject: { agent: SUMMARISER }, cause: 'an incident' },
    { kind: 'task.ended', subject: { task: second.id }, cause: 'its agent is suspended: an incident' },
    { kind: 'agent.resumed', subject: { agent: SUMMARISER }, cause: 'over' },
    { kind: 'agent.retired', subject: { agent: SUMMARISER }, cause: 'done' },
    { kind: 'key.removed' },
  ]);
  const ids = plane.records().map(({ id }) => id);
  const places = body.revocations.map(({ record }) => ids.indexOf(record));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
  expect(body.revocations.map(({ sequence }) => sequence)).toEqual(body.revocations.map((_, n) => n + 1));
});

test('a token that is given up is in the feed, by its id', async () => {
  const agent = await agentSession(plane);
  const form = {
    token: agent.accessToken,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
    client_assertion: await plane.svid(SUMMARISER),
  };
  const response = await plane.app.request('/revoke', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  expect(response.status).toBe(200);
  const [entry] = await entries();
  expect(entry).toMatchObject({ kind: 'token.revoked', subject: { audience: `${ISSUER}/v1` } });
  const snapshot = (await (await carol.call('GET', '/v1/revocations/snapshot')).json()) as { tokens: string[] };
  expect(snapshot.tokens).toEqual([entry!.subject['jti']]);
});

test('the snapshot says what is revoked as of a position, from which the feed goes on', async () => {
  const { id } = await requestTask(alice);
  await alice.call('POST', `/v1/tasks/${id}/complete`);
  await carol.call('POST', '/v1/agents', { id: OTHER_AGENT, owner: { subject: 'alice' }, purpose: 'x' });
  await suspend(OTHER_AGENT);
  const newest = (await entries()).at(-1)!.sequence;
  const answer = await carol.call('GET', '/v1/revocations/snapshot');
  expect(await answer.json()).toEqual({
    position: newest,
    tasks: [id],
    tokens: [],
    agents: [OTHER_AGENT],
    suspended: [],
  });
  expect((await page(`?after=${newest}`)).body.revocations).toEqual([]);
  plane.clock.advance(16 * 60_000);
  carol = await personSession(plane, 'carol');
  const later = await carol.call('GET', '/v1/revocations/snapshot');
  expect(await later.json()).toMatchObject({ tasks: [], agents: [OTHER_AGENT] });
});

test('what is not kept any more is gone, and says where to begin anew', async () => {
  plane.clock.advance(120_000);
  await plane.store.append([endedFixture('rec_new', '', plane.clock.now())]);
  await plane.parts.revocationFeed.prune();
  const { status, body } = await page('?after=0');
  expect([status, body.detail]).toEqual([410, expect.stringContaining('/v1/revocations/snapshot')]);
  expect((await follow(carol, { 'last-event-id': '0' })).status).toBe(410);
  expect((await page('?after=999')).status).toBe(410);
  expect((await page()).body.revocations).toMatchObject([{ record: 'rec_new' }]);
});

test.each(['?after=-1', '?after=x', '?after=1.5', '?limit=0', '?limit=1001', '?format=xml'])(
  'a request for %s is refused',
  async (query) => {
    expect((await page(query)).status).toBe(400);
  },
);

test.each(['-1', 'rec_1', '1e3', '99999999999999999999'])('a `Last-Event-ID` of %s is refused', async (id) => {
  expect((await follow(carol, { 'last-event-id': id })).status).toBe(400);
});

describe('as a stream', () => {
  test('whoever follows sees an end as soon as it is durable, and goes on where the last one was', async () => {
    const { id } = await requestTask(alice);
    const [start] = (await page()).body.revocations;
    const response = await follow(carol, { 'last-event-id': String(start?.sequence ?? 0) });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = eventsOf(response);
    const next = events.next();
    await alice.call('POST', `/v1/tasks/${id}/complete`);
    const event = (await next).value!;
    expect(event).toMatchObject({ event: 'revocation', id: expect.stringMatching(/^\d+$/) });
    expect(JSON.parse(event.data!)).toMatchObject({ kind: 'task.ended', subject: { task: id } });
    await events.return(undefined);

    const second = await requestTask(alice);
    await alice.call('POST', `/v1/tasks/${second.id}/complete`);
    const resumed = eventsOf(await follow(carol, { 'last-event-id': event.id! }));
    expect(JSON.parse((await resumed.next()).value!.data!)).toMatchObject({ subject: { task: second.id } });
    await resumed.return(undefined);
  });

  test('two hundred ends at once come in order, each once, however many follow', async () => {
    const start = (await page()).body.revocations.length;
    const readers = await Promise.all([1, 2, 3].map(() => follow(carol, { 'last-event-id': String(start) })));
    const all = readers.map(async (response) => {
      const seen: unknown[] = [];
      for await (const { data } of eventsOf(response)) {
        seen.push((JSON.parse(data!) as Entry).sequence);
        if (seen.length === 200) break;
      }
      return seen;
    });
    await Promise.all(Array.from({ length: 200 }, (_, n) => plane.store.append([endedFixture(`rec_${n}`)])));
    const expected = Array.from({ length: 200 }, (_, n) => start + n + 1);
    expect(await Promise.all(all)).toEqual([expected, expected, expected]);
  });

  test('so many at once and no more', async () => {
    const open = await Promise.all([1, 2, 3].map(() => follow(carol)));
    expect((await follow(carol)).status).toBe(503);
    await open[0]!.body!.cancel();
    const again = await follow(carol);
    expect(again.status).toBe(200);
    for (const response of [...open.slice(1), again]) await response.body!.cancel();
  });

  test('a published policy asks the reader again', async () => {
    const files = { 'all.cedar': 'permit (principal in Group::"security", action, resource);' };
    const response = await follow(carol, { 'last-event-id': String((await page()).body.revocations.length) });
    const kinds: string[] = [];
    const read = (async () => {
      for await (const { data } of eventsOf(response)) kinds.push((JSON.parse(data!) as Entry).kind);
    })();
    expect((await carol.call('POST', '/v1/policy/publish', { files })).status).toBe(200);
    await read;
    expect(kinds).toEqual(['policy.changed']);
  });

  test('a shutdown ends it', async () => {
    const response = await follow(carol);
    plane.parts.revocationFeed.close();
    for await (const _ of eventsOf(response));
    expect((await follow(carol)).status).toBe(503);
  });

  test('who may not, may not, and a body for who may is of no use to them', async () => {
    expect((await follow(alice)).status).toBe(403);
    expect(plane.records().at(-1)).toMatchObject({ action: { operation: 'revocation.read' } });
  });
});

describe('as Security Event Tokens', () => {
  test('signed by a published key, for who asks; what has no event type is left out', async () => {
    const { id } = await requestTask(alice);
    await carol.call('POST', '/v1/agents', { id: OTHER_AGENT, owner: { subject: 'alice' }, purpose: 'x' });
    await suspend(OTHER_AGENT);
    await carol.call('POST', '/v1/agents/resume', { id: OTHER_AGENT, reason: 'over' });
    await alice.call('POST', `/v1/tasks/${id}/complete`);
    const { body } = await page('?format=set');
    const sets = body.revocations as unknown as { sequence: number; set: string | null }[];
    expect(sets.slice(-3).map(({ set }) => set === null)).toEqual([false, true, false]);
    const jwks = (await (await plane.app.request('/jwks')).json()) as Parameters<typeof createLocalJWKSet>[0];
    const { payload, protectedHeader } = await jwtVerify(sets.at(-1)!.set!, createLocalJWKSet(jwks), {
      typ: 'secevent+jwt',
      issuer: ISSUER,
      audience: `${PEOPLE}|carol`,
    });
    expect(protectedHeader).toMatchObject({ typ: 'secevent+jwt', alg: 'ES256' });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: `${PEOPLE}|carol`,
      iat: expect.any(Number),
      jti: expect.stringMatching(/^rec_/),
      sub_id: {
        format: 'complex',
        session: { format: 'opaque', id },
        application: { format: 'uri', uri: SUMMARISER },
        user: { format: 'iss_sub', iss: PEOPLE, sub: 'alice' },
      },
      events: {
        'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {
          event_timestamp: expect.any(Number),
          initiating_entity: 'admin',
          reason_admin: { en: 'completed' },
        },
      },
    });
  });

  test('as a stream, an entry that has none moves the position all the same', async () => {
    const start = (await page()).body.revocations.length;
    const events = eventsOf(await follow(carol, { 'last-event-id': String(start) }, '?format=set'));
    await carol.call('POST', '/v1/agents', { id: OTHER_AGENT, owner: { subject: 'alice' }, purpose: 'x' });
    await suspend(OTHER_AGENT);
    await carol.call('POST', '/v1/agents/resume', { id: OTHER_AGENT, reason: 'over' });
    const first = (await events.next()).value!;
    expect(first).toMatchObject({ id: String(start + 1), event: 'set' });
    expect((await events.next()).value).toEqual({ id: String(start + 2) });
    await events.return(undefined);
  });
});

test('the kill switch and what is suspended stand in the feed and in the snapshot, until resumed', async () => {
  await requestTask(alice);
  const stopped = await carol.call('POST', '/v1/suspensions', { kind: 'everything', reason: 'an incident' });
  expect(stopped.status).toBe(200);
  const told = (await entries()).map(({ kind }) => kind);
  expect(told).toEqual(['access.suspended', 'task.ended']);
  const snapshot = async () => (await (await carol.call('GET', '/v1/revocations/snapshot')).json()) as object;
  expect(await snapshot()).toMatchObject({ suspended: [{ kind: 'everything', id: 'everything' }] });
  await carol.call('POST', '/v1/suspensions/resume', { kind: 'everything', reason: 'over' });
  expect((await entries()).at(-1)).toMatchObject({ kind: 'access.resumed', subject: { kind: 'everything' } });
  expect(await snapshot()).toMatchObject({ suspended: [] });
});
