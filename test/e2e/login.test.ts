import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, chmodSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { browse, CLIENT_ID, startIdentityProvider, type IdentityProvider } from '../harness/identity-provider.ts';
import { pathWithBins, root, startRemit, until, type CliResult, type RemitProcess } from '../harness/remit-process.ts';

/** `remit login` as people use it: the program, a Remit, and `oidc-provider` as their identity provider. */

const main = join(root, 'src/main.ts');
let idp: IdentityProvider;
let remit: RemitProcess;
let home: string;

beforeAll(async () => {
  // An ID token that is good for a minute is renewed at each command.
  idp = await startIdentityProvider({ idTokenSeconds: 60 });
  remit = await startRemit({
    prepare: (folder) => {
      const file = join(folder, 'remit.yaml');
      const provider = [
        `- issuer: ${idp.issuer}`,
        `      client_id: ${CLIENT_ID}`,
        '      scopes: [openid, profile, offline_access]',
        '      groups_claim: /realm_access/roles',
        '      required_acr: [phr]',
        '      max_auth_age_seconds: 3600',
      ].join('\n');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/- dev: true.*/, provider));
    },
  });
}, 30_000);
afterAll(async () => {
  await remit.dispose();
  await idp.close();
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'remit-home-'));
  Object.assign(idp.person, { sub: 'ann', acr: 'phr', groups: ['staff'] });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const logins = () => join(home, 'remit', 'logins');
const cli = (...args: string[]) => remit.cli(args, { env: { XDG_DATA_HOME: home } });

/** `remit login`, with somebody who does what it prints. */
async function login(args: string[], act: (printed: string) => Promise<unknown>): Promise<CliResult> {
  const child = spawn(process.execPath, [main, 'login', ...args], {
    env: { ...process.env, PATH: pathWithBins, REMIT_URL: remit.url, REMIT_DATA: remit.dataDir, XDG_DATA_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until(() => /^ {2}\S.*\n/m.test(stderr) || child.exitCode !== null, 20_000);
  if (child.exitCode === null) await act(stderr);
  return { code: await closed, stdout, stderr };
}

const urlIn = (printed: string) => /^ {2}(http\S+)$/m.exec(printed)![1]!;
const byBrowser = () => login([], async (printed) => browse(urlIn(printed)));

describe('in a browser on this machine', () => {
  test('a person signs in, works, is told who they are, and signs out', async () => {
    let page = '';
    const signedIn = await login(['--json'], async (printed) => {
      const url = new URL(urlIn(printed));
      expect(Object.fromEntries(url.searchParams)).toMatchObject({
        client_id: CLIENT_ID,
        code_challenge_method: 'S256',
        acr_values: 'phr',
        max_age: '3600',
        scope: 'openid profile offline_access',
        nonce: expect.stringMatching(/^.{40,}$/),
        state: expect.stringMatching(/^.{40,}$/),
        redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
      });
      page = (await browse(url.href)).text;
    });
    expect(signedIn).toMatchObject({ code: 0 });
    expect(JSON.parse(signedIn.stdout)).toMatchObject({ issuer: idp.issuer, subject: 'ann', name: 'Ann', acr: 'phr' });
    expect(page).toContain('You are signed in');

    const [file] = readdirSync(logins());
    expect(statSync(logins()).mode & 0o777).toBe(0o700);
    expect(statSync(join(logins(), file!)).mode & 0o777).toBe(0o600);
    const kept = () => JSON.parse(readFileSync(join(logins(), file!), 'utf8')) as Record<string, string>;
    const first = kept();
    expect(signedIn.stdout + signedIn.stderr).not.toContain(first['id_token']);

    // Two at once: the refresh token is good once, and both get in.
    const both = await Promise.all([cli('task', 'list'), cli('task', 'list')]);
    expect(both.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect(kept()['refresh_token']).not.toBe(first['refresh_token']);
    expect(readdirSync(logins())).toEqual([file]);

    expect(await cli('whoami')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`ann (Ann) of ${idp.issuer}`),
    });
    const out = await cli('logout', '--json');
    expect(JSON.parse(out.stdout)).toEqual({ issuer: idp.issuer, subject: 'ann', revoked: true });
    expect(idp.revoked).toHaveLength(1);
    expect(readdirSync(logins())).toEqual([]);
    expect(await cli('task', 'list')).toMatchObject({ code: 4, stderr: expect.stringContaining('run `remit login`') });
  }, 40_000);

  test('groups of a nested claim reach policy: what staff may, others may not', async () => {
    const request = ['task', 'request', '--agent', 'spiffe://remit.local/agent/summariser', '--purpose', 'summarise'];
    const grant = ['--grant', join(remit.folder, 'summarise.yaml')];
    expect((await byBrowser()).code).toBe(0);
    expect((await cli(...request, ...grant)).code).toBe(0);
    idp.person.groups = [];
    idp.person.sub = 'ben';
    expect((await byBrowser()).code).toBe(0);
    expect((await cli(...request, ...grant)).code).toBe(3);
  }, 40_000);

  test('a sign-in that is too weak for Remit is not kept', async () => {
    idp.person.acr = 'pwd';
    const weak = await byBrowser();
    expect(weak).toMatchObject({ code: 4, stderr: expect.stringContaining('the ID token is not valid here') });
    expect(await cli('whoami')).toMatchObject({ code: 4 });
  }, 20_000);

  test('a refusal is told, without what would move the cursor', async () => {
    idp.person.sub = '';
    let page = '';
    const refused = await login([], async (printed) => {
      page = (await browse(urlIn(printed))).text;
    });
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('does not sign you in: not today') });
    expect(refused.stderr).not.toContain('\u001b');
    expect(page).toContain('You are not signed in');
  }, 20_000);

  test('whatever else comes to the port is turned away; a stolen code of another sign-in, too', async () => {
    const answers: number[] = [];
    const signedIn = await login([], async (printed) => {
      const url = urlIn(printed);
      const parameters = new URL(url).searchParams;
      const callback = parameters.get('redirect_uri')!;
      const state = encodeURIComponent(parameters.get('state')!);
      for (const odd of ['', '?code=x', '?code=x&state=guess', '?code=x&state=']) {
        answers.push((await fetch(`${callback}${odd}`)).status);
      }
      answers.push((await fetch(`${callback}/x?code=x&state=${state}`)).status);
      answers.push((await fetch(`${callback}?code=x&state=${state}`, { method: 'POST' })).status);
      answers.push(
        (
          await fetch(`${callback.replace('127.0.0.1', 'localhost')}?code=x&state=${state}`).catch(() => ({
            status: 404,
          }))
        ).status,
      );
      await browse(url);
    });
    expect(answers).toEqual(answers.map(() => 404));
    expect(signedIn.code).toBe(0);
  }, 20_000);

  test.each([
    ['another issuer (RFC 9207)', (iss: string) => `&iss=${encodeURIComponent(`${iss}/other`)}`],
    ['no issuer, though the provider says it sends one', () => ''],
  ])(
    'an answer of %s is refused',
    async (_name, iss) => {
      const mixed = await login([], async (printed) => {
        const parameters = new URL(urlIn(printed)).searchParams;
        const state = encodeURIComponent(parameters.get('state')!);
        await fetch(`${parameters.get('redirect_uri')}?code=x&state=${state}${iss(idp.issuer)}`);
      });
      expect(mixed.code).toBe(4);
    },
    20_000,
  );
});

