import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
// @peculiar/x509 asks its user to load this polyfill.
import 'reflect-metadata';
import { PemConverter } from '@peculiar/x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askForIdentity } from '../../src/cli/agent.ts';
import { AUTHORITY_SOCKET } from '../../src/identity/dev/authority.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import type { TlsClient } from '../fixtures/tls-request.ts';
import { startAgent } from '../harness/agent-process.ts';
import { requestTask } from '../harness/quickstart.ts';
import { until } from '../harness/remit-process.ts';
import { startTlsRemit, type TlsRemit } from '../harness/tls-remit.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';
const ANOTHER = 'spiffe://remit.local/agent/other';

let served: TlsRemit;
beforeAll(async () => {
  served = await startTlsRemit();
}, 30_000);
afterAll(() => served.dispose());

/** The X.509-SVID that the Workload API gives the agent, as PEM. */
async function svidOf(id: string): Promise<{ cert: string; key: string }> {
  const identity = await askForIdentity(join(served.remit.dataDir, 'dev', AUTHORITY_SOCKET), id);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  const svid = await workload.fetchX509Svid();
  workload.close();
  identity.release();
  return {
    cert: PemConverter.encode(svid.certificates, 'CERTIFICATE'),
    key: PemConverter.encode(svid.key, 'PRIVATE KEY'),
  };
}

async function token(client: TlsClient, form: Record<string, string>): Promise<string> {
  const { body } = await client.send('POST', '/token', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: AGENT, ...form }).toString(),
  });
  const answer = JSON.parse(body) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(body);
  return answer.access_token;
}

/** The access token for a target, from nothing but the certificate. */
async function taskToken(client: TlsClient, task: string): Promise<string> {
  const { url } = served.remit;
  const own = await token(client, { grant_type: 'client_credentials', resource: `${url}/v1` });
  const shown = await client.send('GET', `/v1/tasks/${task}`, { headers: { authorization: `Bearer ${own}` } });
  const { subject_token: subject } = JSON.parse(shown.body) as { subject_token: string };
  return token(client, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subject,
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    resource: `${url}/mcp/files`,
  });
}

/** The official MCP client over one TLS connection. */
async function connectMcp(client: TlsClient, accessToken: string): Promise<Client> {
  const mcp = new Client({ name: 'agent', version: '1.0.0' });
  const send = async (url: string | URL, init: RequestInit = {}) => {
    if (init.method === 'GET') return new Response(null, { status: 405 });
    const headers = { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${accessToken}` };
    const body = typeof init.body === 'string' ? { body: init.body } : {};
    const answer = await client.send(init.method ?? 'GET', new URL(url).pathname, { headers, ...body });
    const shown = ['content-type', 'mcp-session-id'].flatMap((name) =>
      answer.headers[name] === undefined ? [] : [[name, String(answer.headers[name])] as [string, string]],
    );
    return new Response(answer.status === 202 ? null : answer.body, { status: answer.status, headers: shown });
  };
  await mcp.connect(new StreamableHTTPClientTransport(new URL(`${served.remit.url}/mcp/files`), { fetch: send }));
  return mcp;
}

const newTask = () =>
  requestTask(served.remit, { agent: AGENT, purpose: 'test', grant: join(served.remit.folder, 'summarise.yaml') });

test('an agent works under a task with nothing but its X.509-SVID', async () => {
  const client = served.open(await svidOf(AGENT));
  const { id } = await newTask();
  const accessToken = await taskToken(client, id);
  const mcp = await connectMcp(client, accessToken);
  const read = await mcp.callTool({ name: 'read_text_file', arguments: { path: 'notes/monday.md' } });
  expect(JSON.stringify(read.content)).toContain('# Monday');
  const denied = await mcp.callTool({ name: 'read_text_file', arguments: { path: 'private/salaries.md' } });
  expect(denied).toMatchObject({ isError: true });

  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const headers = {
    authorization: `Bearer ${accessToken}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  for (const thief of [undefined, await svidOf(ANOTHER), await svidOf(AGENT)]) {
    const stolen = await served.open(thief).send('POST', '/mcp/files', { headers, body: message });
    expect(stolen.status).toBe(401);
    const challenge = String(stolen.headers['www-authenticate']);
    expect(challenge).toMatch(/^DPoP error="invalid_token", /);
    // Who has a certificate is told that a token bound to one is shown as a bearer token.
    if (thief === undefined) expect(challenge).not.toContain('Bearer');
    else expect(challenge).toMatch(/, Bearer error="invalid_token", resource_metadata="/);
  }
  const tail = ['log', 'tail', '--dir', join(served.remit.dataDir, 'log'), '-n', '50', '--json'];
  // A checkpoint follows its records.
  await expect
    .poll(async () => (await served.remit.cli(tail)).stdout, { timeout: 10_000 })
    .toMatch(/"operation":"read_text_file".*"binding":"mtls"/);
});

test('agents with DPoP and people at the command line work as over plain HTTP', async () => {
  const agent = await startAgent(served.remit, AGENT);
  const { id } = await newTask();
  await agent.ask({ do: 'connect', target: 'files', task: id, revision: 'auto' });
  const listed = await agent.ask<{ tools: { name: string }[] }>({ do: 'list', target: 'files' });
  expect(listed.tools.map(({ name }) => name)).toContain('read_text_file');
  await agent.dispose();
});

test('a certificate is renewed without a restart and without a dropped request', async () => {
  const { port } = new URL(served.remit.url);
  const presented = () =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.raw);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const kept = served.open();
  let sent = 0;
  let stop = false;
  const load = Promise.all(
    [kept, null, null].map(async (client) => {
      while (!stop) {
        const answer = await (client ?? served.open()).send('GET', '/healthz');
        expect(answer.status).toBe(200);
        sent++;
      }
    }),
  );
  const next = await served.renew();
  await until(async () => (await presented())?.equals(new X509Certificate(next.cert).raw) === true, 15_000);
  stop = true;
  await load;
  expect(sent).toBeGreaterThan(10);
});
