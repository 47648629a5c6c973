import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOpenGateway } from '../../test/conformance/open-gateway.ts';
import { API, ISSUER, openClient, openControlPlane, SUMMARISER } from '../../test/fixtures/control-plane.ts';
import type { Client, ControlPlane } from '../../test/fixtures/control-plane.ts';
import { createApp } from '../server/app.ts';

const FILES = `${ISSUER}/mcp/files`;

let plane: ControlPlane;
let client: Client;
beforeEach(async () => {
  plane = await openControlPlane({ nonces: true });
  client = await openClient(plane);
});
afterEach(() => plane.close());

const form = async () => ({
  grant_type: 'client_credentials',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
  client_assertion: await plane.svid(SUMMARISER),
  resource: API,
});

async function ask(nonce?: unknown) {
  const claims = nonce === undefined ? {} : { nonce };
  return client.token(await form(), {
    proof: await client.proof({ method: 'POST', url: `${ISSUER}/token` }, { claims }),
  });
}

const nonceOf = (response: Response) => response.headers.get('dpop-nonce')!;

async function token(): Promise<{ accessToken: string; nonce: string }> {
  const nonce = nonceOf(await ask());
  const { access_token: accessToken } = (await (await ask(nonce)).json()) as { access_token: string };
  return { accessToken, nonce };
}

describe('RFC 9449, section 8: the token endpoint', () => {
  test('tells the nonce, takes a proof with it, and records no refusal', async () => {
    const refused = await ask();
    expect([refused.status, await refused.json()]).toEqual([
      400,
      {
        error: 'use_dpop_nonce',
        error_description: 'the proof needs a nonce; make another with the one in `DPoP-Nonce`',
      },
    ]);
    expect(refused.headers.get('cache-control')).toBe('no-store');
    const taken = await ask(nonceOf(refused));
    expect([taken.status, nonceOf(taken)]).toEqual([200, null]);
    await plane.parts.refusals.flush();
    expect(plane.records().filter((record) => record.kind === 'event' && record.event === 'request.refused')).toEqual(
      [],
    );
  });

  test.each(['', 'nonsense', 7, null, ['a']])('takes no other: %j', async (nonce) => {
    expect(await (await ask(nonce)).json()).toMatchObject({ error: 'use_dpop_nonce' });
  });

  test('tells a new one when the old one is over', async () => {
    const old = nonceOf(await ask());
    plane.clock.advance(300_000);
    const answer = await ask(old);
    expect(answer.status).toBe(400);
    expect((await ask(nonceOf(answer))).status).toBe(200);
  });

  test('tells none to a proof that is bad otherwise', async () => {
    const proof = await client.proof({ method: 'POST', url: `${ISSUER}/revoke` });
    const answer = await client.token(await form(), { proof });
    expect([await answer.json(), nonceOf(answer)]).toMatchObject([{ error: 'invalid_dpop_proof' }, null]);
  });

  test('does not use up the proof that it wants another for, nor takes one twice', async () => {
    const nonce = nonceOf(await ask());
    const proof = await client.proof({ method: 'POST', url: `${ISSUER}/token` }, { claims: { nonce } });
    expect((await client.token(await form(), { proof })).status).toBe(200);
    expect(await (await client.token(await form(), { proof })).json()).toMatchObject({ error: 'invalid_dpop_proof' });
  });
});

describe('RFC 9449, section 9: a resource', () => {
  test('the API', async () => {
    const { accessToken, nonce } = await token();
    const call = async (claims: object) =>
      plane.app.request('/v1/tasks', {
        headers: {
          authorization: `DPoP ${accessToken}`,
          dpop: await client.proof({ method: 'GET', url: `${API}/tasks`, accessToken }, { claims: { ...claims } }),
        },
      });
    const refused = await call({});
    expect([refused.status, nonceOf(refused)]).toEqual([401, nonce]);
    expect(refused.headers.get('www-authenticate')).toMatch(/^DPoP error="use_dpop_nonce", algs=/);
    expect(await refused.json()).toMatchObject({ type: 'urn:remit:problem:use_dpop_nonce' });
    expect((await call({ nonce })).status).toBe(200);
  });

  test('a target', async () => {
    const { nonce } = await token();
    const refusals: unknown[] = [];
    const { gateway } = createOpenGateway([...plane.parts.targets.values()] as never, {
      publicUrl: ISSUER,
      authenticate: (request, audience) => plane.parts.authenticator.authenticate(request, audience),
      refused: (refusal) => void refusals.push(refusal),
    });
    const app = createApp({ ...plane.parts, mcp: (request, target) => gateway.fetch(request, target) });
    const accessToken = await plane.tokenKey.sign('at+jwt', {
      iss: ISSUER,
      aud: FILES,
      sub: SUMMARISER,
      client_id: SUMMARISER,
      jti: 'tok_1',
      iat: Math.floor(plane.clock.now() / 1000),
      exp: Math.floor(plane.clock.now() / 1000) + 60,
      cnf: { jkt: 'x' },
    });
    const ath = createHash('sha256').update(accessToken).digest('base64url');
    const call = async (claims: object) =>
      app.request('/mcp/files', {
        method: 'POST',
        headers: {
          authorization: `DPoP ${accessToken}`,
          dpop: await client.proof({ method: 'POST', url: FILES }, { claims: { ath, ...claims } }),
        },
      });
    const refused = await call({});
    expect([refused.status, nonceOf(refused)]).toEqual([401, nonce]);
    expect(refused.headers.get('www-authenticate')).toContain('error="use_dpop_nonce"');
    expect(refusals).toEqual([]);
    // The proof is good now, and the token is bound to another key.
    expect((await call({ nonce })).headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(refusals).toHaveLength(1);
  });
});
