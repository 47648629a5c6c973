import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Client,
  StreamableHTTPClientTransport,
  UrlElicitationRequiredError,
  type ClientCapabilities,
} from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFixtureServer } from '../../../test/conformance/fixture-server.ts';
import { stateless } from '../../../test/conformance/mcp-client.ts';
import { createOpenGateway } from '../../../test/conformance/open-gateway.ts';
import { sourcesFor } from '../../../test/fixtures/task-sources.ts';
import { openLedger } from '../../../test/fixtures/leases.ts';
import { alice, bob, sampleTask, sha256, summariser } from '../../../test/fixtures/task.ts';
import { createAnswered } from '../../approval/answered.ts';
import type { TargetConfig } from '../../config/config.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import type { Store } from '../../store/ports.ts';
import { openSqliteStore } from '../../store/sqlite/open.ts';
import { decideStep } from '../steps/decide.ts';
import { gatherStep } from '../steps/gather.ts';
import type { StepParts } from '../steps/parts.ts';
import { recordStep } from '../steps/record.ts';
import type { McpAnswer } from './answer.ts';
import type { McpGateway } from './gateway.ts';
import { refuse } from './refuse.ts';
import type { McpRequest } from './request.ts';

const URL_OF_REMIT = 'https://remit.example.test';
const POLICY = `permit (principal, action, resource);
  @approval("note-owners") @reason("texts are approved")
  forbid (principal, action == Action::"api:test_simple_text", resource);`;

let folder: string;
let store: Store;
let gateway: McpGateway;
let upstream: Awaited<ReturnType<typeof startFixtureServer>>;
const clients: Client[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-approval-'));
  upstream = await startFixtureServer();
  const now = Date.now();
  await open();
  const grant = [{ type: 'remit_grant' as const, target: 'api', effects: ['read' as const] }];
  const window = { notBefore: now - 1000, expiresAt: now + 600_000 };
  await store.createTask(sampleTask({ grant, window, createdAt: now - 1000, budget: { calls: 100 } }), []);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** The gateway over the store of the folder, as a restart makes it. */
async function open(): Promise<void> {
  store = await openSqliteStore({ file: join(folder, 'remit.db'), clock: Date.now });
  const pdp = createPdp({ 'a.cedar': POLICY }, { sha256, checkArguments: createCheckArguments() });
  const target: TargetConfig = {
    name: 'api',
    kind: 'mcp',
    upstream: { kind: 'http', url: upstream.url, headers: {} },
    sensitivity: 'internal',
    timeoutMs: 5_000,
    maxAnswerBytes: 100_000,
    clientCapabilities: [],
    operations: { test_simple_text: { effect: 'read' }, 'resources/read': { effect: 'read' } },
  };
  let ids = 0;
  const parts: StepParts = {
    store,
    pdp: () => pdp,
    referee: { consider: () => {} },
    fresh: () => true,
    suspension: (kind, id) => store.suspension(kind, id),
    sources: sourcesFor(store, [target]),
    leases: openLedger(store, { clock: Date.now, newId: (prefix) => `${prefix}_${++ids}` }).ledger,
    clock: Date.now,
    newId: (prefix) => `${prefix}_${Date.now()}${++ids}`,
    sha256,
    approvalLifetimeMs: 300_000,
    endAutomated: async () => undefined,
    onFault: () => {},
  };
  const token = { id: 'tok_1', key: 'thumbprint', issuedAt: 0, expiresAt: 1e15, binding: 'dpop' as const };
  ({ gateway } = createOpenGateway([target], {
    publicUrl: URL_OF_REMIT,
    authenticate: async () => ({
      agent: summariser,
      delegator: alice,
      taskId: 'task_1',
      grants: [{ type: 'remit_grant', target: 'api', effects: ['read'] }],
      token,
    }),
    steps: {
      gather: gatherStep<McpRequest, McpAnswer>(parts),
      decide: decideStep<McpRequest, McpAnswer>(parts),
      record: recordStep<McpRequest, McpAnswer>(parts, (exchange) => refuse(exchange, URL_OF_REMIT)),
      observe: { name: 'observe', run: () => undefined },
    },
    answered: createAnswered(store, { waitMs: 150, lookEveryMs: 10 }),
    clock: Date.now,
  }));
}

async function close(): Promise<void> {
  await gateway.close();
  await store.close();
}

type Action = 'accept' | 'decline';
type Asked = { url: string; message: string };

/** The official client over the gateway; `asked` is what its person is sent to, and what they say. */
async function connect(
  revision: 'legacy' | 'modern',
  capabilities: ClientCapabilities,
  asked: (elicitation: Asked) => Action | Promise<Action> = () => 'accept',
): Promise<Client> {
  const mode = revision === 'legacy' ? ('legacy' as const) : { pin: '2026-07-28' };
  const client = new Client({ name: 'test', version: '1' }, { capabilities, versionNegotiation: { mode } });
  if (capabilities.elicitation !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }) => ({
      action: await asked(params as unknown as Asked),
    }));
  }
  const send = (url: string | URL, init?: RequestInit) => gateway.fetch(new Request(url, init), 'api');
  await client.connect(new StreamableHTTPClientTransport(new URL('http://127.0.0.1:8080/mcp/api'), { fetch: send }));
  clients.push(client);
  return client;
}

