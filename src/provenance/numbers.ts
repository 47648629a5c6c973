/** Whole numbers below 2^32, as many as come, in four bytes each. */
export class Numbers {
  #kept = new Uint32Array(4);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#kept.byteLength;
  }

  at(place: number): number {
    return this.#kept[place]!;
  }

  push(number: number): void {
    if (this.#length === this.#kept.length) {
      const wider = new Uint32Array(this.#length + Math.max(4, this.#length >>> 2));
      wider.set(this.#kept);
      this.#kept = wider;
    }
    this.#kept[this.#length++] = number;
  }

  /** The place of the last number that is not above this one, of numbers that only grow; -1 for none. */
  lastUpTo(number: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#kept[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
