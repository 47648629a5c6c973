import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { CredentialConfig } from './credential.ts';
import { nameOfPlace, type SecretPlace } from './secret-place.ts';
import { readTargetFile } from './target-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'remit-credential-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TARGET = 'name: crm\nkind: mcp\nsensitivity: internal\noperations: {}\n';
const HTTP = 'upstream: { http: { url: "https://crm.example.com/mcp", headers: { X-Team: { value: a } } } }\n';
const OAUTH = 'token_url: "https://as.example.com/token", client_id: remit';
const request = (proof: object) => ({
  tokenUrl: 'https://as.example.com/token',
  revocationUrl: null,
  client: { id: 'remit', proof },
  scope: null,
  resource: null,
});
const basicProof = { method: 'client_secret_basic', secret: { fromEnv: 'S' } };

function read(credential: string, upstream = HTTP): CredentialConfig | undefined {
  const file = join(folder, 'crm.yaml');
  writeFileSync(file, `${TARGET}${upstream}credential: ${credential}\n`);
  return readTargetFile(file, folder).credential;
}

test.each<[string, unknown]>([
  [
    '{ kind: header, name: Authorization, prefix: "Bearer ", value: { from_env: CRM_TOKEN } }',
    { kind: 'header', name: 'authorization', prefix: 'Bearer ', value: { fromEnv: 'CRM_TOKEN' } },
  ],
  [
    '{ kind: query, name: api_key, value: { from_file: key } }',
    { kind: 'query', name: 'api_key', value: { fromFile: join(folder, 'key') } },
  ],
  [
    '{ kind: basic, username: remit, password: { from_store: crm.password } }',
    { kind: 'basic', username: 'remit', password: { fromStore: 'crm.password' } },
  ],
  [
    '{ kind: basic, username: { from_env: U }, password: { from_command: [op, read, x] } }',
    { kind: 'basic', username: { fromEnv: 'U' }, password: { fromCommand: ['op', 'read', 'x'], folder } },
  ],
  [
    `{ kind: oauth_client, ${OAUTH}, client_secret: { from_env: S } }`,
    { kind: 'oauth_client', ...request(basicProof) },
  ],
  [
    `{ kind: oauth_client, ${OAUTH}, private_key: { from_file: k.jwk }, key_id: k1, scope: "a b", resource: "https://crm.example.com/", revocation_url: "https://as.example.com/revoke" }`,
    {
      kind: 'oauth_client',
      ...request({
        method: 'private_key_jwt',
        key: { fromFile: join(folder, 'k.jwk') },
        keyId: 'k1',
        audience: 'https://as.example.com/token',
      }),
      scope: 'a b',
      resource: 'https://crm.example.com/',
      revocationUrl: 'https://as.example.com/revoke',
    },
  ],
  [
    `{ kind: refresh_token, ${OAUTH}, refresh_token: { from_store: crm-refresh } }`,
    { kind: 'refresh_token', ...request({ method: 'none' }), refreshToken: { fromStore: 'crm-refresh' } },
  ],
  [
    `{ kind: token_exchange, ${OAUTH}, client_secret: { from_env: S }, client_secret_method: post }`,
    {
      kind: 'token_exchange',
      ...request({ ...basicProof, method: 'client_secret_post' }),
      subject: 'delegator',
      audience: null,
    },
  ],
  [
    `{ kind: id_jag, ${OAUTH}, client_secret: { from_env: S }, audience: "https://as.example.com" }`,
    { kind: 'id_jag', ...request(basicProof), audience: 'https://as.example.com' },
  ],
  [
    '{ kind: aws_sigv4, region: eu-central-1, service: execute-api, access_key_id: AKIDEXAMPLE, secret_access_key: { from_vault: { vault: main, path: secret/aws, field: key } } }',
    {
      kind: 'aws_sigv4',
      region: 'eu-central-1',
      service: 'execute-api',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: { fromVault: { vault: 'main', path: 'secret/aws', field: 'key' } },
      sessionToken: null,
    },
  ],
  [
    '{ kind: client_certificate, certificate: { from_file: c.pem }, key: { from_file: c.key } }',
    {
      kind: 'client_certificate',
      certificate: { fromFile: join(folder, 'c.pem') },
      key: { fromFile: join(folder, 'c.key') },
    },
  ],
  [
    `{ kind: delegator, ${OAUTH}, client_secret: { from_env: S }, authorization_url: "https://as.example.com/auth", issuer: "https://as.example.com" }`,
    {
      kind: 'delegator',
      ...request(basicProof),
      authorizationUrl: 'https://as.example.com/auth',
      issuer: 'https://as.example.com',
    },
  ],
])('%s is read', (form, expected) => {
  expect(read(form)).toEqual(expected);
});

