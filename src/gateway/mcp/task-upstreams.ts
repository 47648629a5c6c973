import type { SecretSource, TargetConfig } from '../../config/config.ts';
import { redactText } from '../../core/redact.ts';
import type { CredentialUse } from '../../credential/credential.ts';
import { secretsOf } from '../../credential/injected.ts';
import { stripOf } from '../../credential/strip.ts';
import { REMIT_INFO } from './ask.ts';
import type { McpParts } from './parts.ts';
import type { Revision } from './methods.ts';
import { createHttpChannel } from './upstream/http-channel.ts';
import { createStdioChannel } from './upstream/stdio-channel.ts';
import { birthOf } from './upstream/process-birth.ts';
import type { StdioProcess } from './upstream/stdio-process.ts';
import { createStdioServer, type StdioServer } from './upstream/stdio-server.ts';
import type { Channel } from './upstream/channel.ts';

/** Whose request goes upstream. */
export type Bearer = Pick<CredentialUse, 'agent' | 'delegator'> & { task: string };
const NOBODY = { task: null, agent: null, delegator: null };

/** INVARIANT 13: what each task has at each target. Nothing here is ever shared between tasks. */
export type TaskUpstreams = {
  /** The task's channel for stateless requests. */
  stateless(bearer: Bearer, target: TargetConfig): Channel;
  /** A channel for a new client session of the task. */
  openSession(bearer: Bearer, target: TargetConfig): Channel;
  /** A channel of Remit's own, for looking at a target, or for taking back what the bearer's task has left there. `close` ends all of it. */
  openAlone(target: TargetConfig, revision: Revision, bearer?: Bearer): Channel;
  /** Resolves when every process that was started has gone, and the store knows. */
  gone(): Promise<void>;
  /** Takes the target's own credential out of a text. */
  redactor(target: TargetConfig): (text: string) => string;
};

type Held = { stdio: StdioServer | null; stateless: Channel | null };

export function createTaskUpstreams(
  parts: Pick<McpParts, 'live' | 'readSecret' | 'credential' | 'log' | 'processes'>,
): TaskUpstreams {
  const held = new Map<string, Held>();
  const processes = new Set<Promise<void>>();

  function of(taskId: string, target: TargetConfig): Held {
    const key = `${taskId}\n${target.name}`;
    const known = held.get(key);
    if (known !== undefined) return known;
    const fresh: Held = { stdio: target.upstream.kind === 'stdio' ? startable(target, taskId) : null, stateless: null };
    held.set(key, fresh);
    parts.live.attach({ taskId, kind: 'upstream', id: target.name, target: target.name }, (reason) => {
      held.delete(key);
      fresh.stdio?.close(reason);
      void fresh.stateless?.close(reason);
    });
    return fresh;
  }

  function startable(target: TargetConfig, taskId: string | null): StdioServer {
    const { upstream } = target;
    if (upstream.kind !== 'stdio') throw new Error('an HTTP target has no process');
    return createStdioServer({
      target,
      upstream,
      readEnv: () => readAll(upstream.env),
      version: REMIT_INFO.version,
      onStart: (started) => {
        const gone = keepStarted(started, { target: target.name, taskId });
        processes.add(gone);
        void gone.then(() => processes.delete(gone));
      },
      onExit: (stderr) => {
        const text = redactText(redactor(target)(stderr));
        parts.log.info({ target: target.name, stderr: text }, 'the process of a target ended');
      },
    });
  }

  /** So that the next process of Remit can end it, if this one is killed. Resolves when it has gone, and that is kept. */
  async function keepStarted(
    started: StdioProcess,
    { target, taskId }: { target: string; taskId: string | null },
  ): Promise<void> {
    const { pid, gone } = started;
    const birth = pid === undefined ? null : birthOf(pid);
    if (pid === undefined || birth === null) return gone;
    const id = `${target}:${pid}`;
    try {
      await parts.processes.processStarted({ id, pid, birth, task: taskId });
      await gone;
      await parts.processes.processGone(id);
    } catch (error) {
      // What the next process of Remit would not know of does not run.
      started.kill('the process could not be kept');
      parts.log.error({ err: error, target }, 'the process of a target is not kept');
      await gone;
    }
  }

  function open(
    revision: Revision,
    target: TargetConfig,
    stdio: StdioServer | null,
    bearer: Bearer | typeof NOBODY,
  ): Channel {
    const { upstream } = target;
    if (stdio !== null) return createStdioChannel(revision, stdio);
    if (upstream.kind !== 'http') throw new Error('the target has no server');
    return createHttpChannel(revision, {
      target,
      upstream,
      fixed: () => readAll(upstream.headers),
      credential: parts.credential(target.name),
      bearer,
    });
  }

  function readAll(sources: Record<string, SecretSource>): Record<string, string> {
    return Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, parts.readSecret(source)]));
  }

  function redactor(target: TargetConfig): (text: string) => string {
    const secrets = Object.values(sourcesOf(target.upstream))
      .filter((source) => !('value' in source))
      .flatMap((source) => {
        const secret = parts.readSecret(source);
        return secretsOf(secret);
      });
    const strip = stripOf(secrets);
    return (text) => strip.text(text);
  }

  return {
    stateless: (bearer, target) => {
      const mine = of(bearer.task, target);
      mine.stateless ??= open('stateless', target, mine.stdio, bearer);
      return mine.stateless;
    },
    openSession: (bearer, target) => open('session', target, of(bearer.task, target).stdio, bearer),
    openAlone: (target, revision, bearer) => {
      const stdio = target.upstream.kind === 'stdio' ? startable(target, null) : null;
      const channel = open(revision, target, stdio, bearer ?? NOBODY);
      const close = async (reason: string): Promise<void> => {
        await channel.close(reason);
        stdio?.close(reason);
      };
      return { ...channel, close };
    },
    gone: async () => void (await Promise.all(processes)),
    redactor,
  };
}

function sourcesOf(upstream: TargetConfig['upstream']): Record<string, SecretSource> {
  switch (upstream.kind) {
    case 'http':
      return upstream.headers;
    case 'stdio':
      return upstream.env;
    case 'none':
      return {};
  }
}
