import { decodeJwt, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  OTHER_AGENT,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import { createAuthenticator } from './authenticate.ts';
import type { Caller } from '../identity/caller.ts';

const FILES = `${ISSUER}/mcp/files`;

let plane: ControlPlane;
let client: Client;
let token: string;
let task: string;
beforeEach(async () => {
  plane = await openControlPlane();
  client = await openClient(plane);
  task = (await requestTask(await personSession(plane, 'alice'))).id;
  token = await taskToken();
});
afterEach(() => plane.close());

async function taskToken(overrides: Record<string, string> = {}): Promise<string> {
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

type Shown = { authorization?: string | null; proof?: string | null; url?: string; audience?: string };

/** A POST to the gateway of `files` with `token` and a good proof, but for what is overridden. */
async function authenticate(shown: Shown = {}): Promise<Caller> {
  const authorization = shown.authorization === undefined ? `DPoP ${token}` : shown.authorization;
  const bearer = authorization?.split(' ')[1] ?? token;
  const proof =
    shown.proof === undefined ? await client.proof({ method: 'POST', url: FILES, accessToken: bearer }) : shown.proof;
  const headers = new Headers();
  if (authorization !== null) headers.set('authorization', authorization);
  if (proof !== null) headers.set('dpop', proof);
  const request = { method: 'POST', url: shown.url ?? FILES, headers };
  return plane.parts.authenticator.authenticate(request, shown.audience ?? FILES);
}

async function codeOf(attempt: Promise<Caller>): Promise<string> {
  return attempt.then(
    () => 'authenticated',
    (error: { code: string }) => error.code,
  );
}

describe('who is found', () => {
  test('for a task: the agent, the delegator as the store has them, and what the token was narrowed to', async () => {
    const caller = await authenticate();
    expect(caller).toEqual({
      agent: { id: SUMMARISER, trustDomain: 'remit.local', attestation: 'jwt-svid' },
      delegator: plane.store.task(task)!.delegator,
      taskId: task,
      grants: [{ type: 'remit_grant', target: 'files', effects: ['read'], resources: ['file:notes/**'] }],
      token: {
        id: decodeJwt(token).jti,
        key: expect.any(String),
        issuedAt: expect.any(Number),
        expiresAt: expect.any(Number),
        binding: 'dpop',
      },
    });
  });

  test('a name that a proxy gave the request does not matter', async () => {
    expect((await authenticate({ url: 'http://10.0.0.7:8080/mcp/files' })).taskId).toBe(task);
  });

  test('the scheme in any case, a query in the URL', async () => {
    expect((await authenticate({ authorization: `dpop ${token}` })).taskId).toBe(task);
    expect((await authenticate({ url: `${FILES}?a=b` })).taskId).toBe(task);
  });

  test('the same token again, with another proof, and no longer when it has expired', async () => {
    await authenticate();
    expect((await authenticate()).taskId).toBe(task);
    plane.clock.advance(331_000);
    expect(await codeOf(authenticate())).toBe('invalid_token');
  });

  test('an agent and a person at the API', async () => {
    const agent = await agentSession(plane, OTHER_AGENT);
    const person = await personSession(plane, 'bob');
    const at = async (session: Client & { accessToken: string }) =>
      plane.parts.authenticator.authenticate(
        {
          method: 'GET',
          url: `${API}/tasks`,
          headers: new Headers({
            authorization: `DPoP ${session.accessToken}`,
            dpop: await session.proof({ method: 'GET', url: `${API}/tasks`, accessToken: session.accessToken }),
          }),
        },
        API,
      );
    expect(await at(agent)).toMatchObject({ agent: { id: OTHER_AGENT }, delegator: null, taskId: null, grants: [] });
    expect(await at(person)).toMatchObject({
      agent: null,
      delegator: { subject: 'bob', groups: ['staff', 'note-owners'] },
      taskId: null,
    });
  });
});

describe('what is refused', () => {
  const now = () => Math.floor(plane.clock.now() / 1000);
  /** The token with other claims, signed by Remit under any `typ`. */
  const resigned = (claims: Record<string, unknown>, typ = 'at+jwt') =>
    plane.tokenKey.sign(typ, { ...decodeJwt(token), ...claims });

  const tokens: [name: string, authorization: () => Promise<string | null>, code: string][] = [
    ['nothing shown', async () => null, 'unauthenticated'],
    ['shown as Bearer', async () => `Bearer ${token}`, 'invalid_token'],
    ['another scheme', async () => `Basic ${token}`, 'invalid_token'],
    ['a scheme without a token', async () => 'DPoP', 'invalid_token'],
    ['two tokens', async () => `DPoP ${token} ${token}`, 'invalid_token'],
    ['no token at all', async () => 'DPoP nonsense', 'invalid_token'],
    ['a token that is too long', async () => `DPoP ${'a'.repeat(20_000)}`, 'invalid_token'],
    ['a changed signature', async () => `DPoP ${token.slice(0, -10)}AAAAAAAAAA`, 'invalid_token'],
    ['no signature', async () => `DPoP ${new UnsecuredJWT(decodeJwt(token)).encode()}`, 'invalid_token'],
    ['a foreign key', () => foreign(), 'invalid_token'],
    ['another type', async () => `DPoP ${await resigned({}, 'JWT')}`, 'invalid_token'],
    ['a task token', async () => `DPoP ${await resigned({}, 'remit-task+jwt')}`, 'invalid_token'],
    ['another audience', async () => `DPoP ${await resigned({ aud: `${ISSUER}/mcp/memory` })}`, 'invalid_token'],
    ['ours among other audiences', async () => `DPoP ${await resigned({ aud: [FILES, API] })}`, 'invalid_token'],
    ['another issuer', async () => `DPoP ${await resigned({ iss: 'https://evil.test' })}`, 'invalid_token'],
    ['expired', async () => `DPoP ${await resigned({ exp: now() - 60 })}`, 'invalid_token'],
    ['not bound to a key', async () => `DPoP ${await resigned({ cnf: undefined })}`, 'invalid_token'],
    ['bound to another key', async () => `DPoP ${await resigned({ cnf: { jkt: 'x' } })}`, 'invalid_token'],
    ['for a task that does not exist', async () => `DPoP ${await resigned({ task: 'task_x' })}`, 'invalid_token'],
    ['of another agent', async () => `DPoP ${await resigned({ client_id: OTHER_AGENT })}`, 'invalid_token'],
    [
      'of another delegator',
      async () => `DPoP ${await resigned({ sub: 'https://idp.example.test|bob' })}`,
      'invalid_token',
    ],
    [
      'the person’s own token',
      async () => `DPoP ${(await personSession(plane, 'alice')).accessToken}`,
      'invalid_token',
    ],
    ['the agent’s own token', async () => `DPoP ${(await agentSession(plane)).accessToken}`, 'invalid_token'],
  ];
  test.each(tokens)('the token: %s', async (_name, authorization, code) => {
    expect(await codeOf(authenticate({ authorization: await authorization() }))).toBe(code);
  });

  const proofs: [name: string, proof: () => Promise<string | null>, code: string][] = [
    ['none', async () => null, 'invalid_dpop_proof'],
    ['of another key', async () => (await openClient(plane)).proof(request()), 'invalid_token'],
    ['for another method', () => client.proof({ ...request(), method: 'GET' }), 'invalid_dpop_proof'],
    ['for another target', () => client.proof({ ...request(), url: `${ISSUER}/mcp/memory` }), 'invalid_dpop_proof'],
    ['without the token', () => client.proof({ method: 'POST', url: FILES }), 'invalid_dpop_proof'],
    ['with another token', () => client.proof({ ...request(), accessToken: 'other' }), 'invalid_dpop_proof'],
    ['a minute old', () => client.proof(request(), { claims: { iat: now() - 60 } }), 'invalid_dpop_proof'],
    ['a minute ahead', () => client.proof(request(), { claims: { iat: now() + 60 } }), 'invalid_dpop_proof'],
    [
      'two of them',
      async () => `${await client.proof(request())}, ${await client.proof(request())}`,
      'invalid_dpop_proof',
    ],
  ];
  test.each(proofs)('the proof: %s', async (_name, proof, code) => {
    expect(await codeOf(authenticate({ proof: await proof() }))).toBe(code);
  });

  test('a proof that was used', async () => {
    const proof = await client.proof(request());
    expect(await codeOf(authenticate({ proof }))).toBe('authenticated');
    expect(await codeOf(authenticate({ proof }))).toBe('invalid_dpop_proof');
  });

  test('a token of a target at the API', async () => {
    const proof = await client.proof({ method: 'POST', url: `${API}/tasks`, accessToken: token });
    expect(await codeOf(authenticate({ proof, url: `${API}/tasks`, audience: API }))).toBe('invalid_token');
  });

  test('nothing of the token is in the message', async () => {
    const error = await authenticate({ authorization: `Bearer ${token}` }).catch((caught: Error) => caught);
    expect(String((error as Error).message)).not.toContain(token.slice(0, 20));
  });

  const request = () => ({ method: 'POST', url: FILES, accessToken: token });
  const foreign = async () =>
    `DPoP ${await new SignJWT(decodeJwt(token))
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .sign((await generateKeyPair('ES256')).privateKey)}`;
});

test('INVARIANT 6: a token that is revoked while its proof is awaited is refused', async () => {
  await authenticate();
  const { tokens } = plane.parts;
  const authenticator = createAuthenticator({
    ...tokens,
    revoked: plane.store,
    withGroups: (agent) => agent,
    tasks: plane.store,
    dpop: {
      verify: async (shown) => {
        const proven = await tokens.dpop.verify(shown);
        const now = plane.clock.now();
        await plane.store.revokeToken({ id: decodeJwt(token).jti!, at: now, keepUntil: now + 60_000 }, []);
        return proven;
      },
    },
  });
  const proof = await client.proof({ method: 'POST', url: FILES, accessToken: token });
  const headers = new Headers({ authorization: `DPoP ${token}`, dpop: proof });
  const under = authenticator.authenticate({ method: 'POST', url: FILES, headers }, FILES);
  await expect(under).rejects.toThrow('the access token was revoked');
});
