import { decodeJwt } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  API,
  ISSUER,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import { CI, signingKey, workloadIssuer, workloadToken, type SigningKey } from '../../test/fixtures/workload-issuer.ts';
import type { DecisionRecord } from '../core/record.ts';

const AGENT = 'spiffe://ci.example/job/acme/agents';
const FILES = `${ISSUER}/mcp/files`;
const BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';

let ci: SigningKey;
let plane: ControlPlane;
let client: Client;
beforeAll(async () => {
  ci = await signingKey();
});
beforeEach(() => open());
afterEach(() => plane.close());

async function open(policies?: Record<string, string>): Promise<void> {
  plane = await openControlPlane({
    workloads: { issuers: [workloadIssuer({ jwks_uri: `${CI}/jwks` })], keys: [ci.jwk] },
    ...(policies === undefined ? {} : { policies }),
  });
  client = await openClient(plane);
}

const oidc = (claims: Record<string, unknown> = {}) => workloadToken(ci, plane.clock.now(), claims);

async function ask(form: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await client.token(form);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const own = (client_assertion: string, type = BEARER) =>
  ask({ grant_type: 'client_credentials', client_assertion_type: type, client_assertion, resource: API });

async function taskForm(actor: string): Promise<Record<string, string>> {
  const { id } = await requestTask(await personSession(plane, 'alice'), { agent: AGENT });
  const session = await own(await oidc());
  const shown = await client.fetch(session.body['access_token'] as string, 'GET', `/v1/tasks/${id}`);
  const { subject_token: subject } = (await shown.json()) as { subject_token: string };
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: subject,
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: actor,
    resource: FILES,
  };
}

test('an agent proves itself by an OIDC token, at the API and for a task', async () => {
  const { status, body } = await ask(await taskForm(await oidc({ jti: 'two' })));
  expect([status, body['token_type']]).toEqual([200, 'DPoP']);
  expect(decodeJwt(body['access_token'] as string)).toMatchObject({
    sub: 'https://idp.example.test|alice',
    client_id: AGENT,
    act: { sub: AGENT, iss: 'spiffe://ci.example' },
    attestation: 'oidc',
  });
  const record = plane.records().at(-1) as DecisionRecord;
  expect(record).toMatchObject({ agent: { id: AGENT, attestation: 'oidc' }, decision: { outcome: 'permit' } });
});

test('one token may be actor and client of one request, and serves no other', async () => {
  const shown = await oidc({ jti: 'both' });
  const form = { ...(await taskForm(shown)), client_assertion_type: BEARER, client_assertion: shown };
  expect((await ask(form)).status).toBe(200);
  expect(await ask(form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  expect(await own(shown)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

test('an SVID is an SVID whatever `iss` says, and an issuer’s key proves no SPIFFE ID', async () => {
  expect((await own(await plane.svid(SUMMARISER, { iss: CI }), SPIFFE)).status).toBe(200);
  expect(await own(await oidc({ sub: SUMMARISER }), SPIFFE)).toMatchObject({ body: { error: 'invalid_client' } });
  expect(await own(await oidc({ sub: SUMMARISER }))).toMatchObject({ body: { error: 'invalid_client' } });
});

describe('refused is', () => {
  const cases: [name: string, make: () => Promise<{ status: number; body: object }>, error: string][] = [
    ['an OIDC token as an SVID', async () => own(await oidc(), SPIFFE), 'invalid_client'],
    ['an SVID as an OIDC token', async () => own(await plane.svid(SUMMARISER)), 'invalid_client'],
    ['an ID token of a person', async () => own(await plane.idToken('alice')), 'invalid_client'],
    ['a rule that does not hold', async () => own(await oidc({ owner: 'evil' })), 'invalid_client'],
    [
      'another `client_id`',
      async () =>
        ask({
          grant_type: 'client_credentials',
          client_assertion_type: BEARER,
          client_assertion: await oidc(),
          client_id: SUMMARISER,
          resource: API,
        }),
      'invalid_client',
    ],
    [
      'an actor that the task does not name',
      async () => ask(await taskForm(await oidc({ repository: 'acme/other' }))),
      'invalid_request',
    ],
    ['an actor of a forger', async () => ask(await taskForm(await forged())), 'invalid_request'],
  ];
  test.each(cases)('%s', async (_name, make, error) => {
    expect(await make()).toMatchObject({ body: { error } });
  });
});

test('policy sees how the identity was proven, and its trust domain', async () => {
  await plane.close();
  await open({
    'all.cedar': `
      permit (principal, action, resource);
      @reason("an OIDC token is not enough here")
      forbid (principal in TrustDomain::"ci.example", action, resource)
      when { principal has attestation && principal.attestation == "oidc" };`,
  });
  expect(await own(await oidc())).toMatchObject({
    status: 400,
    body: { error: 'unauthorized_client', error_description: expect.stringContaining('not enough here') },
  });
  expect((await own(await plane.svid(SUMMARISER), SPIFFE)).status).toBe(200);
});

async function forged(): Promise<string> {
  return workloadToken(await signingKey(), plane.clock.now());
}
