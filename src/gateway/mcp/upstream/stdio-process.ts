import { spawn } from 'node:child_process';
import type { StdioUpstream, TargetConfig } from '../../../config/config.ts';
import { TooLarge, UpstreamFailed } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { metaOf, readMessage, RPC, rpcError, type Message } from '../message.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';

const KILL_AFTER_MS = 2000;
const KEPT_STDERR = 4096;

/** One MCP server process, of one task at one target (invariant 13). Speaks newline-delimited JSON-RPC. */
export type StdioProcess = {
  readonly alive: boolean;
  /** Sends a request under an id of the process's own. The queue ends with the response, whose id is `id` again. */
  request(message: JsonObject & { method: string; id: JsonValue }): ProcessCall;
  send(message: JsonObject): void;
  /** Ends the whole process group: SIGTERM, and SIGKILL two seconds later. */
  kill(reason: string): void;
  /** Resolves when the process has gone. */
  readonly gone: Promise<void>;
  /** Absent when it could not be started. */
  readonly pid: number | undefined;
};

export type ProcessCall = { wireId: number; messages: EventQueue<JsonObject>; forget(): void };

export type ProcessParts = {
  target: TargetConfig;
  upstream: StdioUpstream;
  env: Record<string, string>;
  /** What belongs to no request, or to no request any more. `true` when somebody took it. */
  onLoose: (message: JsonObject, everyone: boolean) => boolean;
  onExit: (detail: string) => void;
};

type Pending = { id: JsonValue; token: JsonValue | undefined; queue: EventQueue<JsonObject> };

export function startStdioProcess(parts: ProcessParts): StdioProcess {
  const { command, args, cwd } = parts.upstream;
  // INVARIANT 13: the environment is what the target file names, PATH and HOME, and nothing else of Remit's.
  const { PATH, HOME } = process.env;
  const env = { ...(PATH === undefined ? {} : { PATH }), ...(HOME === undefined ? {} : { HOME }), ...parts.env };
  // A process group of its own, so that what the server starts ends with it.
  const child = spawn(command, args, { cwd, env, stdio: 'pipe', detached: true, windowsHide: true });
  const pending = new Map<number, Pending>();
  let next = 1;
  let alive = true;
  let spoken = false;
  let stderr = '';

  const gone = Promise.withResolvers<void>();
  child.on('error', () => {
    fail(new UpstreamFailed('the target cannot be started'));
    if (child.pid === undefined) gone.resolve();
  });
  child.on('exit', () => {
    fail(new UpstreamFailed('the target ended before it answered'));
    // What it started ends with it, however it ended.
    if (child.pid !== undefined) signalGroup(-child.pid, 'SIGKILL');
    gone.resolve();
  });
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-KEPT_STDERR)));
  readLines(child.stdout, parts.target.maxAnswerBytes, receive, (error) => stop(error));

  function fail(error: Error): void {
    if (!alive) return;
    alive = false;
    for (const call of pending.values()) call.queue.end(error);
    pending.clear();
    parts.onExit(stderr);
  }

  function stop(error: Error): void {
    fail(error);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const group = -child.pid;
    signalGroup(group, 'SIGTERM');
    setTimeout(() => signalGroup(group, 'SIGKILL'), KILL_AFTER_MS).unref();
  }

  function send(message: JsonObject): void {
    if (alive) child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  function receive(line: string): void {
    if (!alive || line.trim() === '') return;
    const read = parseLine(line);
    if (read === null) {
      // Some servers greet on standard output before they speak the protocol; later it is nonsense.
      if (spoken) stop(new UpstreamFailed('the target answered with something that is not JSON-RPC'));
      return;
    }
    spoken = true;
    dispatch(read);
  }

  function dispatch(read: Message): void {
    const { message } = read;
    if (read.kind === 'response') {
      const call = typeof message.id === 'number' ? pending.get(message.id) : undefined;
      if (call === undefined) return;
      pending.delete(message.id as number);
      call.queue.push({ ...message, id: call.id });
      call.queue.end();
      return;
    }
    const params = read.message.params;
    const token = params?.['progressToken'];
    if (read.kind === 'notification' && message['method'] === 'notifications/progress') {
      const call = typeof token === 'number' ? pending.get(token) : undefined;
      if (call?.token === undefined) return;
      call.queue.push({ ...message, params: { ...params, progressToken: call.token } });
      return;
    }
    // Standard input and output do not say which request a message belongs to: it goes to the most recent one.
    const recent = [...pending.values()].at(-1);
    const changes = typeof message['method'] === 'string' && /_changed$|\/updated$/.test(message['method']);
    if (changes && parts.onLoose(message, true)) return;
    if (recent !== undefined) recent.queue.push(message);
    else if (!parts.onLoose(message, false) && read.kind === 'request') {
      send(rpcError(read.message.id, RPC.methodNotFound, 'nobody is there to answer'));
    }
  }

  return {
    get alive() {
      return alive;
    },
    send,
    gone: gone.promise,
    pid: child.pid,
    kill: (reason) => stop(new UpstreamFailed(reason)),
    request: (message) => {
      const queue = createEventQueue<JsonObject>();
      if (!alive) queue.end(new UpstreamFailed('the target ended before it answered'));
      const wireId = next++;
      const params = message['params'] as JsonObject | undefined;
      const meta = metaOf(params);
      const token = meta['progressToken'];
      pending.set(wireId, { id: message.id, token, queue });
      const marked = token === undefined ? params : { ...params, _meta: { ...meta, progressToken: wireId } };
      send({ ...message, id: wireId, ...(marked === undefined ? {} : { params: marked }) });
      return { wireId, messages: queue, forget: () => void pending.delete(wireId) };
    },
  };
}

function parseLine(line: string): Message | null {
  try {
    return readMessage(JSON.parse(line));
  } catch {
    return null;
  }
}

function readLines(
  stream: NodeJS.ReadableStream,
  limit: number,
  onLine: (line: string) => void,
  onProblem: (error: Error) => void,
): void {
  let rest: string[] = [];
  let length = 0;
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = text.split('\n');
    for (const [index, part] of lines.entries()) {
      rest.push(part);
      length += part.length;
      if (length > limit) return onProblem(new TooLarge(`the target answered with more than ${limit} bytes`));
      if (index === lines.length - 1) continue;
      const line = rest.join('');
      rest = [];
      length = 0;
      onLine(line);
    }
  });
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(group, signal);
  } catch {
    // ESRCH: the group has gone already, which is what was wanted.
  }
}
