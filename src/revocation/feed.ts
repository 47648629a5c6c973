import { Gone, Unavailable } from '../core/errors.ts';
import type { Revocation } from '../core/revocation.ts';
import type { Revoked, RevocationStore } from '../store/ports.ts';
import { authorize, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import { openStream, type FeedStream } from './stream.ts';

export type RevocationFeedParts = AuthorizeParts & {
  store: RevocationStore & Pick<AuthorizeParts['log'], 'onCommit'>;
  /** How long entries are kept. */
  retainMs: number;
  /** No token of ours is taken so long after the end of its task, whatever the clocks. */
  longestTokenMs: number;
  /** So many streams at once; 1000. */
  maxStreams?: number;
};

export type FeedPage = { revocations: Revocation[]; oldest: number; newest: number };

/** What has ended, in order: for gateways, resource servers and consoles that follow Remit. */
export interface RevocationFeed {
  /** Without `after` from the oldest entry that is kept. @throws Forbidden, Gone */
  page(asker: Asker, from: { after: number | undefined; limit: number }): Promise<FeedPage>;
  /** What is revoked and still matters, and as of which entry. @throws Forbidden */
  snapshot(asker: Asker): Promise<Revoked>;
  /**
   * The entries after `after`, and each new one as soon as it is durable. Ends by itself when the reader has to be asked
   * again who they are: with their token, and after a change that could concern them. @throws Forbidden, Gone, Unavailable
   */
  follow(asker: Asker, after: number | undefined): Promise<FeedStream>;
  /** Forgets entries that are older than they are kept. */
  prune(): Promise<number>;
  /** Ends all streams, and opens no more. */
  close(): void;
}

const MAX_STREAMS = 1000;

export function createRevocationFeed(parts: RevocationFeedParts): RevocationFeed {
  const { store, log, clock } = parts;
  const streams = new Set<FeedStream>();
  let closed = false;
  let told = store.feedRange().newest;
  store.onCommit(() => {
    const { newest } = store.feedRange();
    if (newest === told) return;
    told = newest;
    for (const stream of streams) stream.wake();
  });
  const permitted = async (asker: Asker) => {
    const own = { operation: 'revocation.read' as const, resources: [], arguments: {} };
    await log.append([await authorize(asker, own, parts)]);
  };
  /** @throws Gone */
  const entries = (after: number, limit: number): Revocation[] => {
    const found = store.revocations(after, limit);
    if (found !== 'gone') return found;
    throw new Gone(`the entries after ${after} are not kept; begin anew with /v1/revocations/snapshot`);
  };
  const oldest = () => store.feedRange().oldest - 1;
  return {
    page: async (asker, { after, limit }) => {
      await permitted(asker);
      return { revocations: entries(after ?? oldest(), limit), ...store.feedRange() };
    },
    snapshot: async (asker) => {
      await permitted(asker);
      const now = clock();
      return store.revokedNow({ now, endedSince: now - parts.longestTokenMs });
    },
    follow: async (asker, after) => {
      await permitted(asker);
      const start = after ?? oldest();
      entries(start, 1);
      if (closed || streams.size >= (parts.maxStreams ?? MAX_STREAMS)) {
        throw new Unavailable('too many follow the revocation feed; try again later, or read it page by page');
      }
      const stream = openStream({ store, clock, asker, after: start, ended: () => void streams.delete(stream) });
      streams.add(stream);
      return stream;
    },
    prune: () => store.pruneRevocations(clock() - parts.retainMs),
    close: () => {
      closed = true;
      for (const stream of streams) stream.end();
    },
  };
}
