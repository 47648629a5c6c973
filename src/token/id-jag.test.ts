import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  CLIENT,
  ISSUER,
  openClient,
  openControlPlane,
  PEOPLE,
  personSession,
  quickstartPolicies,
  SUMMARISER,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';

/** Identity assertions (ID-JAG) as authorization grants, by an independent client and by hand. */

const FILES = `${ISSUER}/mcp/files`;
const MEMORY = `${ISSUER}/mcp/memory`;
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

let plane: ControlPlane;
beforeEach(async () => {
  plane = await openControlPlane({ identityAssertions: true });
});
afterEach(() => plane.close());

/** Shows the assertion as the summariser; the answer as it is. */
async function show(assertion: string, form: Record<string, string> = {}, on = plane): Promise<Response> {
  const client = await openClient(on);
  return client.token({
    grant_type: JWT_BEARER,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
    client_assertion: await on.svid(SUMMARISER),
    assertion,
    ...form,
  });
}

async function shown(assertion: string, form: Record<string, string> = {}) {
  const answer = await show(assertion, form);
  const body = (await answer.json()) as Record<string, unknown>;
  expect(answer.status, JSON.stringify(body)).toBe(200);
  const claims = decodeJwt(String(body['access_token']));
  return { body, claims, task: plane.store.task(String(claims['task']))! };
}

async function refusal(answer: Response): Promise<{ error: string; error_description: string }> {
  expect(answer.status).toBe(400);
  return (await answer.json()) as never;
}

const allTasks = () => plane.store.tasks({ limit: 100 });

test('a client of the draft gets its token unchanged, by discovery and the assertion alone', async () => {
  const client: oauth.Client = { client_id: SUMMARISER };
  const fetch = async (url: string, init: object) => plane.app.request(url.replace(ISSUER, ''), init);
  const options = { [oauth.customFetch]: fetch, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) };
  const server = await oauth.processDiscoveryResponse(
    new URL(ISSUER),
    await oauth.discoveryRequest(new URL(ISSUER), { ...options, algorithm: 'oauth2' }),
  );
  expect(server.grant_types_supported).toContain(JWT_BEARER);
  expect(server['authorization_grant_profiles_supported']).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag']);
  const svid = await plane.svid(SUMMARISER);
  const authentication: oauth.ClientAuth = (_server, _client, body) => {
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe');
    body.set('client_assertion', svid);
  };
  const parameters = { assertion: await plane.idJag('alice') };
  const response = await oauth.genericTokenEndpointRequest(
    server,
    client,
    authentication,
    JWT_BEARER,
    parameters,
    options,
  );
  const answer = await oauth.processGenericTokenEndpointResponse(server, client, response);
  expect(answer).toMatchObject({ token_type: 'dpop', scope: 'read' });
});

test('the token is of a task: the agent acts for the person, and nobody is signed in', async () => {
  const { body, claims, task } = await shown(await plane.idJag('alice', { jti: 'jti-1', auth_time: 1_700_000_000 }));
  expect(body).toMatchObject({ token_type: 'DPoP', authorization_details: [{ target: 'files', effects: ['read'] }] });
  expect(claims).toMatchObject({
    aud: FILES,
    sub: `${PEOPLE}|alice`,
    client_id: SUMMARISER,
    act: { sub: SUMMARISER, iss: 'spiffe://remit.local' },
    txn: task.id,
    scope: 'read',
    acr: 'urn:example:mfa',
    auth_time: 1_700_000_000,
  });
  expect(claims).not.toHaveProperty('person');
  expect(task).toMatchObject({
    delegator: { issuer: PEOPLE, subject: 'alice', groups: ['staff'] },
    agent: { id: SUMMARISER },
    origin: { channel: 'agent', trust: 'outside' },
    grant: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
    maxHops: 0,
    state: 'active',
  });
});

test('its making is decided for agent and person both, and recorded with the name of the assertion', async () => {
  const { task } = await shown(await plane.idJag('alice', { jti: 'jti-1' }));
  const decisions = plane.records().flatMap((record) => (record.kind === 'decision' ? [record] : []));
  expect(decisions.map(({ action }) => action.operation)).toEqual(['task.create', 'token.issue']);
  expect(decisions[0]).toMatchObject({
    decision: { outcome: 'permit' },
    agent: { id: SUMMARISER },
    delegator: { issuer: PEOPLE, subject: 'alice' },
    action: {
      resources: [`task:${task.id}`],
      arguments: { agent: SUMMARISER, assertion: { issuer: PEOPLE, id: 'jti-1' } },
    },
  });
});

