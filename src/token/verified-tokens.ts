/**
 * Tokens whose signature and claims were found good for an audience, until they expire: what is remembered is that, and
 * never what a token allows. Bounded: the oldest goes first, and costs a check again. All go when a key does.
 */
export class VerifiedTokens<Claims extends { exp: number }> {
  readonly #max: number;
  readonly #known = new Map<string, { audience: string; claims: Claims }>();
  #keys = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * @param for_ `now` in ms since the epoch; `keys` is another number when tokens may be of a key that is no longer good.
   * @param verify is called for a token that is not known; when it rejects, so does this.
   */
  async read(
    token: string,
    for_: { audience: string; now: number; keys: number },
    verify: (token: string, audience: string) => Promise<Claims>,
  ): Promise<Claims> {
    const { audience, now, keys } = for_;
    if (keys !== this.#keys) this.#known.clear();
    this.#keys = keys;
    const known = this.#known.get(token);
    // For another audience it was not found good, so it is verified anew, and refused.
    if (known?.audience === audience && now / 1000 < known.claims.exp) return known.claims;
    const claims = await verify(token, audience);
    // Keys may have gone meanwhile: then it was verified by what is not to be remembered.
    if (keys !== this.#keys) return claims;
    if (this.#known.size >= this.#max) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(token, { audience, claims });
    return claims;
  }
}
