import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { parseArgs } from 'node:util';
import { InvalidRequest } from '../core/errors.ts';
import { runAsAgent } from './agent.ts';
import type { AgentSession } from './agent-session.ts';
import { authoritySocket, withAgentSession } from './as-agent.ts';
import { callApi } from './api.ts';
import { failureOf } from './bound-tokens.ts';
import { runBridge } from './bridge.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { readOption } from './read-option.ts';
import { REGISTRY_USAGE, registeredAgents } from './registered-agents.ts';

export const AGENT_USAGE = `${REGISTRY_USAGE}

remit agent run --id SPIFFE_ID -- COMMAND…     run a command as an agent of the development authority
remit call --task ID [--target T] OPERATION [JSON]   call one operation, as an agent
remit mcp --task ID [--target T]               an MCP server on stdio, for clients that know only that
remit mcp --dev-id SPIFFE_ID --purpose TEXT --grant FILE --as PERSON
                                               the same, under a task that it requests, and completes at its end
  Both take the identity of \`remit agent run\` or of SPIRE (SPIFFE_ENDPOINT_SOCKET); with --dev-id SPIFFE_ID
  they ask the development authority themselves.`;

export const agent: Command = async ([verb = '', ...args], io) => {
  const code = await registeredAgents([verb, ...args], io);
  if (code !== null) return code;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { id: { type: 'string' } } });
  if (verb !== 'run' || values.id === undefined || positionals.length === 0) throw new UsageError(AGENT_USAGE);
  return runAsAgent({
    id: values.id,
    authoritySocket: authoritySocket(io.dataDir),
    command: positionals,
    env: { ...io.env, REMIT_URL: io.remitUrl },
  });
};

const OPTIONS = { task: { type: 'string' }, target: { type: 'string' }, 'dev-id': { type: 'string' } } as const;

export const mcp: Command = async (args, io) => {
  const { values } = parseArgs({
    args,
    options: { ...OPTIONS, purpose: { type: 'string' }, grant: { type: 'string' } },
  });
  const bridge = (task: string) =>
    withAgentSession({ ...values, task }, io, async (session) => {
      const target = values.target ?? (await onlyTarget(session, task, io));
      await runBridge({ session, remitUrl: io.remitUrl, target, complain: io.err });
      return 0;
    });
  if (values.task !== undefined) return bridge(values.task);
  const { 'dev-id': agentId, purpose, grant } = values;
  if (agentId === undefined || purpose === undefined || grant === undefined) throw new UsageError(AGENT_USAGE);
  const { id } = await callApi<{ id: string }>(io, 'POST', '/tasks', {
    agent: agentId,
    purpose,
    grant: readOption('grant', grant),
  });
  try {
    return await bridge(id);
  } finally {
    // The task was for this client; it ends with it. What is revoked or expired by then has ended already.
    await callApi(io, 'POST', `/tasks/${id}/complete`).catch((error: Error) => io.err(error.message));
  }
};

export const call: Command = async (args, io) => {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  const [operation, text = '{}', ...rest] = positionals;
  if (operation === undefined || rest.length > 0) throw new UsageError(AGENT_USAGE);
  return withAgentSession(values, io, async (session, taskId) => {
    const target = values.target ?? (await onlyTarget(session, taskId, io));
    const client = new Client({ name: 'remit-call', version: '0.1.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${io.remitUrl}/mcp/${target}`), {
        fetch: (url, init) => session.fetch(url, init),
      }),
    );
    const result = await client.callTool({ name: operation, arguments: parseArguments(text) });
    if (io.json) io.out(JSON.stringify(result));
    else for (const part of result.content) io.out(part.type === 'text' ? part.text : `[${part.type}]`);
    const record = recordOf(result);
    if (record !== null) io.err(`recorded as ${record}; see \`remit policy explain ${record}\``);
    await client.close();
    return result.isError === true ? 1 : 0;
  });
};

/** The record of Remit's own refusal, where the answer is one. A target may write the like: nothing follows from it. */
function recordOf({ structuredContent }: { structuredContent?: unknown }): string | null {
  const { record } = (structuredContent as { remit?: { record?: unknown } } | undefined)?.remit ?? {};
  return typeof record === 'string' && /^rec_\w{1,60}$/.test(record) ? record : null;
}

function parseArguments(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new UsageError('the arguments are not JSON', { cause });
  }
}

async function onlyTarget(session: AgentSession, taskId: string, io: Io): Promise<string> {
  const response = await session.fetch(`${io.remitUrl}/v1/tasks/${encodeURIComponent(taskId)}`);
  if (!response.ok) throw await failureOf(response);
  const { grant } = (await response.json()) as { grant: { target: string }[] };
  const targets = [...new Set(grant.map((each) => each.target))];
  if (targets.length !== 1) throw new InvalidRequest(`the task is for ${targets.join(' and ')}; choose with --target`);
  return targets[0]!;
}
