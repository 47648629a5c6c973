import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  agentSession,
  ISSUER,
  openClient,
  openControlPlane,
  PEOPLE,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import { issueAccessToken } from '../token/access-token.ts';
import { listen } from '../../test/conformance/listen.ts';
import { createVerifier, type Introspect, type Verifier, type VerifierOptions, type VerifyResult } from './index.ts';

const AUDIENCE = `${ISSUER}/mcp/files`;
/** The resource has a name of its own, which proofs are made for. */
const URL_ = 'https://notes.example.test/notes';

let plane: ControlPlane;
let client: Client;
let task: string;
/** A token of the real token service, and the key of tokens that it would not issue. */
let token: string;
let issuer: { key: CryptoKey; jwks: JSONWebKeySet };
let verify: Verifier;

beforeAll(async () => {
  plane = await openControlPlane();
  client = await openClient(plane);
  ({ id: task } = await requestTask(await personSession(plane, 'alice'), { lifetime_seconds: 3000 }));
  token = await exchanged();
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const made = { ...(await exportJWK(publicKey)), kid: 'made', alg: 'ES256', use: 'sig' };
  issuer = { key: privateKey, jwks: { keys: [...(plane.tokenKey.publicJwks() as (typeof made)[]), made] } };
});
afterAll(() => plane.close());

/** A token for the task, of the real token service. */
async function exchanged(): Promise<string> {
  const response = await client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: await subjectToken(await agentSession(plane), task),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    resource: AUDIENCE,
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

const open = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: issuer.jwks, clock: plane.clock.now, ...options });
beforeEach(() => {
  verify = open();
});

const seconds = () => Math.floor(plane.clock.now() / 1000);
const thumbprint = async () => (await verify(await request())) as { token: { key: string } };

type Shown = { proof?: string | null; scheme?: string; token?: string; certificate?: Uint8Array; method?: string };

async function request(shown: Shown = {}, proofOverrides: Parameters<Client['proof']>[1] = {}) {
  const accessToken = shown.token ?? token;
  const proof =
    shown.proof === undefined
      ? await client.proof({ method: 'GET', url: URL_, accessToken }, proofOverrides)
      : shown.proof;
  return {
    method: shown.method ?? 'GET',
    url: URL_,
    headers: { authorization: `${shown.scheme ?? 'DPoP'} ${accessToken}`, ...(proof === null ? {} : { dpop: proof }) },
    ...(shown.certificate === undefined ? {} : { certificate: shown.certificate }),
  };
}

/** A token with a good signature; `claims` and `header` replace what a good one has, `undefined` takes it out. */
async function made(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  const { token: real } = await thumbprint();
  return new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: `${PEOPLE}|alice`,
    client_id: SUMMARISER,
    act: { sub: SUMMARISER, iss: 'spiffe://remit.local' },
    jti: randomUUID(),
    iat: seconds(),
    exp: seconds() + 300,
    cnf: { jkt: real.key },
    task: 'tsk_1',
    txn: 'tsk_1',
    authorization_details: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'made', ...header })
    .sign(issuer.key);
}

test('a token of the token service is verified, and says who acts for whom, under which task', async () => {
  expect(await verify(await request())).toMatchObject({
    ok: true,
    token: {
      issuer: ISSUER,
      audience: AUDIENCE,
      subject: `${PEOPLE}|alice`,
      agent: SUMMARISER,
      actors: [{ sub: SUMMARISER, iss: 'spiffe://remit.local' }],
      task,
      transaction: task,
      authorizationDetails: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
      binding: 'dpop',
      acr: 'urn:example:mfa',
    },
  });
});

test('headers may be those of fetch, or of Node', async () => {
  const shown = await request();
  expect(await verify({ ...shown, headers: new Headers(shown.headers) })).toMatchObject({ ok: true });
  const { authorization, dpop } = (await request()).headers;
  expect(await verify({ ...shown, headers: { authorization: [authorization], dpop: [dpop!] } })).toMatchObject({
    ok: true,
  });
});

