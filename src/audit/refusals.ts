import type { ErrorCode, RemitError } from '../core/errors.ts';
import type { EventRecord } from '../core/record.ts';
import type { LogStore } from '../store/ports.ts';

/** A request that was turned away before anybody was known to make it, so that no decision names it. */
export type Refusal = {
  /** The surface: `/token`, `/v1`, `/mcp/<target>`. */
  at: string;
  error: RemitError;
  /** Address of the peer, as the connection says it. */
  source: string;
};

export interface Refusals {
  /** Never throws and never waits: whether a refusal could be recorded changes nothing about it. */
  refused(refusal: Refusal): void;
  /** Records what was counted since. Called at intervals, and before the log closes. Never rejects. */
  flush(): Promise<void>;
}

/** Kinds of refusal that are told apart at a time; what comes beyond is counted by surface and code alone. */
const MAX_KINDS = 1000;
const MAX_REASON = 200;
/** How many first refusals may be on their way to the log at once. */
const MAX_UNDER_WAY = 100;

type Kind = { at: string; error: ErrorCode; reason?: string; source?: string };
type Counted = {
  readonly kind: Kind;
  /** Not yet in the log, and when the first and the last of them came, in ms. */
  count: number;
  since: number;
  until: number;
  /** Records under way. */
  writing: number;
};

/**
 * Refused strangers in the log, at a cost that strangers do not set. The first refusal of a kind, from a source, is a
 * record at once; those that follow are counted, and the count is one record an interval. The counts in the log add up to
 * the number of refusals. INVARIANT 14: fixed words of ours, and nothing that was sent.
 */
export function createRefusals(parts: {
  log: Pick<LogStore, 'append'>;
  clock: () => number;
  newId: (prefix: string) => string;
  onProblem: (error: unknown) => void;
  maxKinds?: number;
}): Refusals {
  const { log, clock, newId, onProblem, maxKinds = MAX_KINDS } = parts;
  const kinds = new Map<string, Counted>();
  let underWay = 0;

  async function write(counted: Counted): Promise<void> {
    const { kind, count, since, until } = counted;
    counted.count = 0;
    counted.writing += 1;
    underWay += 1;
    try {
      await log.append([record({ ...kind, count, since, until })]);
    } catch (error) {
      // Told again with the next interval: rather counted twice after a lost answer than not at all.
      counted.count += count;
      counted.since = since;
      onProblem(error);
    } finally {
      counted.writing -= 1;
      underWay -= 1;
    }
  }

  function record(subject: EventRecord['subject']): EventRecord {
    return { version: 1, id: newId('rec'), time: clock(), kind: 'event', event: 'request.refused', subject };
  }

  return {
    refused: (refusal) => {
      const now = clock();
      const kind = kindOf(refusal);
      const known = kinds.get(JSON.stringify(kind));
      const counted = known ?? remember(kinds, kinds.size < maxKinds ? kind : { at: kind.at, error: kind.error });
      if (counted.count === 0) counted.since = now;
      counted.count += 1;
      counted.until = now;
      const first = known === undefined && counted.kind.source !== undefined;
      if (first && underWay < MAX_UNDER_WAY) void write(counted);
    },
    flush: async () => {
      const due: Counted[] = [];
      for (const [name, counted] of kinds) {
        if (counted.count > 0) due.push(counted);
        // Quiet for an interval: the next one is a first again.
        else if (counted.writing === 0) kinds.delete(name);
      }
      await Promise.all(due.map((counted) => write(counted)));
    },
  };
}

function remember(kinds: Map<string, Counted>, kind: Kind): Counted {
  const name = JSON.stringify(kind);
  const counted = kinds.get(name) ?? { kind, count: 0, since: 0, until: 0, writing: 0 };
  kinds.set(name, counted);
  return counted;
}

function kindOf({ at, error, source }: Refusal): Kind {
  return { at, error: error.code, reason: reasonOf(error), source };
}

/** What is quoted in a message may have been sent: it is left out, from the first quote to the last. */
function reasonOf(error: RemitError): string {
  return (error.detail ?? error.message).replace(/`.*`/s, '…').slice(0, MAX_REASON);
}
