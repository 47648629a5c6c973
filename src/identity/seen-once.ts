/**
 * Remembers keys until they expire. Bounded: when it is full of keys that have not expired, it refuses new ones and
 * forgets none, since forgetting early would let a proof be used twice.
 */
export class SeenOnce {
  readonly #max: number;
  readonly #expiries = new Map<string, number>();
  #sweepAt = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** `true` the first time; `false` when the key was seen before, or cannot be remembered. */
  add(key: string, expiresAt: number, now: number): boolean {
    if (this.#expiries.has(key)) return false;
    if (now >= this.#sweepAt || this.#expiries.size >= this.#max) this.#sweep(now);
    if (this.#expiries.size >= this.#max) return false;
    this.#expiries.set(key, expiresAt);
    return true;
  }

  #sweep(now: number): void {
    for (const [key, expiresAt] of this.#expiries) if (expiresAt <= now) this.#expiries.delete(key);
    this.#sweepAt = now + 1_000;
  }
}
