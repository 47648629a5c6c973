import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  RESOURCE_SERVER,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';

const SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const FILES = `${ISSUER}/mcp/files`;
const MEMORY_SERVER = 'spiffe://remit.local/server/memory';
const INACTIVE = { active: false };

let plane: ControlPlane;
let client: Client;
let task: string;
let token: string;
beforeEach(async () => {
  plane = await openControlPlane();
  client = await openClient(plane);
  task = (await requestTask(await personSession(plane, 'alice'))).id;
  token = await exchange();
});
afterEach(() => plane.close());

async function exchange(overrides: Record<string, string> = {}): Promise<string> {
  const response = await client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: await subjectToken(await agentSession(plane), task),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    resource: FILES,
    ...overrides,
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function post(form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return plane.app.request('/introspect', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
}

async function ask(shown: string, by: string = RESOURCE_SERVER): Promise<unknown> {
  const response = await post({ client_assertion_type: SPIFFE, client_assertion: await plane.svid(by), token: shown });
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.status).toBe(200);
  return response.json();
}

const resigned = (claims: Record<string, unknown>, typ = 'at+jwt') =>
  plane.tokenKey.sign(typ, { ...decodeJwt(token), ...claims });

describe('a good token', () => {
  test('is active, with what the resource server needs to know', async () => {
    const claims = decodeJwt(token);
    expect(await ask(token)).toEqual({
      active: true,
      token_type: 'DPoP',
      iss: ISSUER,
      sub: 'https://idp.example.test|alice',
      aud: FILES,
      client_id: SUMMARISER,
      exp: claims.exp,
      iat: claims.iat,
      jti: claims.jti,
      cnf: claims['cnf'],
      act: { sub: SUMMARISER, iss: 'spiffe://remit.local' },
      authorization_details: [
        { type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] },
      ],
      acr: 'urn:example:mfa',
      auth_time: expect.any(Number),
      txn: task,
      task,
      attestation: 'jwt-svid',
    });
  });

  test('is asked about on the record, without the token', async () => {
    const before = plane.store.size();
    await ask(token);
    const records = plane.records().slice(before);
    expect(records).toMatchObject([
      {
        kind: 'decision',
        agent: { id: RESOURCE_SERVER },
        delegator: null,
        chain: [{ task, agent: SUMMARISER }],
        action: {
          operation: 'token.introspect',
          effect: 'read',
          resources: [`token:${FILES}`],
          arguments: { jti: decodeJwt(token).jti, audience: FILES },
        },
        decision: { outcome: 'permit' },
      },
    ]);
    expect(JSON.stringify(records)).not.toContain(token.split('.')[2]);
  });
});

describe('active no longer', () => {
  const endings: [name: string, end: () => Promise<unknown>][] = [
    ['its task has ended', async () => (await agentSession(plane)).call('POST', `/v1/tasks/${task}/complete`)],
    [
      'the token was revoked',
      async () =>
        plane.store.revokeToken({ id: decodeJwt(token).jti!, at: 0, keepUntil: plane.clock.now() + 600_000 }, []),
    ],
    // Within the tolerance for clocks of others, which is none for one's own.
    ['the token has expired by a second', async () => plane.clock.advance(301_000)],
    ['the token has expired', async () => plane.clock.advance(340_000)],
  ];
  test.each(endings)('%s', async (_name, end) => {
    await end();
    expect(await ask(token)).toEqual(INACTIVE);
  });

  test('a task above has ended', async () => {
    const parent = plane.store.task(task)!;
    await plane.store.createTask({ ...parent, id: 'task_child', parent: task }, []);
    const child = await resigned({ task: 'task_child' });
    expect(await ask(child)).toMatchObject({ active: true });
    const alice = await personSession(plane, 'alice');
    await alice.call('POST', `/v1/tasks/${task}/revoke`, { reason: 'a mistake' });
    expect(await ask(child)).toEqual(INACTIVE);
  });

  test('the task ends while the answer is recorded', async () => {
    const { introspection } = plane.parts;
    const { log } = introspection;
    introspection.log = {
      ...log,
      append: async (records) => {
        await log.append(records);
        await plane.store.endTask({ id: task, to: 'revoked', at: plane.clock.now(), reason: 'stop' }, () => []);
      },
    };
    expect(await ask(token)).toEqual(INACTIVE);
  });
});

