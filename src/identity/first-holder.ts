/** Most tokens that are remembered: some 20 MiB. */
const MAX = 100_000;

/**
 * Remembers who showed a token first, until it expires. Bounded: full of what has not expired, it lets nobody new in and
 * forgets nothing. What may have been forgotten is refused too, so a clock that jumps ahead and back opens nothing.
 */
export class FirstHolder {
  readonly #max: number;
  readonly #holders = new Map<string, { holder: string; expiresAt: number }>();
  #forgottenUntil = Number.NEGATIVE_INFINITY;

  constructor(max: number = MAX) {
    this.#max = max;
  }

  /** `true` for the first who comes with this token, and for the same one again. Times in ms since the epoch. */
  claim(token: string, holder: string, expiresAt: number, now: number): boolean {
    const known = this.#holders.get(token);
    if (known !== undefined) return known.holder === holder;
    if (this.#holders.size >= this.#max) this.#forget(now);
    if (this.#holders.size >= this.#max || expiresAt <= this.#forgottenUntil) return false;
    this.#holders.set(token, { holder, expiresAt });
    return true;
  }

  #forget(now: number): void {
    for (const [token, { expiresAt }] of this.#holders) {
      if (expiresAt > now) continue;
      this.#holders.delete(token);
      this.#forgottenUntil = Math.max(this.#forgottenUntil, expiresAt);
    }
  }
}
