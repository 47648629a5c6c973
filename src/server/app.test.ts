import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  taskBody,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import { Unavailable } from '../core/errors.ts';
import { createApp } from './app.ts';
import { recordForm } from './record-form.ts';

let plane: ControlPlane;
beforeEach(async () => {
  plane = await openControlPlane();
});
afterEach(() => plane.close());

describe('what everybody may see', () => {
  test.each([
    '/healthz',
    '/openapi.json',
    '/jwks',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-protected-resource/v1',
    '/.well-known/oauth-protected-resource/mcp/files',
  ])('%s', async (path) => {
    const remembered = path === '/jwks' ? 'public, max-age=30' : 'no-store';
    const response = await plane.app.request(path);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': remembered,
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('keys without their private part', async () => {
    const { keys } = (await (await plane.app.request('/jwks')).json()) as { keys: object[] };
    expect(keys).toEqual(plane.tokenKey.publicJwks());
    expect(keys[0]).not.toHaveProperty('d');
  });

  test('metadata of a resource (RFC 9728)', async () => {
    const response = await plane.app.request('/.well-known/oauth-protected-resource/mcp/files');
    expect(await response.json()).toEqual({
      resource: 'https://remit.example.test/mcp/files',
      authorization_servers: ['https://remit.example.test'],
      jwks_uri: 'https://remit.example.test/jwks',
      bearer_methods_supported: [],
      dpop_bound_access_tokens_required: true,
      dpop_signing_alg_values_supported: ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'],
      authorization_details_types_supported: ['remit_grant'],
    });
  });

  test('that it is not healthy', async () => {
    const app = createApp({ ...plane.parts, healthy: () => false });
    expect((await app.request('/healthz')).status).toBe(503);
  });

  test('that something is wrong while requests are served', async () => {
    const app = createApp({ ...plane.parts, concerns: () => ['referee_degraded'] });
    const response = await app.request('/healthz');
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'degraded', concerns: ['referee_degraded'] },
    ]);
  });

  test('that there is nothing, as a problem', async () => {
    const response = await plane.app.request('/nothing');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'urn:remit:problem:not_found',
      title: 'Not found',
      status: 404,
      detail: 'there is nothing at this path',
    });
  });

  test('no origin is allowed by a preflight', async () => {
    const response = await plane.app.request('/v1/tasks', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.test', 'access-control-request-method': 'POST' },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('failures', () => {
  test('a challenge says how to authenticate, and why it failed only when something was shown', async () => {
    const nothing = await plane.app.request('/v1/tasks');
    expect(nothing.headers.get('www-authenticate')).toBe(
      'DPoP algs="ES256 ES384 EdDSA Ed25519 PS256 RS256", resource_metadata="https://remit.example.test/.well-known/oauth-protected-resource/v1"',
    );
    const bearer = await plane.app.request('/v1/tasks', { headers: { authorization: 'Bearer x' } });
    expect(bearer.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token", algs="/);
    expect(await bearer.json()).toEqual({
      type: 'urn:remit:problem:invalid_token',
      title: 'Invalid token',
      status: 401,
      detail: 'tokens are bound to a key; use the DPoP scheme with a proof',
    });
  });

  test('an unknown path of the API is no sign of anything to who is not authenticated', async () => {
    expect((await plane.app.request('/v1/nothing')).status).toBe(401);
    expect((await (await personSession(plane, 'alice')).call('GET', '/v1/nothing')).status).toBe(404);
  });

  test('a fault is logged in full and shown as internal', async () => {
    const alice = await personSession(plane, 'alice');
    const broken = createApp({
      ...plane.parts,
      lifecycle: { ...plane.lifecycle, list: () => Promise.reject(new Error('canary')) },
    });
    const response = await broken.request('/v1/tasks', {
      headers: {
        authorization: `DPoP ${alice.accessToken}`,
        dpop: await alice.proof({ method: 'GET', url: `${API}/tasks`, accessToken: alice.accessToken }),
      },
    });
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toMatchObject([500, { type: 'urn:remit:problem:internal' }]);
    expect(text).not.toContain('canary');
    expect(plane.faults).toEqual([{ err: expect.objectContaining({ message: 'canary' }) }]);
  });

  test('INVARIANT 5: what cannot be recorded is not done', async () => {
    const alice = await personSession(plane, 'alice');
    const { id } = await requestTask(alice);
    const unwritable = () => Promise.reject(new Unavailable('the log cannot be written'));
    const store = { ...plane.store, append: unwritable };
    const app = createApp({ ...plane.parts, log: store });
    const response = await app.request('/v1/targets', {
      headers: {
        authorization: `DPoP ${alice.accessToken}`,
        dpop: await alice.proof({ method: 'GET', url: `${API}/targets`, accessToken: alice.accessToken }),
      },
    });
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { type: 'urn:remit:problem:unavailable', detail: 'the log cannot be written' },
    ]);
    expect(plane.store.task(id)?.state).toBe('active');
  });

  test('a body over the limit', async () => {
    const alice = await personSession(plane, 'alice');
    const response = await alice.call('POST', '/v1/tasks', taskBody({ purpose: 'x'.repeat(70_000) }));
    expect([response.status, await response.json()]).toMatchObject([413, { type: 'urn:remit:problem:too_large' }]);
  });
});

