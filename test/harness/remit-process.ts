import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { FailPointName } from '../../src/ending/fail-point.ts';
import type { LeasePointName } from '../../src/lease/fail-point.ts';

/** A Remit of its own for tests, demo and benchmarks: the real program, in a process of its own and a fresh folder. */
export type RemitProcess = {
  url: string;
  /** Holds a copy of the quickstart, and `data/`. */
  folder: string;
  dataDir: string;
  /** Of the process that runs now. */
  pid(): number;
  /** All that the process has printed so far. */
  output(): string;
  /** Kills it without warning. */
  kill(): Promise<void>;
  /** Asks it to drain and waits; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Starts it again on the same folder and port, after `kill` or `stop`. */
  start(): Promise<void>;
  /** Has it die at this fail point, the next time that it comes there. It was started with `failPoints`. */
  dieAt(name: FailPointName | LeasePointName): Promise<void>;
  /** Resolves when the process that runs now has ended. */
  ended(): Promise<void>;
  /** Runs the command line against it. */
  cli(args: string[], options?: { env?: Record<string, string>; input?: string }): Promise<CliResult>;
  /** Stops it and removes the folder. */
  dispose(): Promise<void>;
};

export type CliResult = { code: number | null; stdout: string; stderr: string };

export const root = join(import.meta.dirname, '../..');
const main = join(root, 'src/main.ts');

/** Node 24 and the binaries of the packages, as npm scripts have them. */
export const pathWithBins = `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`;

const STDIO = ['ignore', 'pipe', 'pipe'] as const;

export type RemitOptions = {
  /** Changes the copy of the quickstart before the first start; to TLS, where `scheme` is `https`. */
  prepare?: (folder: string) => void | Promise<void>;
  env?: Record<string, string>;
  scheme?: 'http' | 'https';
  /** A loopback name. */
  host?: string;
  /** Whether it has a channel over which a fail point can be named. */
  failPoints?: boolean;
  /** The Node that runs it. */
  program?: string;
};

export async function startRemit(options: RemitOptions = {}): Promise<RemitProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-'));
  cpSync(join(root, 'examples/quickstart'), folder, { recursive: true });
  await options.prepare?.(folder);
  const { host = '127.0.0.1', program = process.execPath } = options;
  const port = await freePort();
  const url = `${options.scheme ?? 'http'}://${host}:${port}`;
  const dataDir = join(folder, 'data');
  let child: ChildProcess | undefined;
  let printed = '';

  const environment = (extra: Record<string, string> = {}) => ({ ...process.env, PATH: pathWithBins, ...extra });

  async function start(): Promise<void> {
    const started = spawn(
      program,
      [
        main,
        'serve',
        '--dev',
        '--config',
        join(folder, 'remit.yaml'),
        '--listen',
        `${host}:${port}`,
        '--data',
        dataDir,
      ],
      { env: environment(options.env), stdio: options.failPoints === true ? [...STDIO, 'ipc'] : [...STDIO] },
    );
    child = started;
    const from = printed.length;
    for (const stream of [started.stdout!, started.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    }
    await until(() => {
      if (started.exitCode !== null) throw new Error(`remit ended at its start:\n${printed.slice(from)}`);
      return printed.slice(from).includes('listening on');
    }, 20_000);
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    return exited;
  }

  await start();
  return {
    url,
    folder,
    dataDir,
    pid: () => child!.pid!,
    output: () => printed,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    start,
    dieAt: (name) => {
      const dying = child!;
      const armed = new Promise<void>((resolve, reject) =>
        dying.once('message', (message) =>
          (message as { armed: unknown }).armed === name ? resolve() : reject(new Error(`there is no ${name}`)),
        ),
      );
      dying.send({ dieAt: name });
      return armed;
    },
    ended: async () => {
      const ending = child!;
      if (ending.exitCode !== null || ending.signalCode !== null) return;
      await new Promise((resolve) => ending.once('exit', resolve));
    },
    cli: (args, run = {}) => runCli(args, environment({ REMIT_URL: url, REMIT_DATA: dataDir, ...run.env }), run.input),
    dispose: async () => {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function runCli(args: string[], env: NodeJS.ProcessEnv, input = ''): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** Waits until `done` says so. */
export async function until(done: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error('what was waited for did not happen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
