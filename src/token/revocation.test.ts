import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  openClient,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { InvalidToken, Unavailable } from '../core/errors.ts';

const SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const FILES = `${ISSUER}/mcp/files`;

let plane: ControlPlane;
let client: Client;
let cut: string[];
beforeEach(async () => {
  plane = await openControlPlane();
  client = await openClient(plane);
  cut = [];
  plane.parts.revocation.onRevoked = (id) => void cut.push(id);
});
afterEach(() => plane.close());

async function post(form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return plane.app.request('/revoke', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
}

/** A client by its SVID, without a proof. */
async function revokeAs(agent: string, token: string, more: Record<string, string> = {}): Promise<Response> {
  return post({ client_assertion_type: SPIFFE, client_assertion: await plane.svid(agent), token, ...more });
}

/** Whoever holds a token of the API, with a proof. */
async function revokeBy(session: Session, token: string): Promise<Response> {
  const { accessToken } = session;
  const proof = await session.proof({ method: 'POST', url: `${ISSUER}/revoke`, accessToken });
  return post({ token }, { authorization: `DPoP ${accessToken}`, dpop: proof });
}

async function taskTokens(): Promise<{ alice: Session; task: string; taskToken: string; token: string }> {
  const alice = await personSession(plane, 'alice');
  const { id: task } = await requestTask(alice);
  const taskToken = await subjectToken(await agentSession(plane), task);
  return { alice, task, taskToken, token: await exchange(taskToken) };
}

async function exchange(taskToken: string): Promise<string> {
  const response = await client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: taskToken,
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    resource: FILES,
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function use(accessToken: string): Promise<unknown> {
  const proof = await client.proof({ method: 'POST', url: FILES, accessToken });
  const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop: proof });
  return plane.parts.authenticator.authenticate({ method: 'POST', url: FILES, headers }, FILES);
}

const events = (name: string) =>
  plane.records().flatMap((record) => (record.kind === 'event' && record.event === name ? [record.subject] : []));

describe('an access token', () => {
  test('is refused from then on, though its signature is remembered; others of the task are not', async () => {
    const { task, taskToken, token } = await taskTokens();
    await use(token);
    const response = await revokeAs(SUMMARISER, token);
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('cache-control')).toBe('no-store');
    await expect(use(token)).rejects.toThrow(new InvalidToken('the access token was revoked'));
    await use(await exchange(taskToken));
    expect(plane.store.task(task)?.state).toBe('active');
    const { jti } = decodeJwt(token);
    expect(cut).toEqual([jti]);
    expect(events('token.revoked')).toEqual([
      { request: expect.stringMatching(/^req_/), jti, audience: FILES, task, by: SUMMARISER },
    ]);
    expect(JSON.stringify(plane.records())).not.toContain(token.split('.')[2]);
  });

  test('revoked again is revoked still, recorded once, and what hangs on it is cut again', async () => {
    const { token } = await taskTokens();
    for (let n = 0; n < 3; n++) expect((await revokeAs(SUMMARISER, token)).status).toBe(200);
    expect(events('token.revoked')).toHaveLength(1);
    expect(cut).toHaveLength(3);
  });

  test('is revoked by the person on whose behalf it is, and by no other', async () => {
    const { alice, token } = await taskTokens();
    const bob = await revokeBy(await personSession(plane, 'bob'), token);
    expect([bob.status, await bob.json()]).toMatchObject([400, { error: 'unauthorized_client' }]);
    await use(token);
    expect((await revokeBy(alice, token)).status).toBe(200);
    await expect(use(token)).rejects.toThrow('revoked');
  });

  test('of another agent is not revoked, and that is on the record once', async () => {
    const { task, token } = await taskTokens();
    const response = await revokeAs(OTHER_AGENT, token);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'unauthorized_client', error_description: 'the token was issued to another client' },
    ]);
    await use(token);
    await plane.parts.refusals.flush();
    expect(events('request.refused')).toEqual([
      expect.objectContaining({ operation: 'token.revoke', jti: decodeJwt(token).jti, task, by: OTHER_AGENT }),
    ]);
    expect(cut).toEqual([]);
  });

  test('of the API is given up by the agent or the person whose it is, by itself or otherwise', async () => {
    const agent = await agentSession(plane);
    const alice = await personSession(plane, 'alice');
    expect((await revokeBy(alice, agent.accessToken)).status).toBe(400);
    expect((await revokeBy(agent, alice.accessToken)).status).toBe(400);
    expect((await agent.call('GET', '/v1/tasks')).status).toBe(200);
    expect((await revokeBy(agent, agent.accessToken)).status).toBe(200);
    expect((await agent.call('GET', '/v1/tasks')).status).toBe(401);
    expect((await revokeBy(alice, alice.accessToken)).status).toBe(200);
    const again = await revokeBy(alice, alice.accessToken);
    expect([again.status, again.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^DPoP algs=/)]);
    expect(await again.json()).toEqual({ error: 'invalid_client', error_description: 'the access token was revoked' });
  });

  test('with no policy that permits anything about it is given up all the same', async () => {
    const { token } = await taskTokens();
    await plane.close();
    const bare = await openControlPlane({
      policies: { 'log.cedar': 'permit (principal, action == Action::"remit:log.read", resource);' },
    });
    const mine = await bare.tokenKey.sign('at+jwt', { ...decodeJwt(token), jti: 'tok_bare' });
    const body = new URLSearchParams({
      client_assertion_type: SPIFFE,
      client_assertion: await bare.svid(SUMMARISER),
      token: mine,
    });
    const response = await bare.app.request('/revoke', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
    });
    expect(response.status).toBe(200);
    expect(bare.store.isTokenRevoked('tok_bare')).toBe(true);
    plane = bare;
  });

  test('that could not be stored as revoked is told of, and is good', async () => {
    const { token } = await taskTokens();
    plane.parts.revocation.revoked = {
      ...plane.parts.revocation.revoked,
      revokeToken: () => Promise.reject(new Unavailable('the change could not be stored; nothing is permitted')),
    };
    expect((await revokeAs(SUMMARISER, token)).status).toBe(503);
    expect(cut).toEqual([]);
    await use(token);
  });
});