describe('targets and definitions', () => {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const seen = (found: string) => {
    const definition = JSON.stringify({ description: `reads ${found.at(-1)}` });
    const at = plane.clock.now();
    return plane.store.observeDefinition(
      { target: 'files', operation: 'read_text_file', digest: found, definition, at },
      () => [],
    );
  };

  test('INVARIANT 12: both definitions are shown to who reviews, and the changed one is in no list', async () => {
    const carol = await personSession(plane, 'carol');
    const path = '/v1/targets/files/operations/read_text_file';
    expect((await carol.call('GET', path)).status).toBe(404);
    await seen(digest('a'));
    expect(await (await carol.call('GET', path)).json()).toEqual({
      target: 'files',
      operation: 'read_text_file',
      state: 'pinned',
      digest: digest('a'),
      definition: { description: 'reads a' },
    });
    await seen(digest('b'));
    expect(await (await carol.call('GET', path)).json()).toMatchObject({
      state: 'quarantined',
      definition: { description: 'reads a' },
      quarantined_digest: digest('b'),
      quarantined_definition: { description: 'reads b' },
    });
    expect(await (await carol.call('GET', '/v1/targets')).text()).not.toContain('reads');
  });

  test('a changed definition is shown, and accepted by its digest alone', async () => {
    const carol = await personSession(plane, 'carol');
    await seen(digest('a'));
    await seen(digest('b'));
    const { targets } = (await (await carol.call('GET', '/v1/targets')).json()) as { targets: object[] };
    expect(targets).toHaveLength(2);
    expect(targets[0]).toMatchObject({
      name: 'files',
      url: `${ISSUER}/mcp/files`,
      operations: [
        {
          name: 'read_text_file',
          effect: 'read',
          definition: 'quarantined',
          digest: digest('a'),
          quarantined_digest: digest('b'),
        },
        { name: 'write_file', effect: 'write', definition: 'unseen' },
      ],
      unclassified: ['zap'],
    });
    const path = '/v1/targets/files/operations/read_text_file/accept';
    expect((await carol.call('POST', path, { digest: digest('c') })).status).toBe(409);
    expect((await carol.call('POST', path, { digest: 'b' })).status).toBe(400);
    expect((await carol.call('POST', path, { digest: digest('b') })).status).toBe(200);
    expect((await carol.call('POST', path, { digest: digest('b') })).status).toBe(404);
    expect(plane.store.definition('files', 'read_text_file')).toMatchObject({ digest: digest('b') });
    expect(plane.store.definition('files', 'read_text_file')).not.toHaveProperty('quarantined');
  });
});

describe('the log', () => {
  type Page = { size: number; records: { index: number; record: { id: string; kind: string } }[] };

  test('is read in pages, in order, and each reading is itself in it', async () => {
    const alice = await personSession(plane, 'alice');
    await requestTask(alice);
    const carol = await personSession(plane, 'carol');
    const page = async (query: string) => (await (await carol.call('GET', `/v1/log/records${query}`)).json()) as Page;
    const { size, records } = await page('');
    expect(records.map(({ index }) => index)).toEqual(Array.from({ length: size }, (_, i) => i));
    expect(records.at(-1)?.record).toMatchObject({
      action: { operation: 'log.read' },
      delegator: { subject: 'carol' },
    });
    const second = await page('?start=1&limit=1');
    expect(second.records.map(({ index }) => index)).toEqual([1]);
    expect((await page('?start=100000')).records).toEqual([]);
    const { id } = second.records[0]!.record;
    expect(await (await carol.call('GET', `/v1/log/records/${id}`)).json()).toEqual(second.records[0]);
    expect((await carol.call('GET', '/v1/log/records/rec_unknown')).status).toBe(404);
    for (const query of ['?start=-1', '?start=x', '?limit=0', '?limit=501']) {
      expect((await carol.call('GET', `/v1/log/records${query}`)).status).toBe(400);
    }
    expect(await (await carol.call('GET', '/v1/log/checkpoint')).json()).toHaveProperty('checkpoint');
  });
});

test('every record has the form that schema/record.schema.json publishes', async () => {
  const alice = await personSession(plane, 'alice');
  const { id } = await requestTask(alice, { origin: { channel: 'chat', author: 'alice', trust: 'organisation' } });
  await alice.call('POST', `/v1/tasks/${id}/complete`);
  await (await personSession(plane, 'dan')).call('POST', '/v1/tasks', taskBody());
  await (await agentSession(plane)).call('POST', '/v1/tasks', taskBody());
  const problems = plane.records().map((record) => recordForm.safeParse(record).error?.message);
  expect(problems.length).toBeGreaterThan(6);
  expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
});

test('INVARIANT 14: no token, assertion or proof is in any record', async () => {
  const alice = await personSession(plane, 'alice');
  await requestTask(alice);
  const text = JSON.stringify(plane.records());
  expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{8,}\./);
  expect(text).toContain(decodeJwt(alice.accessToken).jti);
});

test('the page of an approval says how it is answered, and nothing of it, to whoever opens it', async () => {
  const open = await openControlPlane();
  const page = async (path: string) => {
    const response = await open.app.request(path);
    return { response, text: await response.text() };
  };
  const { response, text } = await page('/approvals/apr_1');
  expect([response.status, response.headers.get('content-security-policy')]).toEqual([
    200,
    "default-src 'none'; frame-ancestors 'none'",
  ]);
  expect(text).toContain('remit approvals show apr_1');
  for (const hostile of ['%3Cscript%3E', 'apr_%22', 'x', `apr_${'a'.repeat(61)}`]) {
    expect((await page(`/approvals/${hostile}`)).text).toBe(text.replaceAll('apr_1', 'ID'));
  }
  await open.close();
});
