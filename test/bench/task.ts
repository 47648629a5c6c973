import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TargetConfig } from '../../src/config/config.ts';
import type { Task } from '../../src/core/task.ts';
import type { McpGateway } from '../../src/gateway/mcp/gateway.ts';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  taskBody,
  type ControlPlane,
  type Session,
} from '../fixtures/control-plane.ts';
import { sampleAction, sampleInput } from '../fixtures/task.ts';
import { createGovernedGateway } from '../harness/governed-gateway.ts';
import { heapMiB, percentile, rounded, type Figure } from './figures.ts';
import { startUpstream } from './start-upstream.ts';

const ENDS = 1_000;
/** Ends before the first that counts: a process that serves has compiled its code long ago. */
const WARM_UP = 200;
/** Governed calls of other tasks while tasks end: one each so many milliseconds. */
const LOAD_EVERY_MS = 5;
const STREAMS = 4;
/** Requests that are made before an end; more are made when these do not suffice. */
const PROBES = 8;
const TREES = 20;
const DESCENDANTS = 1_000;
const TASKS = 100_000;
const DECISIONS = 20_000;
const REQUESTS = 6_000;
const AT_ONCE = 64;
const REVISION = '2026-07-28';

/** Tasks in one process on real parts: control plane and gateway, the store on disk with durable records, policy. */
export async function benchTask(): Promise<Figure[]> {
  const upstream = await startUpstream();
  const holding = await startHolding();
  const plane = await openControlPlane({
    targets: [target('bench', upstream.url, 'echo'), target('hold', holding.url, 'hold')],
    // Whoever hands out a task here may have it call both.
    policies: { 'all.cedar': 'permit (principal, action, resource);' },
  });
  try {
    const gateway = createGovernedGateway(plane);
    for (const name of ['bench', 'hold']) await gateway.introspect(name);
    const ends = await ending(plane, gateway);
    const trees = await endingTrees(plane);
    const perSecond = await requestsPerSecond(plane);
    const { mebibytes, few, many } = await remembering(plane);
    if (plane.faults.length > 0) throw new Error('something failed behind the figures', { cause: plane.faults[0] });
    return [
      figure('end.refused.p50', percentile(ends.refused, 0.5), 'ms'),
      figure('end.refused.p99', percentile(ends.refused, 0.99), 'ms'),
      figure('end.cut.p50', percentile(ends.cut, 0.5), 'ms'),
      figure('end.cut.p99', percentile(ends.cut, 0.99), 'ms'),
      figure('end.load.calls_per_s', ends.load, '1/s'),
      figure('end.tree.1000', percentile(trees, 0.5), 'ms'),
      figure('end.tree.1000.max', Math.max(...trees), 'ms'),
      figure('tasks.requests_per_s', perSecond, '1/s'),
      figure('tasks.memory.100000', mebibytes, 'MiB'),
      figure('tasks.decision.10.p50', percentile(few, 0.5), 'µs'),
      figure('tasks.decision.100000.p50', percentile(many, 0.5), 'µs'),
    ];
  } finally {
    await plane.close();
    holding.server.closeAllConnections();
    holding.server.close();
    upstream.stop();
  }
}

/** An agent that calls a target under a task of its own. */
type Caller = { task: string; call: (tool: string) => Promise<Request> };

/**
 * Milliseconds from when an end is asked for, by its delegator at the API, until the task's agent, which goes on calling, has
 * its first refusal, and until the last of its open streams has ended. Decision, record and commit of the end are in it.
 */
async function ending(plane: ControlPlane, gateway: McpGateway) {
  const alice = await personSession(plane, 'alice');
  const agent = await agentSession(plane);
  const busy = await callerAt(plane, { alice, agent }, 'bench');
  const load = keepCalling(gateway, busy);
  const refused: number[] = [];
  const cut: number[] = [];
  for (let n = -WARM_UP; n < ENDS; n++) {
    const caller = await callerAt(plane, { alice, agent }, 'hold');
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => openStream(gateway, caller)));
    const probes: Request[] = [];
    for (let i = 0; i < PROBES; i++) probes.push(await caller.call('echo'));
    const end = await requestOf(alice, `/v1/tasks/${caller.task}/revoke`, { reason: 'bench' });
    const start = performance.now();
    const answered = Promise.resolve(plane.app.request(end));
    const [first, ...last] = await Promise.all([
      firstRefusal(gateway, { caller, probes }, answered),
      ...streams.map(({ ended }) => ended),
    ]);
    if (n < 0) continue;
    refused.push(first - start);
    cut.push(Math.max(...last) - start);
  }
  return { refused, cut, load: await load.stop() };
}

