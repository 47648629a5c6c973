import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { askForIdentity } from '../../src/cli/agent.ts';
import { openAgentSession, type AgentSession } from '../../src/cli/agent-session.ts';
import { authoritySocket } from '../../src/cli/as-agent.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import { addTarget, requestTask } from '../harness/quickstart.ts';
import { startRemit, type RemitProcess } from '../harness/remit-process.ts';
import { percentile, rounded, type Figure } from './figures.ts';
import { load, proofs, timed, type Call } from './load.ts';
import { startUpstream } from './start-upstream.ts';

const AGENT = 'spiffe://remit.local/agent/bench';
const CLIENTS = 50;
const MIB = 1024 * 1024;

/**
 * The governed HTTP call beside the direct one, in one run: same client, same upstream, same machine. Governed means the
 * whole: token, DPoP proof, decision, durable record, credential, forwarding, outcome. The agent makes its proofs beforehand:
 * that is its own work, and on its own machine.
 */
export async function benchHttp(options: { calls: number; seconds: number }): Promise<Figure[]> {
  const upstream = await startUpstream('api.ts');
  const remit = await startRemit({
    prepare: (folder) => addTarget(folder, benchTarget(upstream.url)),
    env: { BENCH_TOKEN: 'bench-credential' },
  });
  const identity = await askForIdentity(authoritySocket(remit.dataDir), AGENT);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  const pools = [upstream.url, remit.url].map((url) => new Pool(url, { connections: CLIENTS, pipelining: 1 }));
  try {
    const grant = '[{target: bench, operations: [show, blob]}]';
    const task = await requestTask(remit, { agent: AGENT, purpose: 'bench', grant, calls: 1_000_000 });
    const session = await openAgentSession({ remitUrl: remit.url, workload, taskId: task.id });
    const direct = caller(pools[0]!, '/items/7');
    const governed = caller(pools[1]!, '/http/bench/items/7');
    const url = `${remit.url}/http/bench/items/7`;
    const bare = () => ({});
    await load({ clients: CLIENTS, seconds: 1 }, direct, bare);
    await load({ clients: CLIENTS, seconds: 1 }, governed, await proofs(session, { method: 'GET', url }, 6_000));
    // In turn, so that a machine whose speed drifts slows both.
    const one = { direct: [] as number[], governed: [] as number[] };
    const shown = await proofs(session, { method: 'GET', url }, options.calls);
    for (let i = 0; i < options.calls; i++) {
      one.direct.push(await timed(direct, {}));
      one.governed.push(await timed(governed, shown()!));
    }
    const fiftyDirect = await load({ clients: CLIENTS, seconds: options.seconds }, direct, bare);
    const fifty = await load(
      { clients: CLIENTS, seconds: options.seconds },
      governed,
      await proofs(session, { method: 'GET', url }, options.seconds * 6_000),
    );
    return [
      figure('http.direct.p50.c1', percentile(one.direct, 0.5), 'ms'),
      figure('http.added.p50.c1', percentile(one.governed, 0.5) - percentile(one.direct, 0.5), 'ms'),
      figure('http.added.p99.c1', percentile(one.governed, 0.99) - percentile(one.direct, 0.99), 'ms'),
      figure('http.direct.calls_per_s.c50', fiftyDirect.perSecond, '1/s'),
      figure('http.calls_per_s.c50', fifty.perSecond, '1/s'),
      figure('http.added.p50.c50', percentile(fifty.times, 0.5) - percentile(fiftyDirect.times, 0.5), 'ms'),
      figure('http.added.p99.c50', percentile(fifty.times, 0.99) - percentile(fiftyDirect.times, 0.99), 'ms'),
      figure('http.stream.memory', await streamMemory(remit, session, pools[1]!), 'MiB'),
    ];
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
    workload.close();
    identity.release();
    await remit.dispose();
    upstream.stop();
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit };
}

/** One call of a client that keeps its connections; a call that does not succeed ends the benchmark. */
function caller(pool: Pool, path: string): Call {
  return async (proof) => {
    const { statusCode, body } = await pool.request({ method: 'GET', path, headers: proof });
    const text = await body.text();
    if (statusCode !== 200 || !text.includes('"hello"')) throw new Error(`status ${statusCode}: ${text}`);
  };
}

/** By how much the resident memory of Remit grows, at most, while a body of 1 GiB passes; in MiB. */
async function streamMemory(remit: RemitProcess, session: AgentSession, pool: Pool): Promise<number> {
  const headers = await session.prove('GET', `${remit.url}/http/bench/blob`);
  const before = residentMiB(remit.pid());
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, residentMiB(remit.pid()))), 20);
  const { body } = await pool.request({ method: 'GET', path: '/http/bench/blob?bytes=1073741824', headers });
  let size = 0;
  for await (const chunk of body) size += (chunk as Uint8Array).length;
  clearInterval(sampling);
  if (size !== 1024 * MIB) throw new Error(`${size} bytes came of 1 GiB`);
  return peak - before;
}

/** As Linux tells it; elsewhere there is no figure. */
function residentMiB(pid: number): number {
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

function benchTarget(url: string) {
  return {
    name: 'bench',
    protocol: 'http' as const,
    upstream: { url, private: true },
    credential: { kind: 'header', name: 'X-Api-Key', value: { from_env: 'BENCH_TOKEN' } },
    operations: {
      show: { request: 'GET /items/{id}', effect: 'read', resources: ['item:{path.id}'] },
      blob: { request: 'GET /blob', query: ['bytes'], effect: 'read' },
    },
  };
}
