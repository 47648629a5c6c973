import { parseArgs } from 'node:util';
import { withAgentSession } from './as-agent.ts';
import { failureOf } from './bound-tokens.ts';
import { UsageError, type Io } from './io.ts';
import { readGrant } from './read-grant.ts';
import { limitsOf } from './task-limits.ts';
import { printTask, type TaskWire } from './task-text.ts';

export const HOP_USAGE = `remit task hop --task ID --agent SPIFFE_ID --purpose TEXT --grant FILE|JSON [--sensitivity LEVEL] [--minutes N]
                  [--calls N] [--hops N] [--dev-id SPIFFE_ID]   as the agent of a task: hand a part of it on`;

/** Hands a part of a task on, as the agent that this process runs as. */
export async function hop(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      task: { type: 'string' },
      'dev-id': { type: 'string' },
      agent: { type: 'string' },
      purpose: { type: 'string' },
      grant: { type: 'string' },
      sensitivity: { type: 'string' },
      minutes: { type: 'string' },
      calls: { type: 'string' },
      hops: { type: 'string' },
    },
  });
  const { agent, purpose, grant, sensitivity, minutes, calls, hops } = values;
  if (agent === undefined || purpose === undefined || grant === undefined) throw new UsageError(HOP_USAGE);
  const body = { agent, purpose, grant: readGrant(grant), ...limitsOf({ sensitivity, minutes, calls, hops }) };
  return withAgentSession(values, io, async (session, task) => {
    const response = await session.fetch(`${io.remitUrl}/v1/tasks/${encodeURIComponent(task)}/hops`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw await failureOf(response);
    printTask((await response.json()) as TaskWire, io);
    return 0;
  });
}
