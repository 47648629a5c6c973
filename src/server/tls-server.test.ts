import { createHash, X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  agentSession,
  API,
  ISSUER,
  openClient,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  RESOURCE_SERVER,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import { openHttp2Client, openTlsClient, type TlsClient } from '../../test/fixtures/tls-request.ts';
import { createX509Authority, type Issued, type X509Authority } from '../../test/fixtures/x509-authority.ts';
import { createTlsServer, type TlsServer } from './tls-server.ts';

const NAME = 'remit.example.test';
const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

let plane: ControlPlane;
let spiffe: X509Authority;
let web: X509Authority;
let tls: TlsServer;
let port: number;
let svid: Issued;
const clients: TlsClient[] = [];

beforeAll(async () => {
  spiffe = await createX509Authority('spire', 'remit.local');
  web = await createX509Authority('web');
  plane = await openControlPlane({ x509Authorities: [spiffe.der] });
  const listener = getRequestListener(plane.app.fetch, { overrideGlobalObjects: false });
  tls = createTlsServer(await web.server(NAME), (request, response) => void listener(request, response));
  await new Promise<void>((resolve) => tls.server.listen(0, '127.0.0.1', resolve));
  ({ port } = tls.server.address() as AddressInfo);
  svid = await spiffe.svid(SUMMARISER);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await new Promise((resolve) => tls.server.close(resolve));
  await plane.close();
});

function open(shown: Issued | null = svid, more = {}): TlsClient {
  const client = openTlsClient(
    port,
    NAME,
    { ca: web.pem, ...(shown === null ? {} : { cert: shown.cert, key: shown.key }) },
    more,
  );
  clients.push(client);
  return client;
}

function openHttp2(shown: Issued | null = svid): TlsClient {
  const client = openHttp2Client(port, NAME, {
    ca: web.pem,
    ...(shown === null ? {} : { cert: shown.cert, key: shown.key }),
  });
  clients.push(client);
  return client;
}

const AGENT_FORM = { grant_type: 'client_credentials', client_id: SUMMARISER, resource: API };

async function token(
  client: TlsClient,
  form: Record<string, string> = AGENT_FORM,
  headers: Record<string, string> = {},
) {
  const { status, body } = await client.send('POST', '/token', {
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
  return { status, ...(JSON.parse(body) as { error?: string; access_token: string; token_type?: string }) };
}

const list = (client: TlsClient, authorization: string, headers: Record<string, string> = {}) =>
  client.send('GET', '/v1/tasks', { headers: { authorization, ...headers } });

const thumbprint = ({ cert }: Issued) => createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url');

test('INVARIANT 1: an X.509-SVID for the name of a client with keys of its own proves nothing', async () => {
  const client = open(await spiffe.svid(OTHER_AGENT));
  const form = { ...AGENT_FORM, client_id: OTHER_AGENT };
  expect((await token(client, form)).status).toBe(200);
  const { clientAssertions } = plane.parts.tokens;
  plane.parts.tokens.clientAssertions = { ...clientAssertions, knows: (id) => id === OTHER_AGENT };
  expect(await token(client, form)).toMatchObject({ status: 401, error: 'invalid_client' });
  plane.parts.tokens.clientAssertions = clientAssertions;
});

describe('an agent with an X.509-SVID', () => {
  test('gets a token that is bound to its certificate, and uses it on a connection by that certificate', async () => {
    const client = open();
    const issued = await token(client);
    expect(issued).toMatchObject({ status: 200, token_type: 'Bearer' });
    expect(decodeJwt(issued.access_token)).toMatchObject({
      sub: SUMMARISER,
      attestation: 'x509-svid',
      cnf: { 'x5t#S256': thumbprint(svid) },
    });
    expect((await list(client, `Bearer ${issued.access_token}`)).status).toBe(200);
    // The connection is another one, and the certificate the same.
    expect((await list(open(), `Bearer ${issued.access_token}`)).status).toBe(200);
    expect(plane.records().at(-1)).toMatchObject({ agent: { id: SUMMARISER, attestation: 'x509-svid' } });
  });

  test('shows its intermediates', async () => {
    const below = await (await spiffe.intermediate('one')).intermediate('two');
    expect((await token(open(await below.svid(SUMMARISER)))).status).toBe(200);
  });

  test('has a token no longer than its certificate', async () => {
    const short = await token(open(await spiffe.svid(SUMMARISER, { to: 100 })));
    const { exp, iat } = decodeJwt(short.access_token);
    expect(exp! - iat!).toBeLessThanOrEqual(100);
  });

  test('acts under a task, as the client and without an actor token', async () => {
    const person = await personSession(plane, 'alice');
    const { id } = await requestTask(person);
    const subject = await subjectToken(await agentSession(plane), id);
    const form = {
      grant_type: EXCHANGE,
      client_id: SUMMARISER,
      subject_token: subject,
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      resource: `${ISSUER}/mcp/files`,
    };
    const issued = await token(open(), form);
    expect(issued.status).toBe(200);
    expect(decodeJwt(issued.access_token)).toMatchObject({
      act: { sub: SUMMARISER, iss: 'spiffe://remit.local' },
      task: id,
      cnf: { 'x5t#S256': thumbprint(svid) },
    });
    const other = open(await spiffe.svid(OTHER_AGENT));
    expect(await token(other, { ...form, client_id: OTHER_AGENT })).toMatchObject({ error: 'invalid_request' });
    const actor = {
      actor_token: await plane.svid(SUMMARISER),
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    };
    expect(await token(open(), { ...form, ...actor })).toMatchObject({ status: 200, token_type: 'Bearer' });
    // The actor is right, and the certificate is somebody else's.
    expect(await token(other, { ...form, ...actor })).toMatchObject({ error: 'invalid_client' });
  });

  test('is asked about and revoked by clients that authenticate by certificate', async () => {
    const { id } = await requestTask(await personSession(plane, 'alice'));
    const client = open();
    const { access_token: shown } = await token(client, {
      grant_type: EXCHANGE,
      client_id: SUMMARISER,
      subject_token: await subjectToken(await agentSession(plane), id),
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      resource: `${ISSUER}/mcp/files`,
    });
    const post = async (by: TlsClient, path: string, form: Record<string, string>) =>
      by.send('POST', path, {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ token: shown, ...form }).toString(),
      });
    const server = open(await spiffe.svid(RESOURCE_SERVER));
    const ask = async () =>
      JSON.parse((await post(server, '/introspect', { client_id: RESOURCE_SERVER })).body) as Record<string, unknown>;
    expect(await ask()).toMatchObject({
      active: true,
      token_type: 'Bearer',
      cnf: { 'x5t#S256': thumbprint(svid) },
      task: id,
    });
    expect((await post(client, '/revoke', {})).status).toBe(401);
    expect((await post(client, '/revoke', { client_id: SUMMARISER })).status).toBe(200);
    expect(await ask()).toEqual({ active: false });
  });

  test('may have its token bound to a key instead; it stays so', async () => {
    const { proof } = await openClient(plane);
    const client = open();
    const shown = await proof({ method: 'POST', url: `${ISSUER}/token` });
    const issued = await token(client, AGENT_FORM, { dpop: shown });
    expect(issued).toMatchObject({ status: 200, token_type: 'DPoP' });
    expect(decodeJwt(issued.access_token)['cnf']).toEqual({ jkt: expect.any(String) });
    const bearer = await list(client, `Bearer ${issued.access_token}`);
    expect(bearer.status).toBe(401);
    expect(bearer.headers['www-authenticate']).toContain('error="invalid_token"');
    const fresh = await proof({ method: 'GET', url: `${ISSUER}/v1/tasks`, accessToken: issued.access_token });
    expect((await list(client, `DPoP ${issued.access_token}`, { dpop: fresh })).status).toBe(200);
  });
});

describe('a token that is bound to a certificate is refused', () => {
  let accessToken: string;
  beforeAll(async () => {
    accessToken = (await token(open())).access_token;
  });
  const cases: [string, () => Promise<[TlsClient, Record<string, string>]>][] = [
    ['without a certificate', async () => [open(null), { authorization: `Bearer ${accessToken}` }]],
    [
      'with the next certificate of the same workload',
      async () => [open(await spiffe.svid(SUMMARISER)), { authorization: `Bearer ${accessToken}` }],
    ],
    [
      'with the certificate of another workload',
      async () => [open(await spiffe.svid(OTHER_AGENT)), { authorization: `Bearer ${accessToken}` }],
    ],
    [
      'with the certificate in a header',
      async () => [
        open(null),
        {
          authorization: `Bearer ${accessToken}`,
          'client-cert': `:${svid.chain[0]!.toString('base64')}:`,
          'x-forwarded-client-cert': `Cert="${encodeURIComponent(svid.cert)}"`,
          'x-ssl-client-cert': encodeURIComponent(svid.cert),
        },
      ],
    ],
    [
      'with a proof of some key',
      async () => {
        const { proof } = await openClient(plane);
        const dpop = await proof({ method: 'GET', url: `${ISSUER}/v1/tasks`, accessToken });
        return [open(), { authorization: `DPoP ${accessToken}`, dpop }];
      },
    ],
  ];
  test.each(cases)('%s', async (_name, prepare) => {
    const [client, headers] = await prepare();
    const answer = await client.send('GET', '/v1/tasks', { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(answer.body).not.toContain(accessToken);
  });
});

describe('over HTTP/2', () => {
  test('a token is bound to the certificate of the connection, whatever the version of HTTP', async () => {
    const client = openHttp2();
    const issued = await token(client);
    expect(issued).toMatchObject({ status: 200, token_type: 'Bearer' });
    expect(decodeJwt(issued.access_token)['cnf']).toEqual({ 'x5t#S256': thumbprint(svid) });
    const bearer = `Bearer ${issued.access_token}`;
    for (const by of [client, openHttp2(), open()]) expect((await list(by, bearer)).status).toBe(200);
    for (const by of [openHttp2(null), openHttp2(await spiffe.svid(OTHER_AGENT))]) {
      const answer = await list(by, bearer);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('error="invalid_token"'),
      ]);
    }
  });

  test('a body has a limit, whether its length is stated or not', async () => {
    const form = new URLSearchParams({ ...AGENT_FORM, more: 'x'.repeat(1_100_000) }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const stated: Record<string, string> = { 'content-length': String(form.length) };
    for (const more of [{}, stated]) {
      const answer = await openHttp2().send('POST', '/token', { headers: { ...headers, ...more }, body: form });
      expect([answer.status, answer.body]).toEqual([413, expect.stringContaining('the request is too large')]);
    }
  });

  test('a proof is for the same URL', async () => {
    const { proof } = await openClient(plane);
    const client = openHttp2();
    const issued = await token(client, AGENT_FORM, {
      dpop: await proof({ method: 'POST', url: `${ISSUER}/token` }),
    });
    const prove = (url: string) => proof({ method: 'GET', url, accessToken: issued.access_token });
    const shown = `DPoP ${issued.access_token}`;
    expect((await list(client, shown, { dpop: await prove(`${ISSUER}/v1/tasks`) })).status).toBe(200);
    expect((await list(client, shown, { dpop: await prove(`${ISSUER}/v1/agents`) })).status).toBe(401);
  });
});

describe('a certificate does not authenticate', () => {
  const cases: [string, () => Promise<Issued | null>, Record<string, string>, string][] = [
    ['when there is none', async () => null, AGENT_FORM, 'invalid_dpop_proof'],
    ['without `client_id`', async () => svid, { ...AGENT_FORM, client_id: '' }, 'invalid_client'],
    ['as another client', async () => svid, { ...AGENT_FORM, client_id: OTHER_AGENT }, 'invalid_client'],
    ['of a stranger', async () => (await createX509Authority('spire')).svid(SUMMARISER), AGENT_FORM, 'invalid_client'],
    ['of the Web PKI', () => web.svid(SUMMARISER), AGENT_FORM, 'invalid_client'],
    ['for a server', () => spiffe.server(NAME), AGENT_FORM, 'invalid_client'],
    ['that has expired', () => spiffe.svid(SUMMARISER, { to: -40 }), AGENT_FORM, 'invalid_client'],
    ['that is not valid yet', () => spiffe.svid(SUMMARISER, { from: 60 }), AGENT_FORM, 'invalid_client'],
    [
      'of another trust domain',
      () => spiffe.svid('spiffe://partner.test/a'),
      { ...AGENT_FORM, client_id: 'spiffe://partner.test/a' },
      'invalid_client',
    ],
  ];
  test.each(cases)('%s', async (_name, shown, form, error) => {
    expect(await token(open(await shown()), form)).toMatchObject({ error });
  });

  test('who shows a JWT-SVID of another agent', async () => {
    const form = { ...AGENT_FORM, client_assertion_type: JWT_SPIFFE, client_assertion: await plane.svid(OTHER_AGENT) };
    expect(await token(open(), form)).toMatchObject({ error: 'invalid_client' });
    expect(await token(open(), { ...form, client_id: OTHER_AGENT })).toMatchObject({ error: 'invalid_client' });
  });

  test('a person, whose tokens are bound to keys', async () => {
    const form = {
      grant_type: EXCHANGE,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: await plane.idToken('alice'),
      resource: API,
    };
    expect(await token(open(), form)).toMatchObject({ error: 'invalid_dpop_proof' });
  });

  test('where it is on the connection for another reason', async () => {
    const { proof } = await openClient(plane);
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: JWT_SPIFFE,
      client_assertion: await plane.svid(SUMMARISER),
      resource: API,
    };
    const dpop = await proof({ method: 'POST', url: `${ISSUER}/token` });
    const issued = await token(open(await web.server('laptop.example.test')), form, { dpop });
    expect(issued).toMatchObject({ status: 200, token_type: 'DPoP' });
  });
});

describe('the connection', () => {
  const handshake = (more: object) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: NAME, ca: web.pem, ...more }, () =>
        resolve(socket),
      );
      socket.once('error', reject);
    });

  test('is TLS 1.3, or 1.2 with forward secrecy, and nothing older', async () => {
    const now = await handshake({});
    expect(now.getProtocol()).toBe('TLSv1.3');
    now.destroy();
    const old = await handshake({ maxVersion: 'TLSv1.2' });
    expect(old.getCipher().standardName).toMatch(/^TLS_ECDHE_.*_(GCM|POLY1305)_/);
    old.destroy();
    await expect(handshake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    await expect(handshake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })).rejects.toThrow();
  });

  test.each(['TLSv1.2', 'TLSv1.3'])('is never resumed (%s): each proves the certificate anew', async (version) => {
    const first = await handshake({ maxVersion: version, cert: svid.cert, key: svid.key });
    let session = first.getSession();
    first.on('session', (next) => (session = next));
    first.write(`GET /healthz HTTP/1.1\r\nhost: ${NAME}\r\n\r\n`);
    await new Promise((resolve) => first.once('data', resolve));
    first.destroy();
    const second = await handshake({ maxVersion: version, ...(session === undefined ? {} : { session }) });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  test('gets the next certificate when it is new, and goes on when it is not', async () => {
    const before = open();
    expect((await before.send('GET', '/healthz')).status).toBe(200);
    const next = await web.server(NAME);
    tls.present(next);
    const socket = await handshake({});
    expect(socket.getPeerX509Certificate()?.raw).toEqual(next.chain[0]);
    socket.destroy();
    const { access_token: issued } = await token(before);
    expect((await list(before, `Bearer ${issued}`)).status).toBe(200);
    expect(() => tls.present({ cert: next.cert, key: svid.key })).toThrow();
    expect((await open().send('GET', '/healthz')).status).toBe(200);
  });
});

test('the metadata say what is taken', async () => {
  const server = JSON.parse((await open(null).send('GET', '/.well-known/oauth-authorization-server')).body) as object;
  expect(server).toMatchObject({
    token_endpoint_auth_methods_supported: ['none', 'spiffe_jwt', 'spiffe_x509', 'private_key_jwt'],
    tls_client_certificate_bound_access_tokens: true,
  });
  const resource = (await open(null).send('GET', '/.well-known/oauth-protected-resource/v1')).body;
  expect(JSON.parse(resource)).toMatchObject({
    bearer_methods_supported: ['header'],
    dpop_bound_access_tokens_required: false,
    tls_client_certificate_bound_access_tokens: true,
  });
});