test('the agent finds the task at the API, and may exchange its task token', async () => {
  const { task } = await shown(await plane.idJag('alice'));
  const agent = await agentSession(plane);
  const found = (await (await agent.call('GET', `/v1/tasks/${task.id}`)).json()) as Record<string, unknown>;
  expect(found).toMatchObject({ state: 'active', subject_token: expect.any(String) });
  const person = await personSession(plane, 'alice');
  expect((await person.call('POST', `/v1/tasks/${task.id}/revoke`, { reason: 'not by me' })).status).toBe(200);
});

describe('policy', () => {
  test('without a permit for the agent there is no task', async () => {
    await plane.close();
    plane = await openControlPlane({ identityAssertions: true, policies: quickstartPolicies() });
    const { error } = await refusal(await show(await plane.idJag('alice')));
    expect(error).toBe('invalid_grant');
    expect(allTasks()).toEqual([]);
    expect(plane.records().at(-1)).toMatchObject({
      kind: 'decision',
      action: { operation: 'task.create' },
      decision: { outcome: 'deny' },
    });
  });

  test('a person who may hand out no task has none taken up', async () => {
    expect(await refusal(await show(await plane.idJag('dan')))).toEqual({
      error: 'invalid_grant',
      error_description: 'only staff may hand out tasks',
    });
    expect(allTasks()).toEqual([]);
  });
});

describe('a task that somebody has to approve', () => {
  test('is not made until they have, and then by the same assertion', async () => {
    const hold = `@approval("note-owners") forbid (principal is Agent, action == Action::"remit:task.create", resource);`;
    await plane.close();
    const permit = 'permit (principal, action == Action::"remit:task.create", resource);';
    const policies = { ...quickstartPolicies(), 'assertions.cedar': permit, 'hold.cedar': hold };
    plane = await openControlPlane({ identityAssertions: true, policies });
    const assertion = await plane.idJag('alice');
    expect(await refusal(await show(assertion))).toMatchObject({ error: 'access_denied' });
    expect(allTasks()).toEqual([]);
    const [waiting] = plane.store.approvals({ state: 'pending', limit: 10 });
    const bob = await personSession(plane, 'bob');
    expect((await bob.call('POST', `/v1/approvals/${waiting!.id}/approve`)).status).toBe(200);
    // Of another assertion the approval says nothing.
    expect(await refusal(await show(await plane.idJag('alice')))).toMatchObject({ error: 'access_denied' });
    const { task } = await shown(assertion);
    expect(allTasks().map(({ id }) => id)).toEqual([task.id]);
  });
});

test('where no provider is trusted with it, the grant is not there', async () => {
  await plane.close();
  plane = await openControlPlane();
  expect(await refusal(await show(await plane.idJag('alice')))).toMatchObject({ error: 'unsupported_grant_type' });
  const metadata = (await (await plane.app.request('/.well-known/oauth-authorization-server')).json()) as object;
  expect(metadata).not.toHaveProperty('authorization_grant_profiles_supported');
  expect(metadata).toHaveProperty('grant_types_supported', expect.not.arrayContaining([JWT_BEARER]));
});