/** When the first of the requests, one after another, is refused. One that was sent after the end was known is. */
async function firstRefusal(
  gateway: McpGateway,
  { caller, probes }: { caller: Caller; probes: Request[] },
  end: Promise<Response>,
): Promise<number> {
  let known = false;
  const ended = end.then(async (answer) => {
    if (answer.status !== 200) throw new Error(`an end was refused: ${await answer.text()}`);
    known = true;
  });
  for (;;) {
    const probe = probes.pop() ?? (await caller.call('echo'));
    const mustBeRefused = known;
    const text = await (await gateway.fetch(probe, 'hold')).text();
    if (!text.includes('"hello"')) {
      const at = performance.now();
      await ended;
      return at;
    }
    if (mustBeRefused) throw new Error('a call was permitted after the end of its task was known');
  }
}

/** A call whose answer has begun and does not end; `ended` is when it did. */
async function openStream(gateway: McpGateway, caller: Caller): Promise<{ ended: Promise<number> }> {
  const response = await gateway.fetch(await caller.call('hold'), 'hold');
  const reader = response.body!.getReader();
  await reader.read();
  const drain = async (): Promise<number> => {
    while (!(await reader.read()).done);
    return performance.now();
  };
  return { ended: drain() };
}

/** Calls of another task at a steady rate, whether or not the ones before have been answered. */
function keepCalling(gateway: McpGateway, caller: Caller): { stop: () => Promise<number> } {
  const start = performance.now();
  let calls = 0;
  let failed: unknown;
  let open = 0;
  const timer = setInterval(() => {
    open += 1;
    calls += 1;
    caller
      .call('echo')
      .then(async (request) => (await gateway.fetch(request, 'bench')).text())
      .then((text) => {
        if (!text.includes('"hello"')) failed = new Error(`a call of the load failed: ${text}`);
      })
      .catch((error: unknown) => (failed = error))
      .finally(() => (open -= 1));
  }, LOAD_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      const seconds = (performance.now() - start) / 1000;
      while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      if (failed !== undefined) throw failed;
      return calls / seconds;
    },
  };
}

/** Milliseconds that the end of a task with a thousand below it takes, until it is known. */
async function endingTrees(plane: ControlPlane): Promise<number[]> {
  const alice = await personSession(plane, 'alice');
  const times: number[] = [];
  for (let n = 0; n < TREES; n++) {
    const { id } = await requestTask(alice, { max_hops: 16 });
    const root = plane.store.task(id)!;
    const ids = [id, ...Array.from({ length: DESCENDANTS }, () => `task_${randomUUID()}`)];
    // Four levels: ten below each. Verbs take effect in the order in which they are asked for.
    const below = ids.slice(1).map((each, place) => ({ ...root, id: each, parent: ids[Math.floor(place / 10)]! }));
    await Promise.all(below.map((task) => plane.store.createTask(task, [])));
    const end = await requestOf(alice, `/v1/tasks/${id}/revoke`, { reason: 'bench' });
    const start = performance.now();
    const answer = await plane.app.request(end);
    times.push(performance.now() - start);
    if (answer.status !== 200 || ids.some((each) => plane.store.task(each)!.state !== 'revoked')) {
      throw new Error('a tree was not ended as a whole');
    }
  }
  return times;
}

/** Whole task requests through the application: proof, decision, durable record. */
async function requestsPerSecond(plane: ControlPlane): Promise<number> {
  const alice = await personSession(plane, 'alice');
  const requests: Request[] = [];
  for (let n = 0; n < REQUESTS; n++) requests.push(await requestOf(alice, '/v1/tasks', taskBody()));
  let next = 0;
  const worker = async (until: number) => {
    while (next < until) {
      const answer = await plane.app.request(requests[next++]!);
      if (answer.status !== 200) throw new Error(`a task was refused: ${await answer.text()}`);
    }
  };
  const all = (until: number) => Promise.all(Array.from({ length: AT_ONCE }, () => worker(until)));
  await all(REQUESTS / 6);
  const start = performance.now();
  await all(REQUESTS);
  return ((REQUESTS - REQUESTS / 6) / (performance.now() - start)) * 1000;
}

