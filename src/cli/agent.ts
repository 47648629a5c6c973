import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { Unavailable } from '../core/errors.ts';

/**
 * Runs a command as a workload of the development authority: the command finds the Workload API in
 * `SPIFFE_ENDPOINT_SOCKET`. Resolves with its exit code.
 *
 * @throws Unavailable when the authority cannot be reached, or does not issue this identity.
 */
export async function runAsAgent(options: {
  id: string;
  authoritySocket: string;
  command: string[];
  env: NodeJS.ProcessEnv;
}): Promise<number> {
  const identity = await askForIdentity(options.authoritySocket, options.id);
  const [program = '', ...args] = options.command;
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...options.env, SPIFFE_ENDPOINT_SOCKET: `unix:${identity.socket}` },
  });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => reject(new Unavailable(`\`${program}\` cannot be started`, { cause })));
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
    });
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
    identity.release();
  }
}

/** The identity lasts for as long as the answer is kept open. */
export function askForIdentity(authoritySocket: string, id: string): Promise<{ socket: string; release: () => void }> {
  return new Promise((resolve, reject) => {
    const unreachable = (cause: unknown) =>
      reject(
        new Unavailable(
          `the development authority cannot be reached at \`${authoritySocket}\`; is Remit running with --dev?`,
          { cause },
        ),
      );
    const asking = request({ socketPath: authoritySocket, method: 'POST', path: '/' }, (response) => {
      response.on('error', () => {});
      response.setEncoding('utf8').once('data', (text: string) => {
        if (response.statusCode === 200) resolve({ socket: text.trim(), release: () => response.destroy() });
        else reject(new Unavailable(text.trim()));
      });
      response.once('end', () => unreachable(undefined));
    });
    asking.on('error', unreachable);
    asking.end(id);
  });
}