test.each<[string, string]>([
  ['{ kind: header, name: Authorization, value: { value: secret } }', '`credential.value'],
  ['{ kind: header, name: Host, value: { from_env: A } }', 'expected a header that does not frame the message'],
  ['{ kind: header, name: "X Y", value: { from_env: A } }', 'expected the name of a header'],
  ['{ kind: header, name: X-Team, value: { from_env: A } }', 'is among the `headers` of the upstream too'],
  ['{ kind: header, name: A, prefix: "a\\nb", value: { from_env: A } }', 'expected printable ASCII'],
  ['{ kind: password, value: { from_env: A } }', '`credential.kind`'],
  ['{ kind: query, name: k, value: { from_store: ../etc } }', 'expected a name of a-z'],
  [
    '{ kind: query, name: k, value: { from_vault: { vault: m, path: secret/../sys, field: k } } }',
    'expected no `.` and `..`',
  ],
  [
    '{ kind: oauth_client, token_url: "http://as.example.com/token", client_id: a, client_secret: { from_env: S } }',
    'expected an https URL',
  ],
  [
    `{ kind: oauth_client, ${OAUTH}, client_secret: { from_env: S }, private_key: { from_env: K } }`,
    'expected one of `client_secret` and `private_key`',
  ],
  [`{ kind: oauth_client, ${OAUTH} }`, 'expected a `client_secret` or a `private_key`'],
])('%s is refused', (form, message) => {
  expect(() => read(form)).toThrow(message);
});

test.each([
  ['{ kind: header, name: X-Api-Key, value: { from_env: A } }', 'headers: [x-api-key]'],
  ['{ kind: query, name: key, value: { from_env: A } }', 'query: [page, key]'],
])('%s cannot be an argument of an operation too: %s', (credential, declared) => {
  const file = join(folder, 'api.yaml');
  writeFileSync(
    file,
    `name: api
protocol: http
upstream: { url: https://api.example.com }
credential: ${credential}
sensitivity: internal
operations: { list: { request: GET /things, effect: read, ${declared} } }
`,
  );
  expect(() => readTargetFile(file, folder)).toThrow("is the target's credential, not an argument");
});

test('a process has no credential of this form', () => {
  const stdio = 'upstream: { stdio: { command: node } }\n';
  expect(() => read('{ kind: query, name: k, value: { from_env: A } }', stdio)).toThrow(
    '`credential` is for an HTTP upstream; a process takes its secrets from `env`',
  );
});

test.each<[SecretPlace, string]>([
  [{ fromEnv: 'A' }, 'env:A'],
  [{ fromFile: '/run/a' }, 'file:/run/a'],
  [{ fromStore: 'a' }, 'store:a'],
  [{ fromCommand: ['op', 'read', '--password=p'], folder: '/' }, 'command:op'],
  [{ fromVault: { vault: 'm', path: 'secret/a', field: 'f' } }, 'vault:m/secret/a#f'],
])('a place has a name without anything secret', (place, name) => {
  expect(nameOfPlace(place)).toBe(name);
});
