/** The agent that tests, demo and benchmarks drive: the official MCP client over a session of Remit's client code. */
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { openAgentSession, type AgentSession } from '../../src/cli/agent-session.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import type { AgentCommand } from './agent-process.ts';

const remitUrl = process.env['REMIT_URL']!;
const workload = createWorkloadClient(process.env['SPIFFE_ENDPOINT_SOCKET']!);
const connections = new Map<string, { session: AgentSession; client: Client }>();
const urlOf = (target: string) => `${remitUrl}/mcp/${target}`;

async function obey(command: AgentCommand): Promise<unknown> {
  switch (command.do) {
    case 'connect': {
      const session = await openAgentSession({ remitUrl, workload, taskId: command.task });
      const client = new Client(
        { name: 'agent', version: '1.0.0' },
        { versionNegotiation: { mode: command.revision } },
      );
      await client.connect(
        new StreamableHTTPClientTransport(new URL(urlOf(command.target)), {
          fetch: (url, init) => session.fetch(url, init),
        }),
      );
      connections.set(command.target, { session, client });
      return {};
    }
    case 'list':
      return connected(command.target).client.listTools();
    case 'call':
      return connected(command.target).client.callTool({ name: command.name, arguments: command.arguments });
    case 'token':
      return { token: await connected(command.target).session.token(urlOf(command.target)) };
    case 'own-token': {
      const session = await openAgentSession({ remitUrl, workload });
      return { token: await session.token(`${remitUrl}/v1`) };
    }
    case 'complete': {
      const session = await openAgentSession({ remitUrl, workload });
      const response = await session.fetch(`${remitUrl}/v1/tasks/${command.task}/complete`, { method: 'POST' });
      return response.json();
    }
  }
}

function connected(target: string) {
  const connection = connections.get(target);
  if (connection === undefined) throw new Error(`not connected to ${target}`);
  return connection;
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, ...command } = JSON.parse(line) as { id: number } & AgentCommand;
    void obey(command as AgentCommand).then(
      (result) => console.log(JSON.stringify({ id, result })),
      (error: unknown) =>
        console.log(JSON.stringify({ id, error: error instanceof Error ? error.message : String(error) })),
    );
  })
  .on('close', () => process.exit(0));
