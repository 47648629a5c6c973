import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  API,
  CLIENT,
  ISSUER,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  type Client,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';

const BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let plane: ControlPlane;
let client: Client;
beforeEach(async () => {
  plane = await openControlPlane();
  client = await openClient(plane);
});
afterEach(() => plane.close());

const form = (assertion: string) => ({
  grant_type: 'client_credentials',
  client_assertion_type: BEARER,
  client_assertion: assertion,
  resource: API,
});

async function ask(assertion: string) {
  const response = await client.token(form(assertion));
  return { status: response.status, body: (await response.json()) as { access_token: string; error?: string } };
}

describe('a client that signs for itself', () => {
  test.each<[name: string, claims: Record<string, unknown>, header: Record<string, unknown>]>([
    ['for the issuer', {}, {}],
    ['for the issuer alone in a list', { aud: [ISSUER] }, { typ: 'JWT' }],
    ['for the issuer, of the new type', {}, { typ: 'client-authentication+jwt' }],
    ['for the token endpoint, as before', { aud: `${ISSUER}/token` }, {}],
    ['good for as long as may be', { exp: Math.floor(Date.now() / 1000) + 299 }, {}],
  ])('%s', async (_name, claims, header) => {
    const { status, body } = await ask(await plane.clientAssertion(claims, header));
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({
      sub: CLIENT,
      client_id: CLIENT,
      attestation: 'private_key_jwt',
    });
  });

  test('has a token for as long as others, which does not end with the assertion', async () => {
    const { body } = await ask(await plane.clientAssertion({ exp: Math.floor(plane.clock.now() / 1000) + 20 }));
    const { exp, iat } = decodeJwt(body.access_token);
    expect(exp! - iat!).toBe(300);
  });

  test('of twenty who show one assertion, one is let in', async () => {
    const assertion = await plane.clientAssertion();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => ask(assertion)));
    expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(outcomes.find(({ status }) => status !== 200)?.body.error).toBe('invalid_client');
  });

  test('an assertion that was used is refused until it has expired, however the clock goes', async () => {
    const assertion = await plane.clientAssertion();
    expect((await ask(assertion)).status).toBe(200);
    for (const ms of [0, 80_000, 20_000, -100_000]) {
      plane.clock.advance(ms);
      expect((await ask(assertion)).status).not.toBe(200);
    }
  });

  test('acts for its task with another assertion as actor, revokes its token, and gives the task back', async () => {
    const alice = await personSession(plane, 'alice');
    const { id } = await requestTask(alice, { agent: CLIENT });
    const own = (await ask(await plane.clientAssertion())).body.access_token;
    const session = {
      ...client,
      accessToken: own,
      call: (method: string, path: string) => client.fetch(own, method, path),
    };
    const taskToken = await subjectToken(session, id);
    const response = await client.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      subject_token: taskToken,
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      actor_token: await plane.clientAssertion(),
      resource: `${ISSUER}/mcp/files`,
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    expect(decodeJwt(token)).toMatchObject({ client_id: CLIENT, task: id, act: { sub: CLIENT } });
    const revoke = async (shown: string) =>
      plane.app.request('/revoke', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          token: shown,
          client_assertion_type: BEARER,
          client_assertion: await plane.clientAssertion(),
        }).toString(),
      });
    expect((await revoke(token)).status).toBe(200);
    expect(plane.store.isTokenRevoked(decodeJwt(token).jti!)).toBe(true);
    expect((await revoke(taskToken)).status).toBe(200);
    expect(plane.store.task(id)?.state).toBe('completed');
  });
});

test('INVARIANT 1: an SVID for the name of a configured client proves nothing, not even in its trust domain', async () => {
  const svid = await plane.svid(CLIENT);
  expect((await ask(svid)).status).toBe(401);
  const response = await client.token({
    ...form(svid),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
  });
  expect(response.status).toBe(401);
});
