import type { TargetConfig } from '../../config/config.ts';
import type { McpParts } from './parts.ts';
import type { Channel } from './upstream/channel.ts';

/** More sessions than this of one task at one target: the oldest ends. */
const MAX_SESSIONS = 64;

/** A client session of revisions up to 2025-11-25. Its id is the gateway's own and bound to one task at one target. */
export type Session = {
  id: string;
  taskId: string;
  target: string;
  channel: Channel;
  /** Whether the client said at the start that it can send a person to a URL. */
  opensUrls: boolean;
};

export type Sessions = {
  /** Returns the id for `Mcp-Session-Id`. */
  begin(taskId: string, target: TargetConfig, channel: Channel, opensUrls: boolean): string;
  /** INVARIANT 13: the session of another task, or at another target, is as unknown as one that never was. */
  find(id: string, taskId: string, target: string): Session | undefined;
  end(session: Session, reason: string): Promise<void>;
};

export function createSessions(parts: Pick<McpParts, 'newId' | 'live'>): Sessions {
  const sessions = new Map<string, Session & { detach: () => void }>();

  async function end(session: Session, reason: string): Promise<void> {
    const held = sessions.get(session.id);
    sessions.delete(session.id);
    held?.detach();
    await session.channel.close(reason);
  }

  return {
    begin: (taskId, target, channel, opensUrls) => {
      const siblings = [...sessions.values()].filter((held) => held.taskId === taskId && held.target === target.name);
      if (siblings.length >= MAX_SESSIONS) void end(siblings[0]!, 'too many sessions of this task');
      const id = parts.newId('mcp');
      const session = { id, taskId, target: target.name, channel, opensUrls, detach: () => undefined as void };
      sessions.set(session.id, session);
      const work = { taskId, kind: 'session' as const, id: session.id, target: target.name };
      session.detach = parts.live.attach(work, (reason) => void end(session, reason));
      return session.id;
    },
    find: (id, taskId, target) => {
      const session = sessions.get(id);
      if (session?.taskId !== taskId || session.target !== target) return undefined;
      if (!session.channel.closed.aborted) return session;
      // The upstream has forgotten the session; so the client has to begin another.
      void end(session, 'the target has ended the session');
      return undefined;
    },
    end,
  };
}
