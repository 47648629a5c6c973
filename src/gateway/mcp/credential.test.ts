/** Credentials of targets at the MCP gateway: an upstream that gives back whatever it gets. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import type { CredentialConfig } from '../../config/credential.ts';
import { createCredential } from '../../credential/create.ts';
import { createSecrets } from '../../credential/secrets.ts';
import { listen } from '../../../test/conformance/listen.ts';
import { stateless, textOf } from '../../../test/conformance/mcp-client.ts';
import { createOpenGateway, type OpenGateway } from '../../../test/conformance/open-gateway.ts';
import { openCredentialParts } from '../../../test/fixtures/credential-parts.ts';
import { createX509Authority } from '../../../test/fixtures/x509-authority.ts';

const CANARY = 'canary+of/the=target"x';
const closing: (() => Promise<unknown>)[] = [];
const env: Record<string, string | undefined> = {};
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Seen = { url: string; headers: Record<string, string>; body: string };

/** What an upstream answers to a call, given the request that it got. */
type Answer = (seen: Seen) => Response;

const resultOf = (text: string) => ({
  jsonrpc: '2.0',
  id: 1,
  result: { content: [{ type: 'text', text }], resultType: 'complete' },
});
const reflecting: Answer = (seen) => Response.json(resultOf(JSON.stringify([seen.url, seen.headers])));

async function upstream(answer: Answer): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const front = await listen(async (request) => {
    const { pathname, search } = new URL(request.url);
    const one = {
      url: pathname + search,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    };
    seen.push(one);
    if (!one.body.includes('"tools/list"')) return answer(one);
    const { id } = JSON.parse(one.body) as { id: unknown };
    const tools = [{ name: 'ask', description: 'Asks', inputSchema: { type: 'object' } }];
    return Response.json({ jsonrpc: '2.0', id, result: { tools } });
  });
  closing.push(() => front.close());
  return { url: `${front.url}/mcp?tenant=a`, seen };
}

async function open(url: string, config: CredentialConfig): Promise<OpenGateway> {
  const parts = await openCredentialParts();
  closing.push(() => parts.dispose());
  env['SECRET'] ??= CANARY;
  const secrets = createSecrets({ env, store: { open: async () => null }, vaults: new Map(), clock: parts.clock });
  const { credential } = createCredential(config, 'api', { ...parts, secrets });
  const target: TargetConfig = {
    name: 'api',
    kind: 'mcp',
    upstream: { kind: 'http', url, headers: {} },
    credential: config,
    sensitivity: 'internal',
    timeoutMs: 2000,
    maxAnswerBytes: 100_000,
    clientCapabilities: [],
    operations: { ask: { effect: 'read' } },
  };
  const made = createOpenGateway([target], { credential: () => credential });
  closing.push(() => made.gateway.close());
  return made;
}

const ask = (made: OpenGateway) => stateless(made.gateway, 'api', 'tools/call', { name: 'ask' });
const place = { fromEnv: 'SECRET' };
const HEADER: CredentialConfig = { kind: 'header', name: 'x-api-key', prefix: 'Key ', value: place };
const QUERY: CredentialConfig = { kind: 'query', name: 'api key', value: place };
const BASIC: CredentialConfig = { kind: 'basic', username: 'remit', password: place };

const KINDS: [string, CredentialConfig, (seen: Seen) => unknown, unknown][] = [
  ['header', HEADER, (seen) => seen.headers['x-api-key'], `Key ${CANARY}`],
  ['query', QUERY, (seen) => seen.url, `/mcp?tenant=a&api%20key=${encodeURIComponent(CANARY)}`],
  [
    'basic',
    BASIC,
    (seen) => seen.headers['authorization'],
    `Basic ${Buffer.from(`remit:${CANARY}`).toString('base64')}`,
  ],
];

test.each(KINDS)(
  'INVARIANT 7: %s is shown to the target, named in the outcome, and not given back',
  async (kind, config, shown, value) => {
    const { url, seen } = await upstream(reflecting);
    const made = await open(url, config);
    const answer = await ask(made);
    expect(seen.map(shown)).toEqual(seen.map(() => value));
    expect(seen.length).toBeGreaterThan(0);
    const text = textOf(answer);
    expect(text).toContain('[redacted]');
    for (const form of [CANARY, encodeURIComponent(CANARY), Buffer.from(`remit:${CANARY}`).toString('base64')]) {
      expect(JSON.stringify(answer)).not.toContain(form);
      expect(text).not.toContain(JSON.stringify(form).slice(1, -1));
    }
    await expect
      .poll(() => made.observed.at(-1)?.outcome)
      .toMatchObject({
        status: 'ok',
        credential: { kind, source: 'env:SECRET', version: null },
      });
  },
);