describe('a task token', () => {
  test('given back by its agent completes the task; its access tokens end with it', async () => {
    const { task, taskToken, token } = await taskTokens();
    expect((await revokeAs(SUMMARISER, taskToken, { token_type_hint: 'refresh_token' })).status).toBe(200);
    expect(plane.store.task(task)?.state).toBe('completed');
    const response = await client.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      subject_token: taskToken,
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      actor_token: await plane.svid(SUMMARISER),
      resource: FILES,
    });
    expect(await response.json()).toMatchObject({ error_description: 'the task has ended (completed)' });
    expect(plane.store.chain(decodeJwt<{ task: string }>(token).task)[0]?.task.state).toBe('completed');
    expect((await revokeAs(SUMMARISER, taskToken)).status).toBe(200);
  });

  test('taken back by its delegator ends the task and all below it', async () => {
    const { alice, task, taskToken } = await taskTokens();
    const parent = plane.store.task(task)!;
    await plane.store.createTask({ ...parent, id: 'task_child', parent: task }, []);
    expect((await revokeBy(alice, taskToken)).status).toBe(200);
    expect([plane.store.task(task)?.state, plane.store.task('task_child')?.state]).toEqual(['revoked', 'revoked']);
    expect(events('task.ended').map(({ task: id }) => id)).toEqual([task, 'task_child']);
  });

  test('of others ends nothing, whatever policy lets them do at the task itself', async () => {
    const { task, taskToken } = await taskTokens();
    expect((await revokeAs(OTHER_AGENT, taskToken)).status).toBe(400);
    expect((await revokeBy(await personSession(plane, 'carol'), taskToken)).status).toBe(400);
    expect(plane.store.task(task)?.state).toBe('active');
    expect(events('request.refused')).toHaveLength(2);
  });

  test('which policy does not let go is told of', async () => {
    const { alice, task, taskToken } = await taskTokens();
    const files = {
      'all.cedar': 'permit (principal, action, resource);',
      'no.cedar': 'forbid (principal, action == Action::"remit:task.complete", resource);',
    };
    const carol = await personSession(plane, 'carol');
    expect((await carol.call('POST', '/v1/policy/publish', { files, accept_lockout: true })).status).toBe(200);
    const response = await revokeAs(SUMMARISER, taskToken);
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'unauthorized_client' }]);
    expect((await revokeBy(alice, taskToken)).status).toBe(200);
    expect(plane.store.task(task)?.state).toBe('revoked');
  });
});

