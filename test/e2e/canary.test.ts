import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen, type Listening } from '../conformance/listen.ts';
import { startAgent, type AgentProcess } from '../harness/agent-process.ts';
import { addTarget, requestTask } from '../harness/quickstart.ts';
import { root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/leaky';
const CONFIG_CANARY = `config-canary-${'a'.repeat(24)}`;
const ARGUMENT_CANARY = `argument-canary-${'b'.repeat(24)}`;
const BASIC_CANARY = `basic+canary/${'d'.repeat(24)}`;
const CLIENT_CANARY = `client-canary-${'e'.repeat(24)}`;
const RESULT_CANARY = `result-canary-${'c'.repeat(24)}`;

let remit: RemitProcess;
let agent: AgentProcess;
let upstream: Listening;
let server: Listening;
/** What the targets over HTTP were shown, and give back. */
const shown: string[] = [];
const answers: string[] = [];
const tokens: string[] = [];

/** An MCP server over HTTP that gives back every header that it gets. */
function reflecting(): Promise<Listening> {
  return listen(async (request) => {
    const { id, method } = (await request.json()) as { id?: number; method: string };
    if (id === undefined) return new Response(null, { status: 202 });
    const authorization = request.headers.get('authorization') ?? 'none';
    shown.push(authorization.replace(/^\S+ /, ''));
    const text = JSON.stringify([...request.headers, Buffer.from(authorization).toString('base64')]);
    const tools = [{ name: 'leak', description: 'x', inputSchema: { type: 'object' } }];
    const info = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'r', version: '1' },
    };
    const results: Record<string, object> = {
      initialize: info,
      'tools/list': { tools },
      'tools/call': { content: [{ type: 'text', text }] },
    };
    const result = results[method];
    if (result === undefined) return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: text } });
    return Response.json({ jsonrpc: '2.0', id, result });
  });
}

/** The authorisation server of one of them. */
function issuing(): Promise<Listening> {
  let tokens = 0;
  return listen(async () =>
    Response.json({
      access_token: `token-canary-${'f'.repeat(24)}-${++tokens}`,
      token_type: 'Bearer',
      expires_in: 300,
    }),
  );
}

beforeAll(async () => {
  [upstream, server] = await Promise.all([reflecting(), issuing()]);
  remit = await startRemit({
    env: { LEAKY_SECRET: CONFIG_CANARY, BASIC_SECRET: BASIC_CANARY, REMIT_LOG_LEVEL: 'trace' },
    prepare: (folder) => {
      for (const [name, credential] of Object.entries({
        basic: { kind: 'basic', username: 'remit', password: { from_env: 'BASIC_SECRET' } },
        tokened: {
          kind: 'oauth_client',
          token_url: `${server.url}/token`,
          client_id: 'remit',
          client_secret: { from_store: 'tokened' },
        },
      })) {
        const operations = { leak: { effect: 'read' } };
        addTarget(folder, { name, upstream: { http: { url: `${upstream.url}/mcp` } }, credential, operations });
      }
      addTarget(folder, {
        name: 'leaky',
        upstream: {
          stdio: {
            command: 'node',
            args: [join(root, 'test/e2e/leaky-server.ts')],
            env: { SERVER_SECRET: { from_env: 'LEAKY_SECRET' } },
          },
        },
        operations: { leak: { effect: 'read' } },
      });
    },
  });
  await remit.cli(['secret', 'set', 'tokened', '--as', 'carol'], { input: CLIENT_CANARY });
  agent = await startAgent(remit, AGENT);
  const grant = '[{target: leaky, operations: [leak]}]';
  const { id: task } = await requestTask(remit, { agent: AGENT, purpose: 'leak', grant });
  await agent.ask({ do: 'connect', target: 'leaky', task, revision: 'auto' });
  for (const how of ['result', 'throw', 'die', 'result']) {
    const call = { do: 'call' as const, target: 'leaky', name: 'leak' };
    const answer = await agent
      .ask({ ...call, arguments: { how, api_key: ARGUMENT_CANARY } })
      .catch((error: Error) => ({ failed: error.message }));
    answers.push(JSON.stringify(answer));
  }
  const over = '[{target: basic, operations: [leak]}, {target: tokened, operations: [leak]}]';
  const { id: other } = await requestTask(remit, { agent: AGENT, purpose: 'leak over HTTP', grant: over });
  for (const target of ['basic', 'tokened']) {
    await agent.ask({ do: 'connect', target, task: other, revision: 'legacy' });
    answers.push(JSON.stringify(await agent.ask({ do: 'call', target, name: 'leak', arguments: {} })));
  }
  tokens.push((await agent.ask<{ token: string }>({ do: 'token', target: 'leaky' })).token);
  tokens.push((await agent.ask<{ token: string }>({ do: 'own-token' })).token);
  // Refused requests that carry a token.
  for (const authorization of [`Bearer ${tokens[0]}`, `DPoP ${tokens[1]}`, `DPoP ${tokens[0]}x`]) {
    const response = await fetch(`${remit.url}/mcp/leaky`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    });
    answers.push(await response.text());
    const api = await fetch(`${remit.url}/v1/tasks/${tokens[0]}`, { headers: { authorization } });
    answers.push(await api.text());
  }
  await until(() => readdirSync(join(remit.dataDir, 'log')).includes('checkpoint'), 5_000);
  await agent.dispose();
  await remit.stop();
}, 60_000);
afterAll(async () => {
  await remit.dispose();
  await Promise.all([upstream.close(), server.close()]);
});

