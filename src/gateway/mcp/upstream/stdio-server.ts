import type { StdioUpstream, TargetConfig } from '../../../config/config.ts';
import { UpstreamFailed, UpstreamTimeout } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { allowedCapabilities } from '../client-capabilities.ts';
import { SESSION_VERSIONS } from '../methods.ts';
import { createSeenDefinitions, forgetDefinitions, type SeenDefinitions } from '../seen-definitions.ts';
import { startStdioProcess, type StdioProcess } from './stdio-process.ts';

const IDLE_MS = 10 * 60_000;

/** The stdio server of one task at one target: started on first use, started again after it died. */
export type StdioServer = {
  readonly seen: SeenDefinitions;
  /** Starts the process if none runs, and makes the handshake. Returns its initialize result. */
  ready(params?: JsonObject): Promise<JsonObject>;
  running(): StdioProcess | null;
  join(listener: LooseListener): void;
  leave(listener: LooseListener): void;
  close(reason: string): void;
};

/** Takes what belongs to no request; says whether anybody heard it. */
type LooseListener = { loose: (message: JsonObject) => boolean };

export type StdioServerParts = {
  target: TargetConfig;
  upstream: StdioUpstream;
  readEnv: () => Record<string, string>;
  version: string;
  onStart: (started: StdioProcess) => void;
  /** `stderr` as it ended, redacted by the callee. */
  onExit: (stderr: string) => void;
};

export function createStdioServer(parts: StdioServerParts): StdioServer {
  const seen = createSeenDefinitions();
  const listeners: LooseListener[] = [];
  let current: { process: StdioProcess; initialized: Promise<JsonObject> } | null = null;
  let closed: string | null = null;
  let idle: NodeJS.Timeout | null = null;

  function touch(): void {
    if (idle !== null) clearTimeout(idle);
    idle = setTimeout(() => current?.process.kill('the target was idle'), IDLE_MS);
    idle.unref();
  }

  function start(params: JsonObject | undefined): { process: StdioProcess; initialized: Promise<JsonObject> } {
    forgetDefinitions(seen);
    const process = startStdioProcess({
      target: parts.target,
      upstream: parts.upstream,
      env: parts.readEnv(),
      onLoose: (message, everyone) => {
        if (message['method'] === 'notifications/tools/list_changed') forgetDefinitions(seen);
        const newestFirst = listeners.toReversed();
        if (!everyone) return newestFirst.some((listener) => listener.loose(message));
        return newestFirst.filter((listener) => listener.loose(message)).length > 0;
      },
      onExit: parts.onExit,
    });
    parts.onStart(process);
    return { process, initialized: handshake(process, params) };
  }

  async function handshake(process: StdioProcess, params: JsonObject | undefined): Promise<JsonObject> {
    const capabilities = isJsonObject(params?.['capabilities']) ? params['capabilities'] : {};
    const call = process.request({
      jsonrpc: '2.0',
      id: 'initialize',
      method: 'initialize',
      params: {
        protocolVersion: SESSION_VERSIONS[0]!,
        capabilities: allowedCapabilities(capabilities, parts.target.clientCapabilities),
        clientInfo: { name: 'remit', version: parts.version },
      },
    });
    const late = setTimeout(() => {
      call.messages.end(new UpstreamTimeout(`the target did not answer within ${parts.target.timeoutMs} ms`));
      process.kill('the target did not start in time');
    }, parts.target.timeoutMs);
    try {
      for await (const message of call.messages) {
        if (message['method'] !== undefined) continue;
        if (!isJsonObject(message['result'])) break;
        process.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
        return message['result'];
      }
    } finally {
      clearTimeout(late);
    }
    process.kill('the target refused the handshake');
    throw new UpstreamFailed('the target refused the handshake');
  }

  return {
    seen,
    ready: async (params) => {
      if (closed !== null) throw new UpstreamFailed(closed);
      touch();
      if (current === null || !current.process.alive) current = start(params);
      return current.initialized;
    },
    running: () => (current?.process.alive === true ? current.process : null),
    join: (listener) => void listeners.push(listener),
    leave: (listener) => {
      const at = listeners.indexOf(listener);
      if (at !== -1) listeners.splice(at, 1);
    },
    close: (reason) => {
      closed = reason;
      if (idle !== null) clearTimeout(idle);
      current?.process.kill(reason);
    },
  };
}
