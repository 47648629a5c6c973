/** The KV engine of Vault, over a server that answers as its API documents. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listen, type Listening } from '../../test/conformance/listen.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { createVault } from './vault.ts';

const TOKEN = 'hvs.token-of-remit';
const CANARY = 'canary-in-the-vault';
const signal = new AbortController().signal;

let server: Listening;
let env: Record<string, string>;
let secrets: Secrets;
let kept: Map<string, { version: number; data: Record<string, unknown> | null }>;
let seen: { path: string; namespace: string | null }[];
/** Stands in for the next answer. */
let instead: (() => Response) | null;
beforeEach(async () => {
  env = { VAULT_TOKEN: TOKEN };
  kept = new Map([['secret/data/crm/prod', { version: 4, data: { token: CANARY, port: 443 } }]]);
  seen = [];
  instead = null;
  server = await listen(async (request) => {
    const { pathname } = new URL(request.url);
    seen.push({ path: pathname, namespace: request.headers.get('x-vault-namespace') });
    if (instead !== null) return instead();
    if (request.headers.get('x-vault-token') !== TOKEN) {
      return Response.json({ errors: ['permission denied'] }, { status: 403 });
    }
    const found = kept.get(pathname.replace('/v1/', ''));
    if (found === undefined) return Response.json({ errors: [] }, { status: 404 });
    const metadata = {
      created_time: '2026-11-25T00:00:00Z',
      deletion_time: '',
      destroyed: false,
      version: found.version,
    };
    // A deleted version is a 404 that has a body (KV version 2, "Read secret version").
    return Response.json(
      { request_id: 'r', lease_id: '', renewable: false, lease_duration: 0, data: { data: found.data, metadata } },
      { status: found.data === null ? 404 : 200 },
    );
  });
  const own = { env, store: { open: async () => null }, clock: Date.now };
  const outside = createSecrets({ ...own, vaults: new Map() });
  const vault = createVault(
    { address: server.url, token: { fromEnv: 'VAULT_TOKEN' }, namespace: 'team-a' },
    { secrets: outside },
  );
  secrets = createSecrets({ ...own, vaults: new Map([['main', vault]]) });
});
afterEach(() => server.close());

const read = (path = 'secret/crm/prod', field = 'token') =>
  secrets.read({ fromVault: { vault: 'main', path, field } }, signal);

test('a field of a secret is read with its version, in the namespace', async () => {
  expect(await read()).toEqual({ value: CANARY, version: '4' });
  expect(seen).toEqual([{ path: '/v1/secret/data/crm/prod', namespace: 'team-a' }]);
});

test('a new version is read once the target refused the one before', async () => {
  const place = { fromVault: { vault: 'main', path: 'secret/crm/prod', field: 'token' } };
  await secrets.read(place, signal);
  kept.set('secret/data/crm/prod', { version: 5, data: { token: 'another-value' } });
  expect(await secrets.read(place, signal)).toEqual({ value: CANARY, version: '4' });
  secrets.forget(place);
  expect(await secrets.read(place, signal)).toEqual({ value: 'another-value', version: '5' });
});

test.each<[string, () => void, string, [path?: string, field?: string]]>([
  ['another secret', () => {}, 'has no such secret', ['secret/erp']],
  ['a deleted version', () => kept.set('secret/data/crm/prod', { version: 4, data: null }), 'version was deleted', []],
  ['another field', () => {}, 'has no such field', [undefined, 'none']],
  ['a field of the prototype', () => {}, 'has no such field', [undefined, 'constructor']],
  ['a field that is no text', () => {}, 'it is no text', [undefined, 'port']],
  ['a token that is not good', () => void (env['VAULT_TOKEN'] = 'wrong-token'), 'does not let remit read it', []],
  [
    'no token',
    () => void delete env['VAULT_TOKEN'],
    'its token: secret `env:VAULT_TOKEN`: the variable is not set',
    [],
  ],
  ['a sealed vault', () => void (instead = () => new Response('{}', { status: 503 })), 'is sealed', []],
  ['a redirect', () => void (instead = () => Response.redirect('http://127.0.0.1:1/', 307)), 'status 307', []],
  ['no JSON', () => void (instead = () => new Response(`<html>${CANARY}`)), 'no secret of a KV engine', []],
  [
    'version 1',
    () => void (instead = () => Response.json({ data: { token: CANARY } })),
    'no secret of a KV engine',
    [],
  ],
  ['a flood', () => void (instead = () => new Response('x'.repeat(300_000))), 'no secret of a KV engine', []],
])('%s is a failure that says so, and holds nothing secret', async (_name, change, detail, [path, field]) => {
  change();
  const failure = await read(path, field).catch((error: unknown) => error as CredentialUnavailable);
  expect(failure).toBeInstanceOf(CredentialUnavailable);
  expect((failure as CredentialUnavailable).detail).toContain(detail);
  const everything = JSON.stringify(failure, Object.getOwnPropertyNames(failure));
  for (const one of [CANARY, TOKEN]) expect(everything).not.toContain(one);
});

test('a vault that is not there', async () => {
  await server.close();
  await expect(read()).rejects.toMatchObject({ detail: expect.stringContaining('cannot be reached') });
});
