import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { pathWithBins, root, type RemitProcess } from './remit-process.ts';

/** An agent in a process of its own, under `remit agent run`, with the official MCP client. It does as it is told. */
export type AgentProcess = {
  ask<Answer = Record<string, unknown>>(command: AgentCommand): Promise<Answer>;
  dispose(): Promise<void>;
};

export type AgentCommand =
  | { do: 'connect'; target: string; task: string; revision: 'auto' | 'legacy' }
  | { do: 'list'; target: string }
  | { do: 'call'; target: string; name: string; arguments: Record<string, unknown> }
  /** The access token as the agent holds it, for tests that steal it. */
  | { do: 'token'; target: string }
  /** The agent's token for Remit's own API, which needs no task. */
  | { do: 'own-token' }
  | { do: 'complete'; task: string };

export async function startAgent(remit: RemitProcess, id: string): Promise<AgentProcess> {
  const child = spawn(
    process.execPath,
    [
      join(root, 'src/main.ts'),
      'agent',
      'run',
      '--id',
      id,
      '--data',
      remit.dataDir,
      '--',
      process.execPath,
      join(root, 'test/harness/agent.ts'),
    ],
    { env: { ...process.env, PATH: pathWithBins, REMIT_URL: remit.url }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as { id: number; result?: never; error?: string };
    const waiter = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error === undefined) waiter?.resolve(answer.result as never);
    else waiter?.reject(new Error(answer.error));
  });
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => {
      for (const waiter of waiting.values()) waiter.reject(new Error(`the agent ended: ${complaints}`));
      resolve();
    }),
  );
  let last = 0;
  return {
    ask: (command) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
      }),
    dispose: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
