import type { DatabaseSync } from 'node:sqlite';
import type { RevocationStore } from '../ports.ts';
import type { AgentTable } from './agent-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { FeedTable } from './feed-table.ts';
import type { SuspensionTable } from './suspension-table.ts';

/** The revocation feed, and what is revoked at this moment. Both are durable when they are read: see `RevokedTokenTable`. */
export function feedVerbs(
  db: DatabaseSync,
  queue: CommitQueue,
  { feed, agents, suspensions }: { feed: FeedTable; agents: AgentTable; suspensions: SuspensionTable },
): RevocationStore {
  const endedTasks = db.prepare('SELECT id FROM tasks WHERE ended_at >= ? ORDER BY ended_at, id');
  const revokedTokens = db.prepare('SELECT id FROM revoked_tokens WHERE keep_until > ? ORDER BY id');
  return {
    feedRange: () => feed.range,
    revocations: (after, limit) => {
      const { oldest, newest } = feed.range;
      return after < oldest - 1 || after > newest ? 'gone' : feed.after(after, limit);
    },
    pruneRevocations: (before) =>
      queue
        .add(
          () => feed.prune(before),
          ({ oldest }) => feed.forgetBelow(oldest),
        )
        .then(({ pruned }) => pruned),
    revokedNow: ({ now, endedSince }) => ({
      position: feed.range.newest,
      tasks: endedTasks.all(endedSince).map(({ id }) => String(id)),
      tokens: revokedTokens.all(now).map(({ id }) => String(id)),
      agents: agents.list().flatMap(({ id, state }) => (state === 'active' ? [] : [id])),
      suspended: suspensions.all().map(({ kind, id }) => ({ kind, id })),
    }),
  };
}
