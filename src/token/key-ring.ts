import type { JWK } from 'jose';

/**
 * No token lives longer, whatever the configuration was when it was signed: a task token lives until its task ends, and
 * a task starts at most a day ahead and lasts at most a day.
 */
export const LONGEST_TOKEN_MS = 2 * 24 * 60 * 60_000;

/**
 * A `next` key is published and does not sign yet, so that verifiers see it before its first token; the `current` one
 * signs; a `retiring` one signs no more, and stays published until every token that it signed has expired.
 */
export type KeyState = 'next' | 'current' | 'retiring';

/** `since`: when the key came into its state, ms. `jwk`: the private key. */
export type RingKey = { jwk: JWK; state: KeyState; since: number };

/** Exactly one key is `current`, and at most one is `next`. */
export type KeyRing = readonly RingKey[];

/** How long each state lasts, ms. */
export type KeyPeriods = {
  rotateEvery: number;
  /** From a key's publication to its first signature. */
  publishAhead: number;
  /** From a key's last signature until it is forgotten: at least the longest token and the accepted skew. */
  retire: number;
};

/** @returns the problem, or `null` when these keys are a ring. */
export function ringProblem(ring: KeyRing): string | null {
  if (ring.filter(({ state }) => state === 'current').length !== 1) return 'not exactly one current key';
  return ring.filter(({ state }) => state === 'next').length > 1 ? 'more than one next key' : null;
}

/**
 * The ring at `now`, the same object when nothing changed. A time in the future means that the clock went back: the
 * state then starts again, which can only make it longer. So no token is refused for it, and no rotation waits for ever.
 */
export function advance(ring: KeyRing, now: number, periods: KeyPeriods): KeyRing {
  const started = ring.some(({ since }) => since > now)
    ? ring.map((key) => ({ ...key, since: Math.min(key.since, now) }))
    : ring;
  const kept = started.every((key) => !isOver(key, now, periods))
    ? started
    : started.filter((key) => !isOver(key, now, periods));
  const ready = kept.some(({ state, since }) => state === 'next' && since + periods.publishAhead <= now);
  return ready ? succeedNow(kept, now) : kept;
}

/** Whether it is time to publish a successor of the current key. */
export function wantsNext(ring: KeyRing, now: number, periods: KeyPeriods): boolean {
  const current = ring.find(({ state }) => state === 'current');
  if (current === undefined || ring.some(({ state }) => state === 'next')) return false;
  return current.since + periods.rotateEvery - periods.publishAhead <= now;
}

/** More keys than this are not published: whoever may rotate cannot make the key set grow without end. */
export const MAX_KEYS = 20;

/** The ring with a successor of the current key, which does not sign yet. */
export function withNext(ring: KeyRing, jwk: JWK, now: number): KeyRing {
  return [...ring, { jwk, state: 'next', since: now }];
}

/** The ring whose next key signs, and whose current one retires, whatever the time. */
export function succeedNow(ring: KeyRing, now: number): KeyRing {
  return ring.map((key) => succeed(key, now));
}

/** The ring of one new key. For when one of the others leaked: whoever has read one may have read them all. */
export function startAnew(jwk: JWK, now: number): KeyRing {
  return [{ jwk, state: 'current', since: now }];
}

/** When a key leaves its state if nobody rotates by hand, ms. */
export function endsAt(key: RingKey, ring: KeyRing, periods: KeyPeriods): number {
  switch (key.state) {
    case 'next':
      return key.since + periods.publishAhead;
    case 'current': {
      const next = ring.find(({ state }) => state === 'next');
      return next === undefined ? key.since + periods.rotateEvery : next.since + periods.publishAhead;
    }
    case 'retiring':
      return key.since + periods.retire;
  }
}

/**
 * How long a verifier may remember the published keys, seconds: half of the time for which a key is published before it
 * signs, so that no scheduled key signs unseen, and five minutes at most, so that one which signs at once is seen soon.
 */
export function rememberSeconds(periods: KeyPeriods): number {
  return Math.min(300, Math.floor(periods.publishAhead / 2000));
}

function isOver({ state, since }: RingKey, now: number, periods: KeyPeriods): boolean {
  return state === 'retiring' && since + periods.retire <= now;
}

function succeed(key: RingKey, now: number): RingKey {
  if (key.state === 'next') return { ...key, state: 'current', since: now };
  return key.state === 'current' ? { ...key, state: 'retiring', since: now } : key;
}
