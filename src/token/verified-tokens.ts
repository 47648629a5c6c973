/**
 * Tokens whose signature and claims were found good for an audience, until they expire: what is remembered is that, and
 * never what a token allows. Bounded: the oldest goes first, and costs a check again.
 */
export class VerifiedTokens<Claims extends { exp: number }> {
  readonly #max: number;
  readonly #known = new Map<string, { audience: string; claims: Claims }>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @param verify is called for a token that is not known; when it rejects, so does this. `now` in ms since the epoch. */
  async read(
    token: string,
    for_: { audience: string; now: number },
    verify: (token: string, audience: string) => Promise<Claims>,
  ): Promise<Claims> {
    const { audience, now } = for_;
    const known = this.#known.get(token);
    // For another audience it was not found good, so it is verified anew, and refused.
    if (known?.audience === audience && now / 1000 < known.claims.exp) return known.claims;
    const claims = await verify(token, audience);
    if (this.#known.size >= this.#max) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(token, { audience, claims });
    return claims;
  }
}
