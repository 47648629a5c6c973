/** Credentials of targets at the HTTP gateway: an API that gives back whatever it gets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { TargetConfig } from '../../config/config.ts';
import type { CredentialConfig } from '../../config/credential.ts';
import { readTargetFile } from '../../config/target-file.ts';
import { createCredential } from '../../credential/create.ts';
import { listen, type Listening } from '../../../test/conformance/listen.ts';
import { openCredentialParts, type OpenCredentialParts } from '../../../test/fixtures/credential-parts.ts';
import { openHttpFront, type HttpFront } from '../../../test/harness/http-front.ts';
import { stripOf } from '../../credential/strip.ts';
import { createInject } from './inject.ts';

const CANARY = 'canary+of/the=target"x';
const KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

const folder = mkdtempSync(join(tmpdir(), 'remit-http-credential-'));
afterAll(() => rmSync(folder, { recursive: true }));

let api: Listening;
let parts: OpenCredentialParts;
let seen: { url: string; headers: Record<string, string> }[];
/** What the API answers; everything that it got, unless told. */
let answer: ((text: string) => Response) | null;
const opened: HttpFront[] = [];
beforeEach(async () => {
  seen = [];
  answer = null;
  parts = await openCredentialParts();
  Object.assign(parts.env, { SECRET: CANARY, KEY });
  api = await listen(async (request) => {
    if (new URL(request.url).pathname === '/token') {
      return Response.json({ access_token: `${CANARY.replaceAll('"', '')}.token`, token_type: 'bearer' });
    }
    const { pathname, search } = new URL(request.url);
    const got = { url: pathname + search, headers: Object.fromEntries(request.headers) };
    seen.push(got);
    const text = JSON.stringify([got, Buffer.from(JSON.stringify(got)).toString('base64')]);
    return answer === null ? new Response(text, { headers: { 'x-seen': encodeURIComponent(text) } }) : answer(text);
  });
});
afterEach(async () => {
  for (const front of opened.splice(0)) await front.close();
  await api.close();
  await parts.dispose();
});

async function call(config: CredentialConfig, request = 'GET /things?page=1'): Promise<string> {
  const file = join(folder, 'api.yaml');
  writeFileSync(
    file,
    `name: api
protocol: http
upstream: { url: '${api.url}', private: true }
sensitivity: internal
operations: { list: { request: GET /things, query: [page], effect: read } }
`,
  );
  const target: TargetConfig = { ...readTargetFile(file, folder), credential: config };
  const { credential } = createCredential(config, 'api', parts);
  const front = await openHttpFront([target], {
    hooks: {
      reveal: (departing) => departing,
      inject: createInject({ credential: () => credential, readSecret: () => '', tellTarget: async () => ({}) }),
      follow: () => undefined,
      reading: () => 'streamed',
      streamed: () => [],
      conceal: (whole) => whole,
      strip: stripOf,
    },
  });
  opened.push(front);
  const [method, path] = request.split(' ');
  const raw = await front.raw(
    `${method} /http/api${path} HTTP/1.1\r\nHost: remit.example.test\r\nConnection: close\r\n\r\n`,
  );
  await expect.poll(() => front.observed.length, { message: raw }).toBe(1);
  return raw;
}

const place = { fromEnv: 'SECRET' };
const KINDS: [string, () => CredentialConfig, string[]][] = [
  ['header', () => ({ kind: 'header', name: 'x-api-key', prefix: '', value: place }), [CANARY]],
  ['query', () => ({ kind: 'query', name: 'key', value: place }), [CANARY]],
  [
    'basic',
    () => ({ kind: 'basic', username: 'remit', password: place }),
    [CANARY, Buffer.from(`remit:${CANARY}`).toString('base64')],
  ],
  [
    'aws_sigv4',
    () => ({
      kind: 'aws_sigv4',
      region: 'eu-central-1',
      service: 'execute-api',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: { fromEnv: 'KEY' },
      sessionToken: place,
    }),
    [CANARY, KEY],
  ],
  [
    'oauth_client',
    () => ({
      kind: 'oauth_client',
      tokenUrl: `${api.url}/token`,
      revocationUrl: null,
      client: { id: 'remit', proof: { method: 'client_secret_basic', secret: place } },
      scope: null,
      resource: null,
    }),
    [CANARY, `${CANARY.replaceAll('"', '')}.token`],
  ],
];

test.each(KINDS)(
  'INVARIANT 7: %s is shown to the API, named in the outcome, and given back nowhere',
  async (kind, config, secrets) => {
    const raw = await call(config());
    expect(raw).toMatch(/^HTTP\/1.1 200/);
    expect(seen).toHaveLength(1);
    const got = JSON.stringify(seen);
    expect(
      secrets.some(
        (secret) => got.includes(JSON.stringify(secret).slice(1, -1)) || got.includes(encodeURIComponent(secret)),
      ),
    ).toBe(true);
    expect(raw).toContain('[redacted]');
    for (const secret of secrets) {
      for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        Buffer.from(secret).toString('base64').slice(0, -4),
      ]) {
        expect(raw).not.toContain(form);
      }
    }
    expect(opened[0]!.observed[0]!.outcome).toMatchObject({ status: 'ok', credential: { kind } });
  },
);

test('without its secret the API is not asked, and the agent learns no more than that', async () => {
  delete parts.env['SECRET'];
  const raw = await call(KINDS[0]![1]());
  expect(raw).toMatch(/^HTTP\/1.1 502/);
  expect(raw).toContain('urn:remit:problem:credential_unavailable');
  expect(raw).not.toContain('SECRET');
  expect(seen).toEqual([]);
  expect(opened[0]!.observed[0]!.outcome).toMatchObject({ status: 'failed', nothingDone: true });
});

test('a redirect that carries the credential along loses it', async () => {
  answer = (text) =>
    new Response(null, {
      status: 302,
      headers: { location: `https://elsewhere.example/?${encodeURIComponent(text)}` },
    });
  const raw = await call(KINDS[1]![1]());
  expect(raw).not.toContain(encodeURIComponent(CANARY));
  expect(seen).toHaveLength(1);
});
