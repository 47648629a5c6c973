import { isOf } from '../core/agent.ts';
import type { Revocation } from '../core/revocation.ts';
import type { RevocationStore } from '../store/ports.ts';
import type { Asker } from '../task/authorize.ts';

/** What a stream brings: entries, or that there is nothing new, with the number of the newest entry. */
export type FeedMessage = { revocations: readonly Revocation[] } | { position: number; at: number };

export interface FeedStream {
  messages: ReadableStream<FeedMessage>;
  /** There may be something new. */
  wake(): void;
  /** Ends the stream; the reader comes again, and goes on where it was. */
  end(): void;
}

/** How often a reader hears that there is nothing new: what is silent for longer is not connected. */
export const HEARTBEAT_MS = 5_000;
/** A reader that takes nothing for so long is cut. */
const STALLED_AFTER_MS = 30_000;
/** So many entries are handed over at once: what waits for a slow reader is never more than that, and stays in the store. */
const BATCH = 100;

/** After these the reader is asked again who they are, and whether they may. */
const ASKED_AGAIN: ReadonlySet<string> = new Set(['policy.changed', 'policy.distrusted', 'access.suspended']);

/**
 * One reader of the feed. It holds nothing but a position: entries are read when the reader has room for them, so that one
 * who is slow costs no memory, and catches up from the store.
 */
export function openStream(parts: {
  store: RevocationStore;
  clock: () => number;
  asker: Asker;
  after: number;
  ended: () => void;
}): FeedStream {
  const { store, clock, asker } = parts;
  let after = parts.after;
  /** What is older was there when the reader was asked. */
  const askedAt = store.feedRange().newest;
  let over = false;
  /** When the reader last took something, or had nothing to take. */
  let taken = clock();
  let controller: ReadableStreamDefaultController<FeedMessage>;
  const heartbeat = setInterval(beat, HEARTBEAT_MS).unref();
  // INVARIANT 1: the stream ends with the token that it was opened with.
  const expiry = asker.token === null ? undefined : setTimeout(end, asker.token.expiresAt - clock()).unref();

  function finish(close: () => void): void {
    if (over) return;
    over = true;
    clearInterval(heartbeat);
    clearTimeout(expiry);
    parts.ended();
    close();
  }

  function end(): void {
    finish(() => controller.close());
  }

  /** Hands over what there is, if the reader has room. */
  function push(): boolean {
    if (over || (controller.desiredSize ?? 0) <= 0) return false;
    const revocations = store.revocations(after, BATCH);
    // Forgotten before the reader came to them: told so when it comes again.
    if (revocations === 'gone') {
      end();
      return false;
    }
    if (revocations.length === 0) return false;
    // Before it is handed over: a reader that waits asks for more from within `enqueue`.
    after = revocations.at(-1)!.sequence;
    taken = clock();
    controller.enqueue({ revocations });
    if (revocations.some((each) => each.sequence > askedAt && concerns(each, asker))) end();
    return true;
  }

  function beat(): void {
    if (push() || over) return;
    if ((controller.desiredSize ?? 0) > 0) {
      taken = clock();
      controller.enqueue({ position: after, at: taken });
    } else if (clock() - taken > STALLED_AFTER_MS) {
      finish(() => controller.error(new Error('the reader is too slow')));
    }
  }

  const messages = new ReadableStream<FeedMessage>({
    start: (opened) => {
      controller = opened;
      // At once, so that who comes knows where the feed stands.
      controller.enqueue({ position: askedAt, at: clock() });
    },
    pull: () => {
      taken = clock();
      push();
    },
    cancel: () => finish(() => {}),
  });
  return { messages, wake: push, end };
}

/** Whether the reader could be refused now who was not before. */
function concerns({ kind, subject }: Revocation, { agent, token }: Asker): boolean {
  if (ASKED_AGAIN.has(kind)) return true;
  if (kind === 'token.revoked') return subject['jti'] === token?.id;
  const stopped = kind === 'agent.suspended' || kind === 'agent.retired';
  return stopped && agent !== null && typeof subject['agent'] === 'string' && isOf(subject['agent'], agent.id);
}