test('on another device, with the code that is shown', async () => {
  const signedIn = await login(['--device'], async (printed) => {
    const verification = /sign in at {2}(\S+)/.exec(printed)![1]!;
    const code = /with code (\S+),/.exec(printed)![1]!;
    const done = await browse(`${verification}?user_code=${code}`);
    expect(done.text).toContain('the device is signed in');
  });
  expect(signedIn).toMatchObject({ code: 0, stdout: expect.stringContaining('ann (Ann)') });
  expect((await cli('task', 'list')).code).toBe(0);
}, 40_000);

describe('what is kept', () => {
  test('is refused when others can read it, or when it is damaged', async () => {
    expect((await byBrowser()).code).toBe(0);
    const file = join(logins(), readdirSync(logins())[0]!);
    chmodSync(file, 0o644);
    expect(await cli('whoami')).toMatchObject({ code: 78, stderr: expect.stringContaining('others can read') });
    chmodSync(file, 0o600);
    writeFileSync(file, '{"id_token":"secret');
    const damaged = await cli('whoami');
    expect(damaged).toMatchObject({ code: 78, stderr: expect.stringContaining('is no sign-in') });
    expect(damaged.stderr).not.toContain('secret');
  }, 20_000);

  test('ends with a renewal that the provider refuses, and says so', async () => {
    expect((await byBrowser()).code).toBe(0);
    const file = join(logins(), readdirSync(logins())[0]!);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...kept, expires_at: 1, refresh_token: 'revoked' }));
    expect(await cli('task', 'list')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('has ended; run `remit login`'),
    });
    writeFileSync(file, JSON.stringify({ ...kept, expires_at: 1, subject: 'bob' }));
    expect(await cli('task', 'list')).toMatchObject({ code: 4, stderr: expect.stringContaining('somebody else') });
  }, 20_000);

  test('must be chosen among several, and one can be named', async () => {
    expect((await byBrowser()).code).toBe(0);
    const file = join(logins(), readdirSync(logins())[0]!);
    const other = { ...(JSON.parse(readFileSync(file, 'utf8')) as object), issuer: 'https://other.example.test' };
    writeFileSync(join(logins(), 'other.json'), JSON.stringify(other), { mode: 0o600 });
    expect(await cli('task', 'list')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('choose with --issuer'),
    });
    expect((await cli('task', 'list', '--issuer', idp.issuer)).code).toBe(0);
  }, 20_000);
});

test('where to sign in is asked of Remit, and only over https or on this machine', async () => {
  const document: unknown = await (await fetch(`${remit.url}/.well-known/remit-configuration`)).json();
  expect(document).toEqual({
    issuer: remit.url,
    people: [
      {
        issuer: idp.issuer,
        client_id: CLIENT_ID,
        scopes: ['openid', 'profile', 'offline_access'],
        acr_values: ['phr'],
        max_age: 3600,
      },
    ],
  });
  mkdirSync(home, { recursive: true });
  expect(await cli('login', '--url', 'http://remit.example.test')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('over https only'),
  });
  expect(await cli('login', '--url', idp.issuer)).toMatchObject({ code: 7 });
  expect(await cli('login', '--issuer', 'https://other.example.test')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(idp.issuer),
  });
});
