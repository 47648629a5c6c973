import { askForIdentity } from '../../src/cli/agent.ts';
import { openAgentSession } from '../../src/cli/agent-session.ts';
import type { BoundFetch } from '../../src/cli/bound-tokens.ts';
import { authoritySocket } from '../../src/cli/as-agent.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import { addTarget, requestTask } from '../harness/quickstart.ts';
import { startRemit } from '../harness/remit-process.ts';
import { percentile, rounded, type Figure } from './figures.ts';
import { startUpstream } from './start-upstream.ts';

const AGENT = 'spiffe://remit.local/agent/bench';
const REVISION = '2026-07-28';

/**
 * The governed MCP tool call beside the direct one, in one run: same client, same upstream, same machine. Governed means
 * everything: token, DPoP proof (also the client's work of making it), decision, durable record, forwarding, outcome.
 */
export async function benchMcp(options: { calls: number; seconds: number }): Promise<Figure[]> {
  const upstream = await startUpstream();
  const remit = await startRemit({ prepare: (folder) => addTarget(folder, benchTarget(upstream.url)) });
  const identity = await askForIdentity(authoritySocket(remit.dataDir), AGENT);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  try {
    const grant = '[{target: bench, operations: [echo]}]';
    const task = await requestTask(remit, { agent: AGENT, purpose: 'bench', grant, calls: 1_000_000 });
    const session = await openAgentSession({ remitUrl: remit.url, workload, taskId: task.id });
    const direct = caller(upstream.url, fetch);
    const governed = caller(`${remit.url}/mcp/bench`, session.fetch);
    await loop(50, 1, direct);
    await loop(50, 1, governed);
    // In turn, so that a machine whose speed drifts slows both.
    const one = { direct: [] as number[], governed: [] as number[] };
    for (let i = 0; i < options.calls; i++) {
      one.direct.push(await timed(direct));
      one.governed.push(await timed(governed));
    }
    const fiftyDirect = await loop(50, options.seconds, direct);
    const fifty = await loop(50, options.seconds, governed);
    return [
      figure('mcp.direct.p50.c1', percentile(one.direct, 0.5), 'ms'),
      figure('mcp.added.p50.c1', percentile(one.governed, 0.5) - percentile(one.direct, 0.5), 'ms'),
      figure('mcp.added.p99.c1', percentile(one.governed, 0.99) - percentile(one.direct, 0.99), 'ms'),
      figure('mcp.direct.calls_per_s.c50', fiftyDirect.perSecond, '1/s'),
      figure('mcp.calls_per_s.c50', fifty.perSecond, '1/s'),
      figure('mcp.added.p50.c50', percentile(fifty.times, 0.5) - percentile(fiftyDirect.times, 0.5), 'ms'),
      figure('mcp.added.p99.c50', percentile(fifty.times, 0.99) - percentile(fiftyDirect.times, 0.99), 'ms'),
    ];
  } finally {
    workload.close();
    identity.release();
    await remit.dispose();
    upstream.stop();
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit };
}

type Call = () => Promise<void>;

/** One tool call as any 2026-07-28 client makes it; a call that does not succeed ends the benchmark. */
function caller(url: string, send: BoundFetch): Call {
  let id = 0;
  return async () => {
    const response = await send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': REVISION,
        'mcp-method': 'tools/call',
        'mcp-name': 'echo',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: ++id,
        method: 'tools/call',
        params: {
          name: 'echo',
          arguments: { text: 'hello' },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': REVISION,
            'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    });
    const text = await response.text();
    if (!text.includes('"hello"') || text.includes('"isError":true'))
      throw new Error(`status ${response.status}: ${text}`);
  };
}

async function timed(call: Call): Promise<number> {
  const started = performance.now();
  await call();
  return performance.now() - started;
}

/** `clients` callers, each with one call in flight, for some seconds. */
async function loop(clients: number, seconds: number, call: Call): Promise<{ perSecond: number; times: number[] }> {
  const times: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) times.push(await timed(call));
    }),
  );
  return { perSecond: (times.length * 1000) / (performance.now() - started), times };
}

function benchTarget(url: string) {
  return { name: 'bench', upstream: { http: { url } }, operations: { echo: { effect: 'read' } } };
}
