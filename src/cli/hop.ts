import { parseArgs } from 'node:util';
import { withAgentSession } from './as-agent.ts';
import { failureOf } from './bound-tokens.ts';
import { UsageError, type Io } from './io.ts';
import { readOption } from './read-option.ts';
import { LIMIT_OPTIONS, LIMIT_USAGE, limitsOf } from './task-limits.ts';
import { printTask, type TaskWire } from './task-text.ts';

export const HOP_USAGE = `remit task hop --task ID --agent SPIFFE_ID --purpose TEXT --grant FILE|JSON [--dev-id SPIFFE_ID]
                  ${LIMIT_USAGE}
                                    as the agent of a task: hand a part of it on`;

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
      ...LIMIT_OPTIONS,
    },
  });
  const { agent, purpose, grant, task: _task, 'dev-id': _devId, ...limits } = values;
  if (agent === undefined || purpose === undefined || grant === undefined) throw new UsageError(HOP_USAGE);
  const body = { agent, purpose, grant: readOption('grant', grant), ...limitsOf(limits) };
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