test('a chain within the limit is handed on, the caller first', async () => {
  const act = {
    sub: SUMMARISER,
    iss: 'spiffe://remit.local',
    act: { sub: 'spiffe://remit.local/agent/planner', iss: 'spiffe://remit.local', sub_profile: 'ai_agent' },
  };
  const result = await verify(await request({ token: await made({ act }) }));
  expect(result).toMatchObject({ ok: true, token: { actors: [{ sub: SUMMARISER }, { sub: act.act.sub }] } });
});

const actors = (depth: number): object =>
  depth === 1
    ? { sub: SUMMARISER, iss: 'spiffe://remit.local' }
    : { sub: SUMMARISER, iss: 'spiffe://remit.local', act: actors(depth - 1) };

describe('refused as `invalid_token` is a token', () => {
  const cases: [string, () => Promise<string> | string, string][] = [
    ['of another issuer', () => made({ iss: 'https://other.example.test' }), '`iss`'],
    ['for another resource', () => made({ aud: `${ISSUER}/mcp/memory` }), '`aud`'],
    ['for this resource and more', () => made({ aud: [AUDIENCE, 'https://other.example.test'] }), '`aud`'],
    ['for a list that holds this resource alone', () => made({ aud: [AUDIENCE] }), '`aud`'],
    ['for nothing', () => made({ aud: undefined }), '`aud`'],
    ['of another type', () => made({}, { typ: 'JWT' }), '`typ`'],
    ['without a type', () => made({}, { typ: undefined }), '`typ`'],
    ['that is a task token', () => made({}, { typ: 'remit-task+jwt' }), '`typ`'],
    ['that has expired', () => made({ iat: seconds() - 400, exp: seconds() - 31 }), 'expired'],
    ['that is not valid yet', () => made({ nbf: seconds() + 60 }), '`nbf`'],
    ['from the future', () => made({ iat: seconds() + 60, exp: seconds() + 300 }), '`iat`'],
    ['that lives for an hour', () => made({ exp: seconds() + 3600 }), '`exp` is further off'],
    ['that never expires', () => made({ exp: undefined }), '`exp`'],
    ['without `iat`', () => made({ iat: undefined }), '`iat`'],
    ['without `jti`', () => made({ jti: undefined }), '`jti`'],
    ['without `sub`', () => made({ sub: undefined }), '`sub`'],
    ['without `client_id`', () => made({ client_id: undefined }), '`client_id`'],
    ['without an actor: impersonation', () => made({ act: undefined }), '`act` is missing'],
    ['with an actor that is no object', () => made({ act: SUMMARISER }), '`act` is not an actor'],
    ['with an actor of nobody', () => made({ act: { sub: SUMMARISER } }), '`act.iss`'],
    [
      'with an actor in the chain that has no name',
      () => made({ act: { ...actors(1), act: { iss: 'x' } } }),
      '`act.sub`',
    ],
    ['with `null` in the chain', () => made({ act: { ...actors(1), act: null } }), '`act` is not an actor'],
    ['of another actor than the client', () => made({ client_id: 'spiffe://remit.local/agent/other' }), '`client_id`'],
    ['with a chain that is too deep', () => made({ act: actors(5) }), '`act` is deeper'],
    ['without a task', () => made({ task: undefined }), '`task`'],
    ['without `txn`', () => made({ txn: undefined }), '`txn`'],
    ['that grants nothing', () => made({ authorization_details: [] }), '`authorization_details`'],
    ['that does not say what it grants', () => made({ authorization_details: undefined }), '`authorization_details`'],
    ['that grants what has no type', () => made({ authorization_details: [{ target: 'files' }] }), 'details.type`'],
    ['that grants a text', () => made({ authorization_details: ['all'] }), 'no object'],
    ['that is bound to nothing', () => made({ cnf: undefined }), '`cnf`'],
    ['that is bound to two things', () => made({ cnf: { jkt: 'a'.repeat(43), 'x5t#S256': 'a'.repeat(43) } }), '`cnf`'],
    ['that is bound to more than is known here', () => made({ cnf: { jkt: 'a'.repeat(43), jwk: {} } }), '`cnf`'],
    ['that is bound in an unknown way', () => made({ cnf: { kid: 'a'.repeat(43) } }), '`cnf`'],
    ['that is bound to no digest', () => made({ cnf: { jkt: 'short' } }), '`cnf`'],
    ['of an unknown key', () => made({}, { kid: 'other' }), 'not signed by a key'],
    ['with a changed payload', async () => changed(await made()), 'not signed by a key'],
    ['with no signature', () => unsigned({ alg: 'none', typ: 'at+jwt' }), 'not signed by a key'],
    ['with a symmetric algorithm', () => unsigned({ alg: 'HS256', typ: 'at+jwt', kid: 'made' }), 'not signed by a key'],
    ['that is none', () => 'nonsense', 'not signed by a key'],
    ['of 20 kilobytes', () => made({ pad: 'x'.repeat(20_000) }), 'too long'],
  ];
  test.each(cases)('%s', async (_name, shown, reason) => {
    const text = await shown();
    const result = await verify(await request({ token: text }));
    expect(result).toMatchObject({
      ok: false,
      error: 'invalid_token',
      status: 401,
      reason: expect.stringContaining(reason) as string,
      challenge: 'DPoP error="invalid_token", algs="ES256 ES384 EdDSA Ed25519 PS256 RS256"',
    });
    expect(JSON.stringify(result)).not.toContain(text);
  });
});