describe('RFC 7009, section 2.2: what is no token any more, or never was, is answered with 200 and not recorded', () => {
  const tokens: [name: string, token: () => Promise<string>][] = [
    ['nonsense', async () => 'nonsense'],
    ['a large one', async () => `${'a'.repeat(17_000)}.e30.e30`],
    ['an SVID', () => plane.svid(SUMMARISER)],
    ['an ID token', () => plane.idToken('alice')],
    ['of another key', async () => `${(await taskTokens()).token.slice(0, -8)}AAAAAAAA`],
    ['of another issuer', async () => resigned({ iss: 'https://evil.test' })],
    ['for several audiences', async () => resigned({ aud: [API, FILES] })],
    ['expired', async () => resigned({ exp: Math.floor(plane.clock.now() / 1000) - 60 })],
    ['a token of another type', async () => resigned({}, 'JWT')],
    ['of a task that is unknown here', async () => resigned({ task: 'task_x', aud: ISSUER }, 'remit-task+jwt')],
  ];
  const resigned = async (claims: Record<string, unknown>, typ = 'at+jwt') =>
    plane.tokenKey.sign(typ, { ...decodeJwt((await taskTokens()).token), ...claims });

  test.each(tokens)('%s', async (_name, token) => {
    const shown = await token();
    const before = plane.store.size();
    expect((await revokeAs(SUMMARISER, shown)).status).toBe(200);
    expect(plane.store.size()).toBe(before);
  });
});

describe('the request', () => {
  test('needs an authenticated client and a token', async () => {
    const { token } = await taskTokens();
    const error = async (response: Response) => [response.status, ((await response.json()) as { error: string }).error];
    expect(await error(await post({ token }))).toEqual([401, 'invalid_client']);
    expect(await error(await post({ token, client_id: SUMMARISER }))).toEqual([401, 'invalid_client']);
    expect(await error(await revokeAs(SUMMARISER, ''))).toEqual([400, 'invalid_request']);
    expect(await error(await revokeAs(SUMMARISER, token, { client_id: OTHER_AGENT }))).toEqual([401, 'invalid_client']);
    await use(token);
  });

  test('with an API token needs its proof, and no second authentication', async () => {
    const { alice, token } = await taskTokens();
    const { accessToken } = alice;
    const error = async (form: Record<string, string>, headers: Record<string, string>) => {
      const response = await post({ token, ...form }, headers);
      return [response.status, ((await response.json()) as { error: string }).error];
    };
    expect(await error({}, { authorization: `DPoP ${accessToken}` })).toEqual([400, 'invalid_dpop_proof']);
    const forToken = await alice.proof({ method: 'POST', url: `${ISSUER}/token`, accessToken });
    expect(await error({}, { authorization: `DPoP ${accessToken}`, dpop: forToken })).toEqual([
      400,
      'invalid_dpop_proof',
    ]);
    expect(await error({}, { authorization: `Bearer ${accessToken}` })).toEqual([401, 'invalid_client']);
    const dpop = await alice.proof({ method: 'POST', url: `${ISSUER}/revoke`, accessToken });
    const both = { client_assertion_type: SPIFFE, client_assertion: await plane.svid(SUMMARISER) };
    expect(await error(both, { authorization: `DPoP ${accessToken}`, dpop })).toEqual([400, 'invalid_request']);
    // A token of a target is none of the API, even to revoke itself.
    const own = await client.proof({ method: 'POST', url: `${ISSUER}/revoke`, accessToken: token });
    expect(await error({}, { authorization: `DPoP ${token}`, dpop: own })).toEqual([401, 'invalid_client']);
  });

  test('with an assertion may bring a proof, which must then be good', async () => {
    const { token } = await taskTokens();
    const form = async () => ({
      token,
      client_assertion_type: SPIFFE,
      client_assertion: await plane.svid(SUMMARISER),
    });
    const wrong = await client.proof({ method: 'POST', url: `${ISSUER}/token` });
    expect((await post(await form(), { dpop: wrong })).status).toBe(400);
    const good = await client.proof({ method: 'POST', url: `${ISSUER}/revoke` });
    expect((await post(await form(), { dpop: good })).status).toBe(200);
  });
});
