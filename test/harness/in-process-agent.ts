import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { openAgentSession, type AgentSession } from '../../src/cli/agent-session.ts';
import { askForIdentity } from '../../src/cli/agent.ts';
import { authoritySocket } from '../../src/cli/as-agent.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import type { RemitProcess } from './remit-process.ts';

/** An agent in the process of the test, for tests that need many: the official MCP client, and Remit's client code. */
export type Agent = {
  /** A request to Remit's own API. */
  call<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: Answer }>;
  /** Its access to the targets of a task. */
  session(task: string): Promise<AgentSession>;
  /** A client of a target under a task. */
  connect(target: string, task: string): Promise<{ client: Client; token: () => Promise<string> }>;
  close(): Promise<void>;
};

/** Its identity is of the development authority, and lasts until `close` or until Remit ends. */
export async function openAgent(remit: Pick<RemitProcess, 'url' | 'dataDir'>, id: string): Promise<Agent> {
  const identity = await askForIdentity(authoritySocket(remit.dataDir), id);
  const workload = createWorkloadClient(`unix:${identity.socket}`);
  const clients: Client[] = [];
  let own: Promise<AgentSession> | undefined;
  return {
    call: async <Answer>(method: 'GET' | 'POST', path: string, body?: unknown) => {
      own ??= openAgentSession({ remitUrl: remit.url, workload });
      const response = await (
        await own
      ).fetch(`${remit.url}/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      return { status: response.status, body: (await response.json()) as Answer };
    },
    session: (task) => openAgentSession({ remitUrl: remit.url, workload, taskId: task }),
    connect: async (target, task) => {
      const url = `${remit.url}/mcp/${target}`;
      const session = await openAgentSession({ remitUrl: remit.url, workload, taskId: task });
      const client = new Client({ name: 'agent', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
      clients.push(client);
      await client.connect(
        new StreamableHTTPClientTransport(new URL(url), { fetch: (to, init) => session.fetch(to, init) }),
      );
      return { client, token: () => session.token(url) };
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
      workload.close();
      identity.release();
    },
  };
}