test('the agent got the result, and its canary is in no record and no log line', () => {
  expect(answers[0]).toContain(RESULT_CANARY);
  expect(everythingWritten()).not.toContain(RESULT_CANARY);
});

test("INVARIANT 7 and 14: the target's own secret reaches neither the agent nor any record, log line or error", () => {
  expect(answers.join('\n')).not.toContain(CONFIG_CANARY);
  expect(everythingWritten()).not.toContain(CONFIG_CANARY);
});

test('INVARIANT 7 and 14: nor does what a target over HTTP is shown, although it gives everything back', () => {
  const written = everythingWritten();
  const basic = Buffer.from(`remit:${BASIC_CANARY}`).toString('base64');
  const obtained = shown.filter((credential) => credential.startsWith('token-canary-'));
  expect(shown).toContain(basic);
  expect(obtained.length).toBeGreaterThan(0);
  expect(
    answers.filter((answer) => answer.includes('mcp-protocol-version') && answer.includes('[redacted]')),
  ).toHaveLength(2);
  for (const one of [BASIC_CANARY, CLIENT_CANARY, basic, ...obtained]) {
    for (const form of [one, encodeURIComponent(one), Buffer.from(`Bearer ${one}`).toString('base64')]) {
      expect(answers.join('\n')).not.toContain(form);
      expect(written).not.toContain(form);
    }
  }
  // What was shown is named.
  expect(written).toContain('"credential":{"kind":"oauth_client","source":"store:tokened"');
});

test('an argument that is named like a secret is in no record and no log line', () => {
  expect(everythingWritten()).not.toContain(ARGUMENT_CANARY);
});

test('INVARIANT 14: no token, nor its signature, is in any record, log line or error', () => {
  const written = everythingWritten();
  expect(tokens).toHaveLength(2);
  for (const token of tokens) {
    for (const part of [token, token.split('.')[2]!]) {
      expect(written).not.toContain(part);
      expect(answers.join('\n')).not.toContain(part);
    }
  }
});

test('private keys are in their own files only', () => {
  const keys = readFileSync(join(remit.dataDir, 'keys', 'token.jwk'), 'utf8');
  const { d } = JSON.parse(keys) as { d: string };
  expect(everythingWritten()).not.toContain(d);
});

/** What the process has printed, the database with its write-ahead log, and every file of the log. */
function everythingWritten(): string {
  const texts = [remit.output()];
  for (const name of readdirSync(remit.dataDir)) {
    if (name.startsWith('remit.db')) texts.push(readFileSync(join(remit.dataDir, name), 'latin1'));
  }
  const log = join(remit.dataDir, 'log');
  for (const entry of readdirSync(log, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) texts.push(readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  }
  const all = texts.join('\n');
  // The search means something: the records of the calls are in what is searched.
  expect(all).toContain('"operation":"leak"');
  return all;
}