describe('the caller proves to hold the key', () => {
  const badProofs: [string, () => Promise<string | null>][] = [
    ['no proof', async () => null],
    ['a proof for another URL', () => proofOf({ htu: 'https://notes.example.test/others' })],
    ['a proof for the gateway', () => proofOf({ htu: AUDIENCE })],
    ['a proof for another method', () => proofOf({ htm: 'POST' })],
    ['a proof for another token', () => proofOf({ ath: createHash('sha256').update('x').digest('base64url') })],
    ['a proof without a token', () => proofOf({ ath: undefined })],
    ['an old proof', () => proofOf({ iat: seconds() - 60 })],
    ['two proofs', async () => `${await proofOf({})}, ${await proofOf({})}`],
  ];
  test.each(badProofs)('%s is refused as `invalid_dpop_proof`', async (_name, proof) => {
    expect(await verify(await request({ proof: await proof() }))).toMatchObject({
      ok: false,
      error: 'invalid_dpop_proof',
      status: 401,
      challenge: expect.stringMatching(/^DPoP error="invalid_dpop_proof", /) as string,
    });
  });

  test('a proof is good once', async () => {
    const shown = await request();
    const results = await Promise.all(Array.from({ length: 10 }, () => verify(shown)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('a memory of proofs that is full refuses', async () => {
    verify = open({ maxProofs: 1 });
    expect(await verify(await request())).toMatchObject({ ok: true });
    expect(await verify(await request())).toMatchObject({ ok: false, error: 'invalid_dpop_proof' });
  });

  test('another key, and the token as a bearer token, are refused', async () => {
    const thief = await openClient(plane);
    const proof = await thief.proof({ method: 'GET', url: URL_, accessToken: token });
    expect(await verify(await request({ proof }))).toMatchObject({
      error: 'invalid_token',
      reason: 'the token is bound to another key',
    });
    const bearer = await verify(await request({ scheme: 'Bearer' }));
    expect(bearer).toMatchObject({ error: 'invalid_token', reason: 'the token is bound otherwise than it is shown' });
  });

  test('a token of a certificate is good on a connection by it, as a bearer token, and nowhere else', async () => {
    const certificate = new TextEncoder().encode('DER of a certificate');
    const x5t = createHash('sha256').update(certificate).digest('base64url');
    // Of the real token service, for a caller who came with this certificate.
    const [level] = plane.store.chain(task);
    const { agent, grant: grants } = level!.task;
    const proven = { ...agent, attestation: 'x509-svid' as const };
    const { accessToken: bound } = await issueAccessToken(
      {
        id: 'tok_1',
        subject: { kind: 'task', agent: proven, task: level!.task, above: [], root: task, grants },
        audience: AUDIENCE,
        binding: { kind: 'mtls', thumbprint: x5t },
        expiresAt: plane.clock.now() + 300_000,
      },
      plane.parts.tokens,
    );
    const shown = { token: bound, scheme: 'Bearer', proof: null };
    const good = await verify(await request({ ...shown, certificate }));
    expect(good).toMatchObject({ ok: true, token: { binding: 'mtls', key: x5t } });
    const other = new TextEncoder().encode('another');
    expect(await verify(await request({ ...shown, certificate: other }))).toMatchObject({ error: 'invalid_token' });
    expect(await verify(await request(shown))).toMatchObject({ reason: 'the connection has no client certificate' });
    expect(await verify(await request({ token: bound, certificate }))).toMatchObject({ error: 'invalid_token' });
  });
});

test.each([
  ['nothing', undefined, 'missing_token', 'DPoP algs='],
  ['Basic', 'Basic YTpi', 'invalid_token', 'DPoP error="invalid_token"'],
  ['a scheme alone', 'DPoP', 'invalid_token', 'DPoP error="invalid_token"'],
  ['two tokens', 'DPoP a, DPoP b', 'invalid_token', 'DPoP error="invalid_token"'],
])('%s as a credential is refused', async (_name, authorization, error, challenge) => {
  const headers = authorization === undefined ? {} : { authorization };
  const result = await verify({ method: 'GET', url: URL_, headers });
  expect(result).toMatchObject({ ok: false, error, challenge: expect.stringContaining(challenge) as string });
});

test('the challenge names the metadata of the resource', async () => {
  verify = open({ resourceMetadata: 'https://notes.example.test/.well-known/oauth-protected-resource' });
  expect(await verify({ method: 'GET', url: URL_, headers: {} })).toMatchObject({
    challenge: expect.stringMatching(
      /, resource_metadata="https:\/\/notes.example.test\/.well-known\/oauth-protected-resource"$/,
    ) as string,
  });
});

describe('where Remit is asked', () => {
  const asked: string[] = [];
  const answering =
    (answer: unknown): Introspect =>
    async (text) => {
      asked.push(text);
      return answer;
    };
  beforeEach(() => void asked.splice(0));
  const outcome = async (ask: Introspect, more = {}): Promise<VerifyResult> => {
    verify = open({ introspection: { ask, timeoutMs: 50, ...more } });
    return verify(await request());
  };

  test('an active token is taken, with claims that are its own', async () => {
    expect(await outcome(answering({ active: true }))).toMatchObject({ ok: true });
    const same = { active: true, iss: ISSUER, aud: AUDIENCE, client_id: SUMMARISER };
    expect(await outcome(answering(same))).toMatchObject({ ok: true });
    expect(await outcome(answering({ ...same, jti: 'of another token' }))).toMatchObject({ error: 'invalid_token' });
  });

  test.each([{ active: false }, { active: 'true' }, { active: 1 }])('%j is a no', async (answer) => {
    expect(await outcome(answering(answer))).toMatchObject({
      ok: false,
      error: 'invalid_token',
      reason: 'the token is not active any more',
    });
  });

  test.each<[string, Introspect]>([
    ['nothing', answering(null)],
    ['something else', answering({ error: 'invalid_client' })],
    ['a failure', () => Promise.reject(new Error('down'))],
    [
      'no promise',
      () => {
        throw new Error('down');
      },
    ],
    ['silence', () => new Promise(() => {})],
  ])('%s as the answer refuses, without a challenge', async (_name, ask) => {
    expect(await outcome(ask)).toMatchObject({
      ok: false,
      error: 'temporarily_unavailable',
      status: 503,
      challenge: null,
    });
  });

  test('an answer is remembered for as long as it is said, and a no is not', async () => {
    verify = open({ introspection: { ask: answering({ active: true }), rememberSeconds: 5 } });
    for (const _ of [1, 2]) expect(await verify(await request())).toMatchObject({ ok: true });
    expect(asked).toHaveLength(1);
    plane.clock.advance(5_000);
    expect(await verify(await request())).toMatchObject({ ok: true });
    expect(asked).toHaveLength(2);
  });

  test('who has proven nothing causes no question', async () => {
    verify = open({ introspection: { ask: answering({ active: true }) } });
    await verify(await request({ proof: null }));
    await verify(await request({ token: await made({ aud: 'x' }) }));
    expect(asked).toEqual([token]);
  });
});

test('keys are followed as they rotate, and asked for once in five seconds whatever is shown', async () => {
  let asked = 0;
  const front = await listen(async () => {
    asked += 1;
    return plane.app.request('/jwks');
  });
  try {
    verify = open({ jwks: `${front.url}/jwks` });
    expect(await verify(await request())).toMatchObject({ ok: true });
    const carol = await personSession(plane, 'carol');
    await carol.call('POST', '/v1/keys/rotate', { now: true });
    const later = await exchanged();
    expect(await verify(await request())).toMatchObject({ ok: true });
    expect(await verify(await request({ token: later }))).toMatchObject({ ok: false, error: 'invalid_token' });
    for (const kid of ['a', 'b', 'c']) await verify(await request({ token: await made({}, { kid }) }));
    expect(asked).toBe(1);
    plane.clock.advance(5_000);
    expect(await verify(await request({ token: later }))).toMatchObject({ ok: true });
    expect(asked).toBe(2);
    // A key that leaked is believed until the keys are read again, and then a token that was remembered is not either.
    await (await personSession(plane, 'carol')).call('POST', '/v1/keys/rotate', { leaked: true });
    plane.clock.advance(61_000);
    await verify(await request({ token: later }));
    await vi.waitFor(async () => expect(await verify(await request({ token: later }))).toMatchObject({ ok: false }));
    expect(asked).toBe(3);
  } finally {
    await front.close();
  }
});

test('keys that cannot be read are no permission', async () => {
  verify = open({ jwks: 'http://127.0.0.1:9/jwks' });
  expect(await verify(await request())).toMatchObject({ error: 'temporarily_unavailable', status: 503 });
});

test.each<[string, Partial<VerifierOptions>, string]>([
  ['no audience', { audience: '' }, '`audience`'],
  ['an audience that is undefined', { audience: undefined as unknown as string }, '`audience`'],
  ['an issuer over plain http', { issuer: 'http://remit.example.test' }, '`issuer`'],
  ['an issuer with a slash', { issuer: `${ISSUER}/` }, '`issuer`'],
  ['keys over plain http', { jwks: 'http://remit.example.test/jwks' }, '`jwks`'],
  ['no key set', { jwks: {} as JSONWebKeySet }, '`jwks`'],
  ['a skew of a minute', { skewSeconds: 60 }, '`skewSeconds`'],
  ['a skew that is no number', { skewSeconds: Number.NaN }, '`skewSeconds`'],
  ['a symmetric algorithm', { algorithms: ['HS256'] }, '`algorithms`'],
  ['no algorithm', { algorithms: [] }, '`algorithms`'],
  ['a status that is an hour old', { introspection: { ask: async () => ({}), rememberSeconds: 3600 } }, 'Seconds'],
])('%s is no verifier', (_name, options, message) => {
  expect(() => open(options)).toThrow(message);
});

const proofOf = (claims: Record<string, unknown>) =>
  client.proof({ method: 'GET', url: URL_, accessToken: token }, { claims });

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function changed(text: string): string {
  const [header, payload, signature] = text.split('.');
  const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object;
  return `${header}.${encode({ ...claims, task: 'tsk_other' })}.${signature}`;
}

function unsigned(header: object): string {
  return `${encode(header)}.${encode({ iss: ISSUER, aud: AUDIENCE, exp: seconds() + 300 })}.AAAA`;
}
