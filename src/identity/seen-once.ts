import { hash } from 'node:crypto';

/** Bytes of a digest that are kept of a key: two of a million keys are alike with a chance of 2^-89. */
const KEPT = 16;
/** Parts that the time for which keys are remembered is cut into; each is forgotten at once. */
const PARTS = 8;

/**
 * Remembers keys until they expire, about 80 bytes each. Bounded: when it is full of keys that have not expired, it
 * refuses new ones and forgets none, since forgetting early would let a proof be used twice. What may have been
 * forgotten is refused too, so a clock that jumps ahead and back opens nothing.
 */
export class SeenOnce {
  readonly #max: number;
  readonly #partMs: number;
  /** By the end of the part of time that the expiries fall into, in ms since the epoch. */
  readonly #parts = new Map<number, Set<string>>();
  #size = 0;
  #forgottenUntil = Number.NEGATIVE_INFINITY;

  /** @param rememberMs how far ahead of now expiries are at most. */
  constructor(max: number, rememberMs: number) {
    this.#max = max;
    this.#partMs = Math.max(1, Math.ceil(rememberMs / PARTS));
  }

  get size(): number {
    return this.#size;
  }

  /** `true` the first time; `false` when the key was seen before, or cannot be remembered. Times in ms since the epoch. */
  add(key: string, expiresAt: number, now: number): boolean {
    this.#forget(now);
    if (expiresAt <= this.#forgottenUntil || this.#size >= this.#max) return false;
    const kept = hash('sha256', key, 'buffer').toString('latin1', 0, KEPT);
    for (const part of this.#parts.values()) if (part.has(kept)) return false;
    const end = (Math.floor(expiresAt / this.#partMs) + 1) * this.#partMs;
    let part = this.#parts.get(end);
    if (part === undefined) this.#parts.set(end, (part = new Set()));
    part.add(kept);
    this.#size += 1;
    return true;
  }

  #forget(now: number): void {
    for (const [end, keys] of this.#parts) {
      if (end > now) continue;
      this.#parts.delete(end);
      this.#size -= keys.size;
      this.#forgottenUntil = Math.max(this.#forgottenUntil, end);
    }
  }
}