/** The text of a tool's result. */
const said = (result: unknown) => (result as { content: { text: string }[] }).content[0]!.text;
const call = (client: Client) => client.callTool({ name: 'test_simple_text', arguments: { n: 1 } });
const waiting = () => store.approvals({ state: 'pending', limit: 9 });
const answer = (id: string, to: 'approved' | 'refused') =>
  store.answerApproval({ id, to, by: bob, at: Date.now(), ...(to === 'refused' ? { reason: 'not now' } : {}) }, []);
const BY_URL = { elicitation: { url: {} } };

describe('2026-07-28', () => {
  test('the person is sent to the page, and the call goes on when it is approved', async () => {
    const seen: Asked[] = [];
    const client = await connect('modern', BY_URL, async (elicitation): Promise<Action> => {
      seen.push(elicitation);
      // Answered a little after the person has opened the page: the call waits for it.
      setTimeout(() => void answer(waiting()[0]!.id, 'approved'), 30);
      return 'accept';
    });
    expect(await call(client)).toMatchObject({ content: [{ text: 'This is a simple text response for testing.' }] });
    const [approval] = store.approvals({ limit: 9 });
    expect(approval!.state).toBe('spent');
    expect(seen).toEqual([
      {
        mode: 'url',
        url: `${URL_OF_REMIT}/approvals/${approval!.id}`,
        message: `\`test_simple_text\` at \`api\` needs the approval \`${approval!.id}\` of \`note-owners\`; see how it is answered`,
      },
    ]);
  });

  test('the person is sent there once, and after some rounds the model is told to come back', async () => {
    let times = 0;
    const client = await connect('modern', BY_URL, () => {
      times += 1;
      return 'accept';
    });
    const result = await call(client);
    expect([times, result.isError]).toEqual([1, true]);
    expect(said(result)).toMatch(/^held: approval `apr_/);
    expect(result.structuredContent).toMatchObject({ remit: { approval: { retry_after_ms: 5000 } } });
    expect(store.approvals({ limit: 9 })).toHaveLength(1);
  });

  test('a refusal that comes while it waits is told with its reason, and stands', async () => {
    const client = await connect('modern', BY_URL, async (): Promise<Action> => {
      await answer(waiting()[0]!.id, 'refused');
      return 'accept';
    });
    for (const attempt of [await call(client), await call(client)]) {
      expect(said(attempt)).toMatch(/^refused: approval `apr_\w+` was refused: not now; do not ask for the same again/);
    }
    expect(store.approvals({ limit: 9 })).toHaveLength(1);
  });

  test('a person who declines ends the waiting, not the approval', async () => {
    const client = await connect('modern', BY_URL, () => 'decline');
    expect(said(await call(client))).toMatch(/^held/);
    await answer(waiting()[0]!.id, 'approved');
    expect((await call(client)).isError).toBeUndefined();
  });

  test.each<[string, ClientCapabilities]>([
    ['nothing', {}],
    ['forms', { elicitation: { form: {} } }],
    ['forms, as before there were others', { elicitation: {} }],
  ])('a client that can do %s has a held result', async (_name, capabilities) => {
    expect(said(await call(await connect('modern', capabilities)))).toMatch(/^held/);
  });

  test('the approval survives the client and a restart', async () => {
    const first = await connect('modern', BY_URL, () => 'decline');
    await call(first);
    await first.close();
    await close();
    await open();
    await answer(waiting()[0]!.id, 'approved');
    await close();
    await open();
    const client = await connect('modern', BY_URL, () => 'decline');
    expect((await call(client)).isError).toBeUndefined();
    expect(said(await call(client))).toMatch(/^held/);
  });

  test('what a client makes up as state gives and tells nothing, and the upstream never sees ours', async () => {
    const params = { name: 'test_simple_text', arguments: { n: 1 } };
    for (const requestState of ['remit-approval:apr_1:1', 'remit-approval:apr_1:999', 'remit-approval:../x:1']) {
      const { last } = await stateless(gateway, 'api', 'tools/call', { ...params, requestState });
      expect(said(last['result'])).toMatch(/^held/);
    }
    const { id } = waiting()[0]!;
    await answer(id, 'approved');
    const inputResponses = { remit_approval: { action: 'accept' } };
    const ours = { ...params, requestState: `remit-approval:${id}:1`, inputResponses };
    expect((await stateless(gateway, 'api', 'tools/call', ours)).last['result']).not.toHaveProperty('isError');
    const foreign = { ...ours, inputResponses: { ...inputResponses, other: { action: 'accept' } } };
    expect((await stateless(gateway, 'api', 'tools/call', foreign)).last['error']).toMatchObject({ code: -32602 });
  });

  test('of a resource, the same action is meant with and without the state of the waiting', async () => {
    const params = { uri: 'test://static-text' };
    const requestState = 'remit-approval:apr_1:1';
    for (const more of [{}, { requestState, inputResponses: { remit_approval: { action: 'accept' } } }]) {
      const { last } = await stateless(gateway, 'api', 'resources/read', { ...params, ...more });
      expect(last['result']).toMatchObject({ contents: [{ uri: 'test://static-text' }] });
    }
    const digests = store
      .entries(0, 99)
      .map(({ entry }) => JSON.parse(entry) as { action?: { operation: string; arguments_digest: string } })
      .filter(({ action }) => action?.operation === 'resources/read')
      .map(({ action }) => action!.arguments_digest);
    expect(digests).toHaveLength(2);
    expect(new Set(digests).size).toBe(1);
  });
});

describe('2025-11-25', () => {
  test('a client that can open a URL is told which, and the call goes through afterwards', async () => {
    const client = await connect('legacy', BY_URL);
    const error = await call(client).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UrlElicitationRequiredError);
    const { id } = waiting()[0]!;
    expect((error as UrlElicitationRequiredError).elicitations).toEqual([
      { mode: 'url', elicitationId: id, url: `${URL_OF_REMIT}/approvals/${id}`, message: expect.any(String) },
    ]);
    await answer(id, 'approved');
    expect((await call(client)).isError).toBeUndefined();
  });

  test('another client has a held result that says when to come back', async () => {
    const client = await connect('legacy', { elicitation: {} });
    const result = await call(client);
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { remit: { decision: 'hold', approval: { state: 'pending', retry_after_ms: 5000 } } },
    });
    await answer(waiting()[0]!.id, 'refused');
    expect(said(await call(client))).toMatch(/was refused: not now/);
  });
});