describe('what is not for the asker is inactive, and nothing else is said', () => {
  test('of another target, on the record', async () => {
    expect(await ask(token, MEMORY_SERVER)).toEqual(INACTIVE);
    expect(plane.records().at(-1)).toMatchObject({
      event: 'request.refused',
      subject: {
        operation: 'token.introspect',
        jti: decodeJwt(token).jti,
        audience: FILES,
        by: MEMORY_SERVER,
        reason: 'the token is for another resource',
      },
    });
  });

  test('of the API', async () => {
    expect(await ask((await agentSession(plane)).accessToken)).toEqual(INACTIVE);
    expect(await ask((await personSession(plane, 'alice')).accessToken)).toEqual(INACTIVE);
  });

  const others: [name: string, token: () => Promise<string>][] = [
    ['nonsense', async () => 'nonsense'],
    ['a large one', async () => 'a'.repeat(20_000)],
    ['a task token', () => resigned({ aud: ISSUER }, 'remit-task+jwt')],
    ['a token of another type', () => resigned({}, 'JWT')],
    ['of another issuer', () => resigned({ iss: 'https://evil.test' })],
    ['for several audiences', () => resigned({ aud: [FILES, API] })],
    ['without a key that it is bound to', () => resigned({ cnf: undefined })],
    ['with a changed signature', async () => `${token.slice(0, -10)}AAAAAAAAAA`],
    ['an SVID', () => plane.svid(SUMMARISER)],
  ];
  test.each(others)('%s, and is not recorded', async (_name, shown) => {
    const text = await shown();
    const before = plane.store.size();
    expect(await ask(text)).toEqual(INACTIVE);
    expect(plane.store.size()).toBe(before);
  });

  const forged: [name: string, claims: Record<string, unknown>][] = [
    ['of no task', { task: undefined }],
    ['of a task that is unknown here', { task: 'task_x' }],
    ['of another agent', { client_id: 'spiffe://remit.local/agent/other' }],
    ['of another delegator', { sub: 'https://idp.example.test|bob' }],
  ];
  test.each(forged)('%s', async (_name, claims) => {
    expect(await ask(await resigned(claims))).toEqual(INACTIVE);
  });

  test('what policy does not permit, on the record', async () => {
    const files = {
      'all.cedar': 'permit (principal, action, resource);',
      'no.cedar': 'forbid (principal, action == Action::"remit:token.introspect", resource);',
    };
    const carol = await personSession(plane, 'carol');
    expect((await carol.call('POST', '/v1/policy/publish', { files, accept_lockout: true })).status).toBe(200);
    expect(await ask(token)).toEqual(INACTIVE);
    expect(plane.records().at(-1)).toMatchObject({ kind: 'decision', decision: { outcome: 'deny' } });
  });
});

describe('who may ask', () => {
  const error = async (response: Response) => [response.status, ((await response.json()) as { error: string }).error];
  const as = async (agent: string) => ({ client_assertion_type: SPIFFE, client_assertion: await plane.svid(agent) });

  test('no other workload, no person, and nobody unknown', async () => {
    const { call: _, ...alice } = await personSession(plane, 'alice');
    const { accessToken } = alice;
    const dpop = await alice.proof({ method: 'POST', url: `${ISSUER}/introspect`, accessToken });
    expect(await error(await post({ token }))).toEqual([401, 'invalid_client']);
    expect(await error(await post({ token, ...(await as(SUMMARISER)) }))).toEqual([401, 'invalid_client']);
    expect(await error(await post({ token }, { authorization: `DPoP ${accessToken}`, dpop }))).toEqual([
      401,
      'invalid_client',
    ]);
  });

  test('a resource server by its token of the API too', async () => {
    const server = await agentSession(plane, RESOURCE_SERVER);
    const { accessToken } = server;
    const dpop = await server.proof({ method: 'POST', url: `${ISSUER}/introspect`, accessToken });
    const response = await post({ token }, { authorization: `DPoP ${accessToken}`, dpop });
    expect(await response.json()).toMatchObject({ active: true, task });
  });

  test('with a token', async () => {
    expect(await error(await post(await as(RESOURCE_SERVER)))).toEqual([400, 'invalid_request']);
  });
});