describe('an assertion that is shown again', () => {
  test('gives another token of the same task', async () => {
    const assertion = await plane.idJag('alice');
    const first = await shown(assertion);
    plane.clock.advance(60_000);
    const again = await shown(assertion);
    expect(again.claims.jti).not.toBe(first.claims.jti);
    expect(again.task.id).toBe(first.task.id);
    expect(allTasks()).toHaveLength(1);
  });

  test('makes one task when it comes many times at once', async () => {
    const assertion = await plane.idJag('alice');
    const all = await Promise.all(Array.from({ length: 10 }, () => shown(assertion)));
    expect(new Set(all.map(({ task }) => task.id)).size).toBe(1);
    expect(allTasks()).toHaveLength(1);
  });

  test('is good for nothing once its task has ended', async () => {
    const assertion = await plane.idJag('alice');
    const { task } = await shown(assertion);
    const agent = await agentSession(plane);
    await agent.call('POST', `/v1/tasks/${task.id}/complete`);
    expect(await refusal(await show(assertion))).toEqual({
      error: 'invalid_grant',
      error_description: 'the task of this identity assertion has ended (completed); ask the provider for a new one',
    });
    expect(allTasks()).toHaveLength(1);
  });

  test('is good for nothing once it has expired, though its task goes on', async () => {
    const assertion = await plane.idJag('alice');
    await shown(assertion);
    plane.clock.advance(331_000);
    expect(await refusal(await show(assertion))).toMatchObject({ error: 'invalid_grant' });
  });

  test('is refused when it says something else by the same name', async () => {
    await shown(await plane.idJag('alice', { jti: 'jti-1' }));
    const other = await plane.idJag('alice', { jti: 'jti-1', scope: 'read write' });
    expect(await refusal(await show(other))).toMatchObject({ error: 'invalid_grant' });
    expect(allTasks()).toHaveLength(1);
  });
});

describe('what is granted', () => {
  test('is the scope of the assertion, and a client may ask for less of it', async () => {
    const assertion = await plane.idJag('alice', { scope: 'write read' });
    const { body, task } = await shown(assertion, { scope: 'read' });
    expect(body).toMatchObject({ scope: 'read', authorization_details: [{ target: 'files', effects: ['read'] }] });
    expect(task.grant).toEqual([{ type: 'remit_grant', target: 'files', effects: ['read', 'write'] }]);
  });

  test('is what its details say, within its scope', async () => {
    const details = [
      { type: 'remit_grant', target: 'files', effects: ['read', 'write'], resources: ['file:notes/**'] },
      { type: 'remit_grant', target: 'memory', operations: ['read_graph'] },
    ];
    const assertion = await plane.idJag('alice', { resource: [FILES, MEMORY], authorization_details: details });
    const { task, body } = await shown(assertion, { resource: MEMORY });
    expect(task.grant).toEqual([
      { type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] },
      { type: 'remit_grant', target: 'memory', operations: ['read_graph'] },
    ]);
    expect(body['authorization_details']).toEqual([task.grant[1]]);
    // The other target is another token of the same task.
    expect((await shown(assertion, { audience: 'files' })).task.id).toBe(task.id);
  });

  test('is named by details alone where there is no scope, and the answer has none', async () => {
    const details = [{ type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] }];
    const assertion = await plane.idJag('alice', { scope: undefined, authorization_details: details });
    expect((await shown(assertion)).body).not.toHaveProperty('scope');
  });

  test('has no scope beside narrower details that the client asks for', async () => {
    const asked = [{ type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] }];
    const { body, claims } = await shown(await plane.idJag('alice'), { authorization_details: JSON.stringify(asked) });
    expect(body['authorization_details']).toEqual(asked);
    expect(body).not.toHaveProperty('scope');
    expect(claims).not.toHaveProperty('scope');
  });
});

test('a request that is refused leaves no task', async () => {
  expect(await refusal(await show(await plane.idJag('alice'), { scope: 'write' }))).toMatchObject({
    error: 'invalid_scope',
  });
  expect(allTasks()).toEqual([]);
});

test('an assertion that is bound to the key of the client is taken by that key', async () => {
  const client = await openClient(plane);
  const proof = await client.proof({ method: 'POST', url: `${ISSUER}/token` });
  const jkt = await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk!);
  const form = {
    grant_type: JWT_BEARER,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
    client_assertion: await plane.svid(SUMMARISER),
    assertion: await plane.idJag('alice', { cnf: { jkt } }),
  };
  expect((await client.token(form)).status).toBe(200);
});

test('a client that signs with a key of its own may show one, when policy permits it', async () => {
  const client = await openClient(plane);
  const answer = await client.token({
    grant_type: JWT_BEARER,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await plane.clientAssertion(),
    assertion: await plane.idJag('alice', { client_id: CLIENT }),
  });
  // The permit of these tests is for the summariser alone.
  expect(await refusal(answer)).toMatchObject({ error: 'invalid_grant' });
});
