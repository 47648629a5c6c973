import { join } from 'node:path';
import { createWorkloadClient } from '../identity/workload-client.ts';
import { askForIdentity } from './agent.ts';
import { openAgentSession, type AgentSession } from './agent-session.ts';
import { UsageError, type Io } from './io.ts';

/** The development authority's socket in a data folder. */
export function authoritySocket(dataDir: string): string {
  return join(dataDir, 'dev', 'authority.sock');
}

/** A session as the agent that this process runs as. */
export async function withAgentSession(
  values: { task?: string | undefined; 'dev-id'?: string | undefined },
  io: Io,
  run: (session: AgentSession, taskId: string) => Promise<number>,
): Promise<number> {
  if (values.task === undefined) throw new UsageError('name the task with --task');
  const asked =
    values['dev-id'] === undefined ? undefined : await askForIdentity(authoritySocket(io.dataDir), values['dev-id']);
  const endpoint = asked === undefined ? io.env['SPIFFE_ENDPOINT_SOCKET'] : `unix:${asked.socket}`;
  if (endpoint === undefined) {
    throw new UsageError('no identity: run under `remit agent run`, or set SPIFFE_ENDPOINT_SOCKET, or give --dev-id');
  }
  const workload = createWorkloadClient(endpoint);
  try {
    return await run(await openAgentSession({ remitUrl: io.remitUrl, workload, taskId: values.task }), values.task);
  } finally {
    workload.close();
    asked?.release();
  }
}
