import {
  calculateJwkThumbprint,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  decodeJwt,
  decodeProtectedHeader,
  type CryptoKey,
} from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  openClient,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  quickstartPolicies,
  requestTask,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import type { DecisionRecord } from '../core/record.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TASK = 'urn:remit:params:oauth:token-type:task';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const FILES = `${ISSUER}/mcp/files`;

let plane: ControlPlane;
let client: Client;
beforeEach(async () => {
  plane = await openControlPlane();
  client = await openClient(plane);
});
afterEach(() => plane.close());

type Form = Record<string, string>;
type Answer = {
  access_token: string;
  error?: string;
  error_description?: string;
  expires_in: number;
  authorization_details?: object[];
};

async function agentForm(overrides: Form = {}): Promise<Form> {
  return {
    grant_type: 'client_credentials',
    client_assertion_type: SPIFFE,
    client_assertion: await plane.svid(SUMMARISER),
    resource: API,
    ...overrides,
  };
}

async function personForm(overrides: Form = {}): Promise<Form> {
  return {
    grant_type: EXCHANGE,
    subject_token_type: ID_TOKEN,
    subject_token: await plane.idToken('alice'),
    resource: API,
    ...overrides,
  };
}

async function taskForm(overrides: Form = {}, task: Record<string, unknown> = {}): Promise<Form & { task: string }> {
  const { id } = await requestTask(await personSession(plane, 'alice'), task);
  return {
    grant_type: EXCHANGE,
    subject_token_type: TASK,
    subject_token: await subjectToken(await agentSession(plane), id),
    actor_token_type: JWT,
    actor_token: await plane.svid(SUMMARISER),
    resource: FILES,
    // A parameter that the endpoint does not know is ignored (RFC 6749, section 3.2).
    task: id,
    ...overrides,
  };
}

async function ask(form: Form | URLSearchParams, options: { proof?: string | null } = {}) {
  const response = await client.token(form, options);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}

