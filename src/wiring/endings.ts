/** What ends when a task ends: the table of ways of ending, and who works through it. */
import type { Logger } from 'pino';
import type { TargetTokens } from '../credential/oauth/ending.ts';
import { createCloser, type Closer } from '../ending/closer.ts';
import type { FailPoint } from '../ending/fail-point.ts';
import { leaseEnding } from '../ending/leases.ts';
import { liveWorkEnding } from '../ending/live-work.ts';
import { processEnding } from '../ending/processes.ts';
import { tokenEnding } from '../ending/tokens.ts';
import type { LiveWork } from '../gateway/live.ts';
import { endLeftovers } from '../gateway/mcp/upstream/leftover-processes.ts';
import type { CleanUp } from '../lease/clean-up.ts';
import type { ClosingStore, ProcessStore, RevokedTokenStore } from '../store/ports.ts';
import { REVOKED_MARGIN_MS } from '../token/revocation.ts';

export type EndingParts = {
  store: ClosingStore & RevokedTokenStore & ProcessStore;
  live: LiveWork;
  targetTokens: TargetTokens;
  cleanUp: CleanUp;
  clock: () => number;
  newId: (prefix: string) => string;
  failPoint: FailPoint;
  log: Pick<Logger, 'error'>;
};

export function openCloser({ store, live, targetTokens, cleanUp, clock, newId, failPoint, log }: EndingParts): Closer {
  return createCloser({
    store,
    // Another kind of thing that a task may have is another line here.
    endings: [
      liveWorkEnding('calls', 'call', live),
      liveWorkEnding('streams', 'stream', live),
      liveWorkEnding('sessions', 'session', live),
      processEnding({ store, live, endLeftovers: (left) => endLeftovers(left, store) }),
      tokenEnding({ store, clock, keepMs: REVOKED_MARGIN_MS }),
      leaseEnding(cleanUp),
      { kind: 'target_tokens', ...targetTokens },
    ],
    clock,
    newId,
    failPoint,
    onProblem: (error, about) => log.error({ err: error }, about),
  });
}
