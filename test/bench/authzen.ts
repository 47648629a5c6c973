import { Pool } from 'undici';
import { askForIdentity } from '../../src/cli/agent.ts';
import { openAgentSession } from '../../src/cli/agent-session.ts';
import { authoritySocket } from '../../src/cli/as-agent.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import { addTarget, dropTargets, requestTask } from '../harness/quickstart.ts';
import { startRemit } from '../harness/remit-process.ts';
import { CERBOS_CALL, startCerbos } from './cerbos.ts';
import { percentile, rounded, type Figure } from './figures.ts';
import { load, proofs, type Call } from './load.ts';

const AGENT = 'spiffe://remit.local/agent/bench';
const CLIENTS = 32;
const BULK = 50;
/** More than any machine answers in the time. */
const MOST_PER_SECOND = 6_000;

/**
 * AuthZEN evaluations over HTTP: token, DPoP proof, decision with the whole task, durable record. Beside it Cerbos, where it is
 * installed, which authenticates nobody and writes its log of decisions without waiting for the disk. Proofs are made beforehand: that
 * is the agent's own work.
 */
export async function benchAuthzen({
  seconds,
  say,
}: {
  seconds: number;
  say: (line: string) => void;
}): Promise<Figure[]> {
  const remit = await startRemit({
    prepare: (folder) => {
      dropTargets(folder);
      addTarget(folder, {
        name: 'bench',
        protocol: 'authzen',
        operations: {
          read: {
            effect: 'read',
            evaluation: { action: 'read', resource: 'record' },
            resources: ['record:{resource.id}'],
          },
        },
      });
    },
  });
  const identity = await askForIdentity(authoritySocket(remit.dataDir), AGENT);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  const pool = new Pool(remit.url, { connections: CLIENTS, pipelining: 1 });
  const cerbos = await startCerbos();
  const peer = cerbos === null ? null : new Pool(cerbos.url, { connections: CLIENTS, pipelining: 1 });
  try {
    const grant = '[{target: bench, operations: [read]}]';
    const task = await requestTask(remit, { agent: AGENT, purpose: 'bench', grant, calls: 1_000_000 });
    const session = await openAgentSession({ remitUrl: remit.url, workload, taskId: task.id });
    const base = '/authzen/bench/access/v1';
    const question = {
      subject: { type: 'agent', id: AGENT },
      action: { name: 'read' },
      resource: { type: 'record', id: '7' },
    };
    const resources = Array.from({ length: BULK }, (_none, n) => ({ resource: { type: 'record', id: `${n}` } }));
    const one = caller(pool, {
      path: `${base}/evaluation`,
      body: question,
      permits: (text) => text.startsWith('{"decision":true'),
    });
    const bulk = caller(pool, {
      path: `${base}/evaluations`,
      body: { ...question, evaluations: resources },
      permits: (text) => text.split('"decision":true').length === BULK + 1,
    });
    const shown = (endpoint: string, count: number) =>
      proofs(session, { method: 'POST', url: `${remit.url}${base}/${endpoint}` }, count);
    const theirs = peer === null ? null : caller(peer, CERBOS_CALL);
    const nothing = () => ({});
    if (theirs === null) say('Cerbos is not installed: npm install --no-save @cerbos/cerbos-linux-x64@0.55.0');
    await load({ clients: CLIENTS, seconds: 2 }, one, await shown('evaluation', 2 * MOST_PER_SECOND));
    if (theirs !== null) await load({ clients: CLIENTS, seconds: 2 }, theirs, nothing);
    const single = await load({ clients: CLIENTS, seconds }, one, await shown('evaluation', seconds * MOST_PER_SECOND));
    const compared = theirs === null ? null : await load({ clients: CLIENTS, seconds }, theirs, nothing);
    await load({ clients: CLIENTS, seconds: 1 }, bulk, await shown('evaluations', 400));
    const many = await load({ clients: CLIENTS, seconds }, bulk, await shown('evaluations', seconds * 400));
    return [
      figure('authzen.per_s.c32', single.perSecond, '1/s'),
      figure('authzen.p50.c32', percentile(single.times, 0.5), 'ms'),
      figure('authzen.p99.c32', percentile(single.times, 0.99), 'ms'),
      figure('authzen.bulk50.decisions_per_s', many.perSecond * BULK, '1/s'),
      figure('authzen.bulk50.p99', percentile(many.times, 0.99), 'ms'),
      ...(compared === null
        ? []
        : [
            figure('cerbos.per_s.c32', compared.perSecond, '1/s'),
            figure('cerbos.p99.c32', percentile(compared.times, 0.99), 'ms'),
            figure('authzen.to_cerbos', single.perSecond / compared.perSecond, '×'),
            figure('authzen.bulk50.to_cerbos', (many.perSecond * BULK) / compared.perSecond, '×'),
          ]),
    ];
  } finally {
    await pool.destroy();
    await peer?.destroy();
    cerbos?.stop();
    workload.close();
    identity.release();
    await remit.dispose();
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit };
}

/** One call of a client that keeps its connections; one that is not permitted ends the benchmark. */
function caller(
  pool: Pool,
  { path, body, permits }: { path: string; body: unknown; permits: (text: string) => boolean },
): Call {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  return async (headers) => {
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: sent,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200 || !permits(text)) throw new Error(`status ${answer.statusCode}: ${text}`);
  };
}
