import { execFile } from 'node:child_process';

const TIMEOUT_MS = 10_000;

/** Says how the program failed, as the rest of a sentence about it. Holds nothing of what it printed. */
export class SecretCommandFailed extends Error {}

/**
 * What a program prints, run without a shell. What it prints besides is dropped: it may quote what must not be in a log.
 *
 * @throws SecretCommandFailed
 */
export function runSecretCommand(
  [program = '', ...args]: readonly string[],
  options: { folder: string; env: Record<string, string | undefined>; maxBytes: number; timeoutMs?: number },
): Promise<string> {
  const timeout = options.timeoutMs ?? TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        cwd: options.folder,
        env: options.env,
        shell: false,
        timeout,
        killSignal: 'SIGKILL',
        maxBuffer: options.maxBytes,
        windowsHide: true,
      },
      (error, stdout) => {
        // INVARIANT 14: the error holds what the command has printed, so it goes no further.
        if (error === null) resolve(stdout);
        else reject(new SecretCommandFailed(failureOf(error, timeout)));
      },
    );
    // Nobody answers a question that it might ask.
    child.stdin?.on('error', () => {}).end();
  });
}

function failureOf(error: Error & { code?: unknown; killed?: boolean }, timeout: number): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'prints more than a secret';
  if (error.killed === true) return `gave nothing within ${timeout / 1000} s`;
  if (typeof error.code === 'number') return `ended with ${error.code}`;
  return `cannot be run (${String(error.code)})`;
}
