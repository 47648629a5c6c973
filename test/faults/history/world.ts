import { openAgentSession, type AgentSession } from '../../../src/cli/agent-session.ts';
import { askForIdentity } from '../../../src/cli/agent.ts';
import { authoritySocket } from '../../../src/cli/as-agent.ts';
import { createWorkloadClient, type WorkloadClient } from '../../../src/identity/workload-client.ts';
import { signIn, type Person } from '../../harness/person.ts';
import type { RemitProcess } from '../../harness/remit-process.ts';

export const PLANNER = 'spiffe://remit.local/agent/planner';
export const READER = 'spiffe://remit.local/agent/reader';

const REVISION = '2026-07-28';

export type CallAnswer = { ok: boolean; approval: string | null };

/** The people and agents of a history. Agents have to ask for their identity again when Remit was started again. */
export type World = {
  alice: Person;
  bob: Person;
  /** Calls `note` at the witness, as an agent under a task. Rejects when there is no answer. */
  note(agent: string, task: string, mark: string): Promise<CallAnswer>;
  /** A request of an agent to Remit's own API. */
  api(agent: string, path: string, body: unknown): Promise<{ status: number; body: { id?: string } }>;
  /** After a start of Remit. */
  begin(): Promise<void>;
  close(): void;
};

export async function openWorld(remit: RemitProcess): Promise<World> {
  const workloads = new Map<string, { client: WorkloadClient; release: () => void }>();
  let sessions = new Map<string, Promise<AgentSession>>();
  let id = 0;

  function session(agent: string, task: string | null): Promise<AgentSession> {
    const key = `${agent} ${task}`;
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const workload = workloads.get(agent)!.client;
    const opened = openAgentSession({ remitUrl: remit.url, workload, ...(task === null ? {} : { taskId: task }) });
    sessions.set(key, opened);
    opened.catch(() => sessions.delete(key));
    return opened;
  }

  function close(): void {
    for (const { client, release } of workloads.values()) {
      client.close();
      release();
    }
    workloads.clear();
  }

  async function begin(): Promise<void> {
    close();
    sessions = new Map();
    for (const agent of [PLANNER, READER]) {
      const identity = await askForIdentity(authoritySocket(remit.dataDir), agent);
      const client = createWorkloadClient(`unix:${identity.socket}`);
      workloads.set(agent, { client, release: () => identity.release() });
    }
  }

  await begin();
  return {
    alice: await signIn(remit, 'alice'),
    bob: await signIn(remit, 'bob'),
    begin,
    close,
    note: async (agent, task, mark) => {
      const held = await session(agent, task);
      const response = await held.fetch(`${remit.url}/mcp/witness`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': REVISION,
          'mcp-method': 'tools/call',
          'mcp-name': 'note',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: ++id,
          method: 'tools/call',
          params: {
            name: 'note',
            arguments: { mark },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': REVISION,
              'io.modelcontextprotocol/clientInfo': { name: 'history', version: '1.0.0' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      });
      const text = await response.text();
      const approval = /"approval":\{"id":"(apr_[a-z0-9]+)"/.exec(text)?.[1] ?? null;
      return { ok: text.includes(`noted ${mark}`), approval };
    },
    api: async (agent, path, body) => {
      const response = await (
        await session(agent, null)
      ).fetch(`${remit.url}/v1${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as { id?: string } };
    },
  };
}