/** What so many active tasks take, and microseconds of a decision under one of ten and under one of all. */
async function remembering(plane: ControlPlane): Promise<{ mebibytes: number; few: number[]; many: number[] }> {
  const { id } = await requestTask(await personSession(plane, 'alice'));
  const sample = plane.store.task(id)!;
  const ids: string[] = [];
  const before = heapMiB();
  const create = async (count: number) => {
    for (let made = 0; made < count;) {
      const batch = Array.from({ length: Math.min(500, count - made) }, () => copyOf(sample));
      await Promise.all(batch.map((task) => plane.store.createTask(task, [])));
      ids.push(...batch.map((task) => task.id));
      made += batch.length;
    }
  };
  await create(10);
  const few = decisions(plane, ids);
  await create(TASKS - 10);
  const mebibytes = heapMiB() - before;
  return { mebibytes, few, many: decisions(plane, ids) };
}

/** Each task has its own texts, as if it had come in a request. */
function copyOf(task: Task): Task {
  return { ...(JSON.parse(JSON.stringify(task)) as Task), id: `task_${randomUUID()}` };
}

function decisions(plane: ControlPlane, ids: readonly string[]): number[] {
  const pdp = plane.parts.tokens.pdp();
  const action = sampleAction({ operation: 'read_text_file', resources: ['file:notes/monday.md'] });
  const times: number[] = [];
  for (let n = 0; n < DECISIONS; n++) {
    const id = ids[(n * 7919) % ids.length]!;
    const start = process.hrtime.bigint();
    const chain = plane.store.chain(id);
    const { outcome } = pdp.decide(sampleInput({ action, chain, now: plane.clock.now() }));
    times.push(Number(process.hrtime.bigint() - start) / 1000);
    if (outcome !== 'permit') throw new Error('a decision came out otherwise');
  }
  return times.slice(DECISIONS / 10);
}

/** A task for the target and a token for it; each call is a request with a proof of its own, made before it is sent. */
async function callerAt(
  plane: ControlPlane,
  { alice, agent }: { alice: Session; agent: Session },
  name: string,
): Promise<Caller> {
  const { id } = await requestTask(alice, { grant: [{ target: name, effects: ['read'] }], calls: 1_000_000 });
  const answer = await agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    subject_token: await subjectToken(agent, id),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    actor_token: await plane.svid(SUMMARISER),
    audience: name,
  });
  const { access_token: accessToken } = (await answer.json()) as { access_token: string };
  const url = `${ISSUER}/mcp/${name}`;
  return {
    task: id,
    call: async (tool) =>
      new Request(url, {
        method: 'POST',
        headers: {
          authorization: `DPoP ${accessToken}`,
          dpop: await agent.proof({ method: 'POST', url, accessToken }),
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          host: new URL(ISSUER).host,
          'mcp-protocol-version': REVISION,
          'mcp-method': 'tools/call',
          'mcp-name': tool,
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: tool,
            arguments: { text: 'hello' },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': REVISION,
              'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      }),
  };
}

/** A request to `/v1`, its proof made. */
async function requestOf(session: Session, path: string, body: unknown): Promise<Request> {
  const url = `${ISSUER}${path}`;
  return new Request(url, {
    method: 'POST',
    headers: {
      authorization: `DPoP ${session.accessToken}`,
      dpop: await session.proof({ method: 'POST', url, accessToken: session.accessToken }),
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
}

function target(name: string, url: string, ...tools: string[]): TargetConfig {
  return {
    name,
    kind: 'mcp',
    upstream: { kind: 'http', url, headers: {} },
    sensitivity: 'internal',
    timeoutMs: 60_000,
    maxAnswerBytes: 1_000_000,
    clientCapabilities: [],
    operations: Object.fromEntries([...tools, 'echo'].map((tool) => [tool, { effect: 'read' as const }])),
  };
}

/** An upstream in this process: `echo` answers, `hold` begins an answer and never ends it. */
async function startHolding(): Promise<{ url: string; server: Server }> {
  const tools = ['echo', 'hold'].map((name) => ({ name, description: name, inputSchema: { type: 'object' } }));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
      id: unknown;
      method: string;
      params?: { name?: string };
    };
    if (method === 'tools/call' && params?.name === 'hold') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const progress = { progressToken: 1, progress: 1 };
      response.write(
        `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: progress })}\n\n`,
      );
      return;
    }
    const result =
      method === 'tools/call'
        ? { content: [{ type: 'text', text: 'hello' }], resultType: 'complete' }
        : { tools, resultType: 'complete' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server };
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit };
}
