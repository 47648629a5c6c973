import { Revoked, type RevocableClaims, type FeedEntry, type FeedSnapshot } from './revoked.ts';
import { serverSentEvents } from './event-stream.ts';

/**
 * One request to Remit, with the credentials of this resource: a token of Remit's API and a proof for it, to
 * `<issuer>/v1<path>`. The body of a stream has to be handed on as it comes.
 */
export type AskRemit = (
  path: string,
  init: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
) => Promise<Response>;

export type FollowOptions = {
  ask: AskRemit;
  /** How long nothing may be heard of the feed before no token is taken any more, seconds; 15, from 10 to 300. */
  maxStaleSeconds?: number;
  /** As of the verifier; 600. */
  maxLifetimeSeconds?: number;
  /** Hears why the feed was lost, before it is asked for again. */
  onProblem?: (problem: unknown) => void;
  /** Milliseconds since the epoch; `Date.now`. */
  clock?: () => number;
  /** Milliseconds by a clock that nobody sets; `performance.now`. */
  monotonic?: () => number;
};

/** What Remit has revoked, followed as it happens. */
export interface Revocations {
  /** `stale`: not known, since the feed was not heard of for too long, or not yet. */
  verdict(claims: RevocableClaims, key: string | undefined): 'good' | 'revoked' | 'stale';
  /** Resolves once what is revoked is known for the first time. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Clocks may differ by so much at either side, beside the life of a token. */
const SKEW_SECONDS = 120;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

/** An answer by which nothing can be gone on with from where we are. */
class Lost extends Error {}

/**
 * Follows the revocation feed: begins with what is revoked, then takes each entry in its turn, and begins anew where one is
 * missing. INVARIANT 9: fresh is only who has heard lately that there is nothing that they do not know.
 *
 * @throws TypeError for options that would believe a feed for too long.
 */
export function followRevocations(options: FollowOptions): Revocations {
  const { ask, maxStaleSeconds = 15, maxLifetimeSeconds = 600 } = options;
  const { clock = Date.now, monotonic = () => performance.now(), onProblem = () => {} } = options;
  if (!(maxStaleSeconds >= 10 && maxStaleSeconds <= 300)) {
    throw new TypeError('followRevocations: `maxStaleSeconds` is not from 10 to 300');
  }
  const revoked = new Revoked((maxLifetimeSeconds + SKEW_SECONDS) * 1000);
  const aborting = new AbortController();
  let known = () => {};
  const ready = new Promise<void>((resolve) => (known = resolve));
  /** The last entry that was taken; `null` while the feed has to be begun (anew). */
  let position: number | null = null;
  /** When we last knew everything, by both clocks: one may be set, the other may sleep. */
  let fresh: { wall: number; steady: number } | null = null;

  function isStale(): boolean {
    if (fresh === null) return true;
    return Math.max(clock() - fresh.wall, monotonic() - fresh.steady) > maxStaleSeconds * 1000;
  }

  async function begin(signal: AbortSignal): Promise<number> {
    const response = await ask('/revocations/snapshot', { headers: { accept: 'application/json' }, signal });
    if (!response.ok) throw new Error(`the snapshot was answered with ${response.status}`);
    const snapshot = readSnapshot(await response.json());
    revoked.begin(snapshot, monotonic());
    return snapshot.position;
  }

  /** Rejects when the feed is lost; resolves when Remit ends the stream, to ask again who we are. */
  async function follow(from: number, signal: AbortSignal, heard: () => void): Promise<void> {
    const headers = { accept: 'text/event-stream', 'last-event-id': String(from) };
    const response = await ask('/revocations', { headers, signal });
    if (response.status === 410) throw new Lost('the entries that are missing here are not kept any more');
    if (!response.ok || response.body === null) throw new Error(`the feed was answered with ${response.status}`);
    let at = from;
    /** The newest entry that the feed has said to have. */
    let newest = Infinity;
    for await (const { event, data } of serverSentEvents(response.body)) {
      heard();
      if (event === 'heartbeat') newest = readPosition(data);
      if (event === 'revocation') {
        const entry = readEntry(data);
        if (entry.sequence !== at + 1) throw new Lost('an entry of the feed is missing');
        revoked.apply(entry, monotonic());
        position = at = entry.sequence;
      }
      if (at >= newest) fresh = { wall: clock(), steady: monotonic() };
    }
  }

  /** One connection; resolves with whether anything was heard. */
  async function connect(): Promise<boolean> {
    const attempt = new AbortController();
    const signal = AbortSignal.any([aborting.signal, attempt.signal]);
    let last = monotonic();
    let heard = false;
    // A connection that is silent for so long is dead, whatever TCP says.
    const watch = setInterval(() => {
      if (monotonic() - last > maxStaleSeconds * 1000) attempt.abort(new Error('the feed was silent for too long'));
    }, 1_000);
    try {
      position ??= await begin(signal);
      known();
      await follow(position, signal, () => {
        last = monotonic();
        heard = true;
      });
    } catch (problem) {
      // What is missing may be anything: nothing is known until it is begun anew.
      if (problem instanceof Lost) position = fresh = null;
      if (!aborting.signal.aborted) onProblem(problem);
    } finally {
      clearInterval(watch);
      attempt.abort();
    }
    return heard;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !aborting.signal.aborted;) {
      failures = (await connect()) ? 0 : failures + 1;
      await pause(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), aborting.signal);
    }
  }

  void run();
  return {
    ready,
    verdict: (claims, key) => {
      if (revoked.has(claims, key)) return 'revoked';
      return isStale() ? 'stale' : 'good';
    },
    close: () => aborting.abort(),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function readSnapshot(value: unknown): FeedSnapshot {
  const { position, tasks, tokens, agents, suspended } = Object(value) as Partial<Record<keyof FeedSnapshot, unknown>>;
  if (!isPosition(position) || !areTexts(tasks) || !areTexts(tokens) || !areTexts(agents) || !areNamed(suspended)) {
    throw new Error('the snapshot is not of the form of one');
  }
  return { position, tasks, tokens, agents, ...(suspended === undefined ? {} : { suspended }) };
}

function readEntry(data: string): FeedEntry {
  const { sequence, kind, subject } = Object(JSON.parse(data)) as Partial<Record<keyof FeedEntry, unknown>>;
  if (!isPosition(sequence) || typeof kind !== 'string' || typeof subject !== 'object' || subject === null) {
    throw new Lost('an entry of the feed is not of the form of one');
  }
  return { sequence, kind, subject: subject as FeedEntry['subject'] };
}

function readPosition(data: string): number {
  const { position } = Object(JSON.parse(data)) as { position?: unknown };
  if (!isPosition(position)) throw new Error('a heartbeat of the feed names no position');
  return position;
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function areNamed(value: unknown): value is FeedSnapshot['suspended'] {
  if (value === undefined) return true;
  return Array.isArray(value) && value.every((each) => areTexts([Object(each).kind, Object(each).id]));
}