test('INVARIANT 7: in a stream, across the borders of its chunks, and in errors', async () => {
  const pieces = (text: string) =>
    new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const byte of Buffer.from(text)) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
  const { url } = await upstream(() => {
    const text = `data: ${JSON.stringify(resultOf(`the key is ${CANARY}`))}\n\n`;
    return new Response(pieces(text), { headers: { 'content-type': 'text/event-stream' } });
  });
  const text = textOf(await ask(await open(url, HEADER)));
  expect(text).toMatch(/^the key is \[redacted\]\*+$/);

  const failing = await upstream(({ headers }) =>
    Response.json({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: headers['x-api-key'] } }),
  );
  const refused = await ask(await open(failing.url, HEADER));
  expect(JSON.stringify(refused)).toContain('[redacted]');
  expect(JSON.stringify(refused)).not.toContain(JSON.stringify(CANARY).slice(1, -1));
});

test('a redirect is not followed, so the credential goes nowhere else', async () => {
  const elsewhere = await upstream(reflecting);
  const { url } = await upstream(() => new Response(null, { status: 307, headers: { location: elsewhere.url } }));
  expect(textOf(await ask(await open(url, HEADER)))).toBe(
    'failed: the target answered with a redirect, which is not followed',
  );
  expect(elsewhere.seen).toEqual([]);
});

test('without its secret a call fails, nothing is sent and nothing done; with another one the next call works', async () => {
  const { url, seen } = await upstream(reflecting);
  env['SECRET'] = CANARY;
  const made = await open(url, HEADER);
  await ask(made);
  const before = seen.length;
  delete env['SECRET'];
  const answer = await ask(made);
  expect(textOf(answer)).toBe(
    'failed: the credential that remit holds for the target is not to be had; ask an operator to check it',
  );
  expect(seen).toHaveLength(before);
  await expect.poll(() => made.observed.at(-1)?.outcome).toMatchObject({ status: 'failed', nothingDone: true });
  expect(made.observed.at(-1)?.outcome).not.toHaveProperty('credential');
  env['SECRET'] = 'another-secret';
  await ask(made);
  expect(seen.at(-1)?.headers['x-api-key']).toBe('Key another-secret');
  env['SECRET'] = CANARY;
});

test.each(['a secret\nX-Other: b', 'a secret\r', 'a\0secret', 'a secret '])(
  'a secret that no header can hold (%j) is sent nowhere',
  async (value) => {
    const { url, seen } = await upstream(reflecting);
    env['SECRET'] = value;
    const answer = await ask(await open(url, HEADER));
    env['SECRET'] = CANARY;
    expect(JSON.stringify(answer)).toContain('is not to be had');
    expect(seen).toEqual([]);
  },
);

test('a header of the same name that the client sends is not sent', async () => {
  const { url, seen } = await upstream(reflecting);
  const made = await open(url, { ...HEADER, name: 'mcp-method' });
  await ask(made);
  expect(seen.at(-1)?.headers['mcp-method']).toBe(`Key ${CANARY}`);
});

test('a client certificate is shown, and another one on another connection', async () => {
  const authority = await createX509Authority('targets');
  const [server, first, second] = await Promise.all([
    authority.server('localhost'),
    authority.svid('spiffe://example.test/first'),
    authority.svid('spiffe://example.test/second'),
  ]);
  const shown: (string | undefined)[] = [];
  const tls = createServer(
    { cert: server.cert, key: server.key, ca: authority.pem, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      shown.push((request.socket as TLSSocket).getPeerCertificate().subjectaltname);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const list = body.includes('"tools/list"');
        const { id } = JSON.parse(body) as { id: unknown };
        const tools = [{ name: 'ask', description: 'Asks', inputSchema: { type: 'object' } }];
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(list ? { jsonrpc: '2.0', id, result: { tools } } : resultOf('ok')));
      });
    },
  );
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    tls.closeAllConnections();
    tls.close();
  });
  const trusted = getCACertificates('default');
  setDefaultCACertificates([authority.pem]);
  closing.push(async () => setDefaultCACertificates(trusted));
  const url = `https://localhost:${(tls.address() as AddressInfo).port}/mcp`;
  Object.assign(env, { CERT: first.cert, SECRET: first.key });
  const made = await open(url, { kind: 'client_certificate', certificate: { fromEnv: 'CERT' }, key: place });
  expect(textOf(await ask(made))).toBe('ok');
  Object.assign(env, { CERT: second.cert, SECRET: second.key });
  expect(textOf(await ask(made))).toBe('ok');
  expect(shown[0]).toBe('URI:spiffe://example.test/first');
  expect(shown.at(-1)).toBe('URI:spiffe://example.test/second');
  env['CERT'] = first.cert;
  expect(textOf(await ask(made))).toContain('is not to be had');
  env['SECRET'] = CANARY;
});