describe('what is issued', () => {
  test('an agent gets a token of its own for the API', async () => {
    const { status, headers, body } = await ask(await agentForm());
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'DPoP',
      expires_in: expect.any(Number),
    });
    expect(decodeJwt(body.access_token)).toMatchObject({
      iss: ISSUER,
      aud: API,
      sub: SUMMARISER,
      client_id: SUMMARISER,
    });
  });

  test.each([
    ['its name alone', { audience: 'files', resource: '' }],
    ['its name beside the resource', { audience: 'files' }],
    ['the resource as both', { audience: FILES }],
  ])('a target is named by %s', async (_name, form) => {
    const { body } = await ask(await taskForm(form));
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: FILES });
  });

  test('the API is the audience `remit`', async () => {
    const { body } = await ask(await agentForm({ audience: 'remit', resource: '' }));
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: API });
  });

  test('the key may be named beforehand', async () => {
    const jkt = await calculateJwkThumbprint(decodeProtectedHeader(await tokenProof()).jwk!);
    const { body } = await ask(await taskForm({ dpop_jkt: jkt }));
    expect(decodeJwt(body.access_token)).toMatchObject({ cnf: { jkt } });
  });

  test('a scope leaves of the grants what has its effects, and stands in answer and token (RFC 6749, 9068)', async () => {
    const grant = [
      { target: 'files', operations: ['read_text_file', 'write_file'], resources: ['file:notes/**'] },
      { target: 'files', effects: ['write'], resources: ['file:summary.md'] },
      { target: 'memory', effects: ['read'] },
    ];
    const { body } = await ask(await taskForm({ scope: 'write' }, { grant }));
    const left = [
      { type: 'remit_grant', target: 'files', operations: ['write_file'], resources: ['file:notes/**'] },
      { type: 'remit_grant', target: 'files', effects: ['write'], resources: ['file:summary.md'] },
    ];
    expect(body).toMatchObject({ scope: 'write', authorization_details: left });
    expect(decodeJwt(body.access_token)).toMatchObject({ scope: 'write', authorization_details: left });
    const both = await ask(await taskForm({ scope: 'write read' }, { grant }));
    expect(both.body).toMatchObject({ scope: 'read write' });
  });

  test('a person gets a token of their own for the API', async () => {
    const { body } = await ask(await personForm());
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: API, sub: 'https://idp.example.test|alice' });
    expect(decodeJwt(body.access_token)).not.toHaveProperty('act');
  });

  test('a task token and its agent give an at+jwt with act, details and task (RFC 9068, 8693, 9396)', async () => {
    const form = await taskForm();
    const { status, body } = await ask(form);
    expect(status).toBe(200);
    const details = [{ type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] }];
    expect(body.authorization_details).toEqual(details);
    expect(body.expires_in).toBeLessThanOrEqual(300);
    expect(decodeProtectedHeader(body.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    const claims = decodeJwt(body.access_token);
    expect(claims).toEqual({
      iss: ISSUER,
      aud: FILES,
      sub: 'https://idp.example.test|alice',
      client_id: SUMMARISER,
      act: { sub: SUMMARISER, iss: 'spiffe://remit.local' },
      attestation: 'jwt-svid',
      task: form.task,
      txn: form.task,
      authorization_details: details,
      acr: 'urn:example:mfa',
      auth_time: expect.any(Number),
      cnf: { jkt: expect.any(String) },
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect(claims.exp! - claims.iat!).toBe(body.expires_in);
  });

  test('the issue is recorded before it is answered, without the token', async () => {
    const { body } = await ask(await taskForm());
    const record = plane.records().at(-1) as DecisionRecord;
    expect(record).toMatchObject({
      kind: 'decision',
      action: { target: 'remit', operation: 'token.issue', effect: 'mint', resources: [`token:${FILES}`] },
      decision: { outcome: 'permit' },
      agent: { id: SUMMARISER },
      delegator: { subject: 'alice' },
    });
    expect(JSON.stringify(plane.records())).not.toContain(body.access_token.split('.')[1]);
  });

  test('a chain of actors that is too long is refused and not cut', async () => {
    const { task, ...form } = await taskForm();
    const deepen = async (from: string, levels: number) => {
      let parent = from;
      for (let n = 0; n < levels; n++) {
        const id = `${from}_${n}`;
        await plane.store.createTask({ ...plane.store.task(task)!, id, parent }, []);
        parent = id;
      }
      return parent;
    };
    const at = async (id: string) => {
      const subject = await plane.tokenKey.sign('remit-task+jwt', { ...decodeJwt(form['subject_token']!), task: id });
      return ask({ ...form, subject_token: subject, actor_token: await plane.svid(SUMMARISER) });
    };
    const deepest = await deepen(task, 16);
    expect((await at(deepest)).status).toBe(200);
    expect(await at(await deepen(deepest, 1))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: 'the task was handed on more than 16 times' },
    });
  });

  test('a token does not outlive the SVID, the ID token or the task', async () => {
    const soon = Math.floor(plane.clock.now() / 1000) + 60;
    const bySvid = await ask(await taskForm({ actor_token: await plane.svid(SUMMARISER, { exp: soon }) }));
    const byIdToken = await ask(await personForm({ subject_token: await plane.idToken('alice', { exp: soon }) }));
    const byTask = await ask(await taskForm({}, { lifetime_seconds: 45 }));
    expect(bySvid.body.expires_in).toBeLessThanOrEqual(60);
    expect(byIdToken.body.expires_in).toBeLessThanOrEqual(60);
    expect(byTask.body.expires_in).toBeLessThanOrEqual(45);
  });

  test('a token lives as long as the shortest permit says, and the record does too', async () => {
    const { 'remit.cedar': remit, ...others } = quickstartPolicies();
    const marked = remit!.replace('@id("tokens-for-tasks")', '$&\n@max_lifetime("40s")');
    const agents = `@max_lifetime("25s") permit (principal is Agent, action == Action::"remit:token.issue", resource);`;
    await plane.close();
    plane = await openControlPlane({ policies: { ...others, 'remit.cedar': marked, 'agents.cedar': agents } });
    client = await openClient(plane);
    expect((await ask(await personForm())).body.expires_in).toBe(40);
    const { body } = await ask(await taskForm());
    expect(body.expires_in).toBe(25);
    const claims = decodeJwt(body.access_token);
    expect(claims.exp! - claims.iat!).toBe(25);
    expect(plane.records().at(-1)).toMatchObject({
      action: { operation: 'token.issue' },
      decision: { outcome: 'permit', obligations: { max_lifetime_seconds: 25 } },
    });
    // The task's own end is still nearer, where it is.
    const short = await ask(await taskForm({}, { lifetime_seconds: 12 }));
    expect(short.body.expires_in).toBeLessThanOrEqual(12);
  });

  test('an SVID that is good only by the accepted skew gives no token', async () => {
    const svid = await plane.svid(SUMMARISER, { exp: Math.floor(plane.clock.now() / 1000) - 10 });
    expect(await ask(await agentForm({ client_assertion: svid }))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await ask(await taskForm({ actor_token: svid }))).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });

  test('details narrow the token, and only what they leave is in it', async () => {
    const details = [{ type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/monday.md'] }];
    const { body } = await ask(await taskForm({ authorization_details: JSON.stringify(details) }));
    expect(body.authorization_details).toEqual(details);
    expect(decodeJwt(body.access_token)['authorization_details']).toEqual(details);
  });

  test('an agent may authenticate as client besides being the actor', async () => {
    const svid = await plane.svid(SUMMARISER);
    const form = { client_assertion_type: SPIFFE, client_assertion: svid, client_id: SUMMARISER };
    expect((await ask(await taskForm(form))).status).toBe(200);
  });

  test('policy decides: a person in no group gets a token and may still hand out no task', async () => {
    const dan = await personSession(plane, 'dan');
    expect((await dan.call('GET', '/v1/tasks')).status).toBe(200);
    await expect(requestTask(dan)).rejects.toThrow('forbidden');
  });
});

describe('what is refused', () => {
  const cases: [name: string, form: () => Promise<Form>, status: number, error: string][] = [
    ['no grant type', () => agentForm({ grant_type: '' }), 400, 'invalid_request'],
    ['another grant type', () => agentForm({ grant_type: 'password' }), 400, 'unsupported_grant_type'],
    ['another grant type and no resource', async () => ({ grant_type: 'implicit' }), 400, 'unsupported_grant_type'],
    ['no resource', () => agentForm({ resource: '' }), 400, 'invalid_target'],
    ['an unknown resource', () => agentForm({ resource: 'https://elsewhere.test/v1' }), 400, 'invalid_target'],
    ['a resource with a suffix', () => agentForm({ resource: `${API}/` }), 400, 'invalid_target'],
    ['an unknown target', () => taskForm({ resource: `${ISSUER}/mcp/nowhere` }), 400, 'invalid_target'],
    ['a member of every object', () => taskForm({ resource: `${ISSUER}/mcp/constructor` }), 400, 'invalid_target'],
    [
      'a target that the task does not grant',
      () => taskForm({ resource: `${ISSUER}/mcp/memory` }),
      400,
      'invalid_target',
    ],
    ['an agent alone at a target', () => agentForm({ resource: FILES }), 400, 'invalid_target'],
    ['a person alone at a target', () => personForm({ resource: FILES }), 400, 'invalid_target'],
    ['a task token for the API', () => taskForm({ resource: API }), 400, 'invalid_target'],
    ['an audience beside the API', () => agentForm({ audience: 'files' }), 400, 'invalid_target'],
    ['no client assertion', () => agentForm({ client_assertion: '' }), 401, 'invalid_client'],
    ['another assertion type', () => agentForm({ client_assertion_type: JWT }), 401, 'invalid_client'],
    ['a client_id of another', () => agentForm({ client_id: OTHER_AGENT }), 401, 'invalid_client'],
    ['an SVID that is none', () => agentForm({ client_assertion: 'a.b.c' }), 401, 'invalid_client'],
    [
      'an SVID for another audience',
      async () => agentForm({ client_assertion: await plane.svid(SUMMARISER, { aud: ['https://other.test'] }) }),
      401,
      'invalid_client',
    ],
    [
      'an SVID of an unknown trust domain',
      async () => agentForm({ client_assertion: await plane.svid('spiffe://other.test/agent/x') }),
      401,
      'invalid_client',
    ],
    [
      'an SVID that expired a minute ago',
      async () => agentForm({ client_assertion: await plane.svid(SUMMARISER, { exp: seconds() - 60 }) }),
      401,
      'invalid_client',
    ],
    ['no subject token', () => personForm({ subject_token: '' }), 400, 'invalid_request'],
    ['no type of the subject token', () => personForm({ subject_token_type: '' }), 400, 'invalid_request'],
    ['another type of subject token', () => personForm({ subject_token_type: JWT }), 400, 'invalid_request'],
    ['another requested type', () => personForm({ requested_token_type: ID_TOKEN }), 400, 'invalid_request'],
    [
      'an ID token of an unknown issuer',
      async () => personForm({ subject_token: await plane.idToken('alice', { iss: 'https://evil.test' }) }),
      400,
      'invalid_request',
    ],
    [
      'an ID token for another client',
      async () => personForm({ subject_token: await plane.idToken('alice', { aud: 'other' }) }),
      400,
      'invalid_request',
    ],
    [
      'an ID token with an actor',
      async () => personForm({ actor_token: await plane.svid(SUMMARISER), actor_token_type: JWT }),
      400,
      'invalid_request',
    ],
    ['a missing actor', () => taskForm({ actor_token: '', actor_token_type: '' }), 400, 'invalid_request'],
    ['an actor without its type', () => taskForm({ actor_token_type: '' }), 400, 'invalid_request'],
    ['a type without its actor', () => personForm({ actor_token_type: JWT }), 400, 'invalid_request'],
    [
      'an actor whom the task does not name',
      async () => taskForm({ actor_token: await plane.svid(OTHER_AGENT) }),
      400,
      'invalid_request',
    ],
    [
      'an ID token as actor',
      async () => taskForm({ actor_token: await plane.idToken('alice') }),
      400,
      'invalid_request',
    ],
    [
      'an SVID as task token',
      async () => taskForm({ subject_token: await plane.svid(SUMMARISER) }),
      400,
      'invalid_request',
    ],
    ['a client_id that is not the actor', () => taskForm({ client_id: OTHER_AGENT }), 401, 'invalid_client'],
    [
      'a client that is not the actor',
      async () => taskForm({ client_assertion_type: SPIFFE, client_assertion: await plane.svid(OTHER_AGENT) }),
      401,
      'invalid_client',
    ],
    [
      'a client that does not authenticate, with a good actor',
      async () => taskForm({ client_assertion_type: SPIFFE, client_assertion: 'a.b.c' }),
      401,
      'invalid_client',
    ],
    [
      'an agent with an ID token',
      async () => personForm({ client_assertion_type: SPIFFE, client_assertion: await plane.svid(SUMMARISER) }),
      400,
      'invalid_request',
    ],
    ['an access token as task token', () => withAccessTokenAsSubject(), 400, 'invalid_request'],
    ['a task token without a signature', () => unsigned(), 400, 'invalid_request'],
    ['a task token of a foreign key', () => foreign({}), 400, 'invalid_request'],
    ['a task token for another audience', () => resigned({ aud: API }), 400, 'invalid_request'],
    ['a task token of another issuer', () => resigned({ iss: 'https://evil.test' }), 400, 'invalid_request'],
    ['a task token of an unknown task', () => resigned({ task: 'task_nowhere' }), 400, 'invalid_request'],
    ['an expired task token', () => resigned({ exp: seconds() - 60 }), 400, 'invalid_request'],
    ['details that are no JSON', () => taskForm({ authorization_details: '[' }), 400, 'invalid_authorization_details'],
    ['details of another type', () => details({ type: 'payment' }), 400, 'invalid_authorization_details'],
    ['details without a type', () => details({ type: undefined }), 400, 'invalid_authorization_details'],
    ['details with an unknown member', () => details({ locations: [FILES] }), 400, 'invalid_authorization_details'],
    [
      'details for another target',
      () => details({ target: 'memory', effects: ['read'] }),
      400,
      'invalid_authorization_details',
    ],
    [
      'details with an effect that the task does not grant',
      () => details({ effects: ['read', 'write'] }),
      400,
      'invalid_authorization_details',
    ],
    [
      'details for a token without a task',
      () => personForm({ authorization_details: '[]' }),
      400,
      'invalid_authorization_details',
    ],
    [
      'details with more resources than one grant has',
      () => details({ resources: ['file:notes/**', 'file:other/**'] }),
      400,
      'invalid_authorization_details',
    ],
    ['details without the resources of the grant', () => details({}), 400, 'invalid_authorization_details'],
    [
      'details with too many patterns to compare',
      async () =>
        taskForm(
          {
            authorization_details: JSON.stringify(
              Array.from({ length: 4 }, () => ({
                type: 'remit_grant',
                target: 'files',
                effects: ['read'],
                resources: [`${'*a'.repeat(500)}`],
              })),
            ),
          },
          {
            grant: Array.from({ length: 4 }, () => ({
              target: 'files',
              effects: ['read'],
              resources: [`${'**a'.repeat(330)}`],
            })),
          },
        ),
      400,
      'invalid_authorization_details',
    ],
    ['a scope for the API', () => agentForm({ scope: 'read' }), 400, 'invalid_scope'],
    ['a scope that is none', () => taskForm({ scope: 'read admin' }), 400, 'invalid_scope'],
    ['a scope with two spaces', () => taskForm({ scope: 'read  read' }), 400, 'invalid_scope'],
    ['a scope that the task does not grant', () => taskForm({ scope: 'read write' }), 400, 'invalid_scope'],
    ['a scope and details', () => taskForm({ scope: 'read', authorization_details: '[]' }), 400, 'invalid_request'],
    ['an audience that is none', () => taskForm({ audience: 'elsewhere', resource: '' }), 400, 'invalid_target'],
    ['an audience and another resource', () => taskForm({ audience: 'memory' }), 400, 'invalid_target'],
    ['neither resource nor audience', () => taskForm({ resource: '' }), 400, 'invalid_target'],
    ['the thumbprint of another key', () => taskForm({ dpop_jkt: 'x' }), 400, 'invalid_dpop_proof'],
  ];

  test.each(cases)('%s', async (_name, form, status, error) => {
    const before = await form();
    const answer = await ask(before);
    expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error });
    expect(answer.body.access_token).toBeUndefined();
    expect(answer.headers.get('cache-control')).toBe('no-store');
    // RFC 6749, section 5.2: the characters of a description.
    expect(answer.body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(plane.faults).toEqual([]);
  });

  test.each(['completed', 'revoked', 'expired'] as const)('a task that is %s', async (to) => {
    const form = await taskForm();
    await plane.store.endTask({ id: form.task, to, at: plane.clock.now(), reason: 'test' }, () => []);
    expect(await ask(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('a task whose window has closed, before anybody swept it', async () => {
    const form = await taskForm({}, { lifetime_seconds: 20 });
    plane.clock.advance(21_000);
    expect(await ask(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('a task that has not started', async () => {
    const form = await taskForm({}, { not_before: new Date(plane.clock.now() + 60_000).toISOString() });
    expect(await ask(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    plane.clock.advance(61_000);
    expect((await ask(form)).status).toBe(200);
  });

  test('a parameter that is given twice, whichever', async () => {
    for (const name of ['resource', 'grant_type', 'client_assertion']) {
      const form = new URLSearchParams(await agentForm());
      form.append(name, form.get(name)!);
      expect(await ask(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
  });

  test('two resources, one of them empty', async () => {
    const form = new URLSearchParams(await agentForm());
    form.append('resource', '');
    expect(await ask(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('a body that is no form, is too large, or is another method', async () => {
    const json = await plane.app.request('/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json', dpop: await tokenProof() },
      body: JSON.stringify(await agentForm()),
    });
    expect([json.status, await json.json()]).toMatchObject([400, { error: 'invalid_request' }]);
    const large = await ask(await agentForm({ state: 'x'.repeat(70_000) }));
    expect([large.status, large.body]).toMatchObject([413, { error: 'invalid_request' }]);
    expect((await plane.app.request('/token')).status).toBe(404);
  });

  test('everything, when nothing can be recorded', async () => {
    const form = await agentForm();
    await plane.store.close();
    const answer = await ask(form);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(answer.body.access_token).toBeUndefined();
    await reopen();
  });
});

describe('the proof of the key (RFC 9449)', () => {
  const cases: [name: string, proof: () => Promise<string | null>][] = [
    ['none', async () => null],
    ['no JWT', async () => 'proof'],
    ['another method', () => client.proof({ method: 'GET', url: `${ISSUER}/token` })],
    ['another URL', () => client.proof({ method: 'POST', url: `${ISSUER}/other` })],
    ['another host', () => client.proof({ method: 'POST', url: 'https://evil.test/token' })],
    ['a minute old', () => tokenProof({ claims: { iat: seconds() - 60 } })],
    ['a minute ahead', () => tokenProof({ claims: { iat: seconds() + 60 } })],
    ['another type', () => tokenProof({ header: { typ: 'JWT' } })],
    ['two of them', async () => `${await tokenProof()}, ${await tokenProof()}`],
  ];
  test.each(cases)('%s', async (_name, proof) => {
    expect(await ask(await agentForm(), { proof: await proof() })).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
  });

  test('is taken once', async () => {
    const proof = await tokenProof();
    expect((await ask(await agentForm(), { proof })).status).toBe(200);
    expect(await ask(await agentForm(), { proof })).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
  });
});

const seconds = () => Math.floor(plane.clock.now() / 1000);

const tokenProof = (overrides: Parameters<Client['proof']>[1] = {}) =>
  client.proof({ method: 'POST', url: `${ISSUER}/token` }, overrides);

function details(overrides: Record<string, unknown>) {
  const detail = { type: 'remit_grant', target: 'files', effects: ['read'], ...overrides };
  return taskForm({ authorization_details: JSON.stringify([detail]) });
}

async function withAccessTokenAsSubject(): Promise<Form> {
  return taskForm({ subject_token: (await agentSession(plane)).accessToken });
}

async function unsigned(): Promise<Form> {
  const form = await taskForm();
  return { ...form, subject_token: new UnsecuredJWT(decodeJwt(form['subject_token']!)).encode() };
}

/** The task token with other claims, under a key that is not Remit's but says it is. */
async function foreign(claims: Record<string, unknown>, key?: CryptoKey): Promise<Form> {
  const form = await taskForm();
  const token = form['subject_token']!;
  const signer = key ?? (await generateKeyPair('ES256')).privateKey;
  const header = decodeProtectedHeader(token);
  return {
    ...form,
    subject_token: await new SignJWT({ ...decodeJwt(token), ...claims })
      .setProtectedHeader({ ...header, alg: 'ES256' })
      .sign(signer),
  };
}

/** The task token with other claims, signed by Remit itself. */
async function resigned(claims: Record<string, unknown>): Promise<Form> {
  const form = await taskForm();
  const token = await plane.tokenKey.sign('remit-task+jwt', { ...decodeJwt(form['subject_token']!), ...claims });
  return { ...form, subject_token: token };
}

async function reopen(): Promise<void> {
  plane = await openControlPlane();
}
