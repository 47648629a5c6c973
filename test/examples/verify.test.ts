import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askForIdentity } from '../../src/cli/agent.ts';
import { DpopKey, requestToken } from '../../src/cli/bound-tokens.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import { requestTask } from '../harness/quickstart.ts';
import { createVerifier, type Introspect } from '../../src/verify/index.ts';
import { freePort, root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

/** The package as it is published, in a folder with nothing else of this repository, used by the examples. */
const AGENT = 'spiffe://remit.local/agent/summariser';
const RESOURCE_SERVER = 'spiffe://remit.local/server/files';
const bin = (name: string) => join(root, 'node_modules/.bin', name);

let folder: string;
let remit: RemitProcess;
let token: string;
let key: DpopKey;
let task: string;
const closing: (() => void)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-verify-'));
  const installed = join(folder, 'node_modules/remit');
  mkdirSync(installed, { recursive: true });
  execFileSync(bin('tsc'), ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')]);
  copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
  for (const name of ['jose', 'hono', '@hono', 'express', '@types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const name of ['hono.ts', 'express.ts']) copyFileSync(join(root, 'examples/verify', name), join(folder, name));
  remit = await startRemit({
    prepare: (copy) => {
      const file = join(copy, 'targets/files.yaml');
      writeFileSync(file, `${readFileSync(file, 'utf8')}\nresource_server: ${RESOURCE_SERVER}\n`);
    },
  });
  ({ token, key, task } = await agentToken());
}, 60_000);
afterAll(async () => {
  for (const close of closing) close();
  await remit?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** A token of the real token service for the target `files`. */
async function agentToken() {
  const { url, dataDir } = remit;
  const grant = join(remit.folder, 'summarise.yaml');
  const { id } = await requestTask(remit, { agent: AGENT, purpose: 'read the notes', grant });
  const identity = await askForIdentity(join(dataDir, 'dev', 'authority.sock'), AGENT);
  closing.push(identity.release);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  const held = await DpopKey.generate();
  const api = await requestToken(
    url,
    {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
      client_assertion: (await workload.fetchJwtSvid(url)).svid,
      resource: `${url}/v1`,
    },
    held,
  );
  const shown = await held.send(`${url}/v1/tasks/${id}`, {}, api.accessToken);
  const { subject_token: subjectToken } = (await shown.json()) as { subject_token: string };
  const { accessToken } = await requestToken(
    url,
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subjectToken,
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      actor_token: (await workload.fetchJwtSvid(url)).svid,
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      resource: `${url}/mcp/files`,
    },
    held,
  );
  return { token: accessToken, key: held, task: id };
}

/** How the resource asks Remit, as docs/verify.md has it. */
async function introspectAs(id: string): Promise<Introspect> {
  const identity = await askForIdentity(join(remit.dataDir, 'dev', 'authority.sock'), id);
  closing.push(identity.release);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  return async (text, signal) => {
    const body = new URLSearchParams({
      token: text,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
      client_assertion: (await workload.fetchJwtSvid(remit.url)).svid,
    });
    const response = await fetch(`${remit.url}/introspect`, { method: 'POST', body, signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  };
}

async function start(name: string, audience = `${remit.url}/mcp/files`): Promise<string> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const child: ChildProcess = spawn(process.execPath, [join(folder, name)], {
    env: { PATH: process.env['PATH'], REMIT_URL: remit.url, AUDIENCE: audience, PUBLIC_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  closing.push(() => void child.kill());
  let printed = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (printed += String(text)));
  await until(() => {
    if (child.exitCode !== null) throw new Error(printed);
    return printed.includes('listening on');
  }, 20_000);
  return url;
}

test('what is published needs nothing but jose, and nothing of server, store or decision', () => {
  const dist = join(folder, 'node_modules/remit/dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  const folders = new Set(files.map((name) => name.split('/')[0]));
  expect(folders).toEqual(new Set(['config', 'core', 'identity', 'token', 'verify']));
  const imported = files.flatMap((name) =>
    [...readFileSync(join(dist, name), 'utf8').matchAll(/from '([^.'][^']*)'/g)].map(([, module]) => module!),
  );
  expect([...new Set(imported)].filter((name) => !name.startsWith('node:'))).toEqual(['jose']);
});

test('its types are those that somebody who installs it sees', () => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { createVerifier, type VerifyResult } from 'remit/verify';
     const verify = createVerifier({ issuer: 'https://a.example', audience: 'https://b.example' });
     const result: VerifyResult = await verify({ method: 'GET', url: 'https://b.example', headers: {} });
     export const agent: string = result.ok ? result.token.agent : result.reason;
     // @ts-expect-error: an audience is not optional
     createVerifier({ issuer: 'https://a.example' });`,
  );
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  execFileSync(bin('tsc'), [...options, join(folder, 'use.ts')], { cwd: folder, encoding: 'utf8' });
});

describe.each(['hono.ts', 'express.ts'])('%s', (name) => {
  test('serves who shows a token of Remit with a proof, and says who that is', async () => {
    const url = await start(name);
    const answer = await key.send(`${url}/notes`, {}, token);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { notes: ['buy milk'], for: `${remit.url}/dev/idp|alice`, by: AGENT, task },
    ]);
    const nothing = await fetch(`${url}/notes`);
    expect([nothing.status, nothing.headers.get('www-authenticate')]).toEqual([
      401,
      'DPoP algs="ES256 ES384 EdDSA Ed25519 PS256 RS256"',
    ]);
    const stolen = await (await DpopKey.generate()).send(`${url}/notes`, {}, token);
    expect([stolen.status, await stolen.json()]).toEqual([401, { error: 'invalid_token' }]);
    const bearer = await fetch(`${url}/notes`, { headers: { authorization: `Bearer ${token}` } });
    expect([bearer.status, bearer.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('DPoP error="invalid_token"'),
    ]);
  });

  test('refuses a token for another resource', async () => {
    const url = await start(name, `${remit.url}/mcp/memory`);
    const answer = await key.send(`${url}/notes`, {}, token);
    expect([answer.status, await answer.json()]).toEqual([401, { error: 'invalid_token' }]);
  });
});

test('where Remit is asked, a token is refused as soon as its task has ended, and for who may not ask', async () => {
  const held = await agentToken();
  const url = 'https://notes.example.test/notes';
  const options = { issuer: remit.url, audience: `${remit.url}/mcp/files` };
  const shown = async () => {
    const proof = await held.key.proof('GET', url, held.token);
    return { method: 'GET', url, headers: { authorization: `DPoP ${held.token}`, dpop: proof } };
  };
  const verify = createVerifier({ ...options, introspection: { ask: await introspectAs(RESOURCE_SERVER) } });
  const stranger = createVerifier({ ...options, introspection: { ask: await introspectAs(AGENT) } });
  expect(await verify(await shown())).toMatchObject({ ok: true, token: { task: held.task } });
  expect(await stranger(await shown())).toMatchObject({ ok: false, error: 'temporarily_unavailable' });
  await remit.cli(['task', 'revoke', held.task, '--as', 'alice', '--reason', 'test']);
  expect(await verify(await shown())).toMatchObject({
    ok: false,
    error: 'invalid_token',
    reason: 'the token is not active any more',
  });
  // Without asking it is good until it expires.
  expect(await createVerifier(options)(await shown())).toMatchObject({ ok: true });
});
