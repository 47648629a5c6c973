import { findKeys, roomForKeys, SURE } from './keys.ts';
import { looselyIn } from './loosely-in.ts';
import { LONGEST, type Needle } from './needle.ts';
import { Numbers } from './numbers.ts';
import { emptySignature, KEYS, mayHave, sign, Signatures } from './signatures.ts';
import { Texts, type Slab } from './texts.ts';

/** Bytes of a block at most; each begins so far before the end of the one before it, so that no value is cut through. */
const BLOCK = 4096;
const OVERLAP = LONGEST + 32;

/** How a value has to stand in the text. */
export type Match = {
  /** Whether a value may begin at this place, and end before this one. */
  begins: (text: Buffer, place: number) => boolean;
  ends: (text: Buffer, place: number) => boolean;
  /** Whether a value of `SURE` bytes may also stand there with other word borders, or with none around it. */
  loose: boolean;
};

/** Bytes that may still be gone through. Whoever finds it below zero knows that a search was given up. */
export type Budget = { left: number };

/**
 * Texts in which values are found. Keeps the texts and a signature for each few kilobytes, which says where a value
 * cannot be, in about one and two thirds of their size.
 */
export class TextIndex {
  readonly #texts = new Texts();
  /** Where blocks begin and end among all texts, numbered as their signatures are. */
  readonly #starts = new Numbers();
  readonly #ends = new Numbers();
  readonly #signatures = new Signatures();
  /** Where in the last slab begins what is in no block yet: less than one has room for. */
  #open = 0;
  /** Made when something is looked up, and anew after there is more. */
  #openSignature: Uint32Array | undefined;

  /** Of memory, about. */
  get bytes(): number {
    const blocks = this.#starts.bytes + this.#ends.bytes + this.#signatures.bytes;
    return this.#texts.bytes + blocks + (this.#openSignature?.byteLength ?? 0);
  }

  get isEmpty(): boolean {
    return this.#texts.last === undefined;
  }

  /** @param text in the form that values are looked up in. */
  add(text: string, source: number): void {
    if (text === '') return;
    const before = this.#texts.last;
    const slab = this.#texts.add(text, source);
    if (before !== undefined && before !== slab) {
      this.#close(before, 0);
      this.#open = 0;
    }
    this.#close(slab, BLOCK);
    this.#openSignature = undefined;
  }

  /** The first source whose text has the value, `null` for none. Stops when the budget is spent. */
  find(needle: Needle, match: Match, budget: Budget): number | null {
    if (this.isEmpty) return null;
    // Whatever has it as it is has its grams, too: one look at the signatures does for both.
    const loose = match.loose && needle.joined.length >= SURE;
    const keys = loose ? needle.grams : needle.keys;
    let found: number | null = null;
    const look = (slab: Slab, start: number, end: number): boolean => {
      budget.left -= end - start;
      if (budget.left < 0) return false;
      const part = slab.bytes.subarray(start, end);
      let place = placeOf(needle.bytes, part, slab.bytes, start, match);
      if (place < 0 && loose) place = looselyIn(part, needle.joined, budget);
      if (place >= 0) found = this.#texts.sourceAt(slab.first + start + place);
      return place < 0 && budget.left >= 0;
    };
    const goesOn = this.#signatures.each(keys, (block) => {
      const start = this.#starts.at(block);
      const slab = this.#texts.slabAt(start);
      return look(slab, start - slab.first, this.#ends.at(block) - slab.first);
    });
    const last = this.#texts.last!;
    if (!goesOn || this.#open === last.length) return found;
    this.#openSignature ??= signatureOf(last.bytes, this.#open, last.length, Infinity).signature;
    if (mayHave(this.#openSignature, keys)) look(last, this.#open, last.length);
    return found;
  }

  /** Makes blocks of what is in none, until there is less than `rest`. */
  #close(slab: Slab, rest: number): void {
    while (this.#open < slab.length && slab.length - this.#open >= rest) {
      const { signature, end } = signatureOf(slab.bytes, this.#open, Math.min(slab.length, this.#open + BLOCK), KEYS);
      this.#starts.push(slab.first + this.#open);
      this.#ends.push(slab.first + end);
      this.#signatures.add(signature);
      this.#open = end < slab.length ? end - OVERLAP : end;
    }
  }
}

const found = roomForKeys(BLOCK);

/** @returns with where it ends: before `end`, if it has more than so many different keys. */
function signatureOf(text: Buffer, start: number, end: number, most: number): { signature: Uint32Array; end: number } {
  const signature = emptySignature();
  const count = findKeys(text, start, end, true, found);
  let signed = 0;
  for (let at = 0; at < count; at++) {
    if (sign(signature, found.key[at]!) && ++signed === most) return { signature, end: start + found.after[at]! };
  }
  return { signature, end };
}

/** Where the value stands in a part of the text, with borders as they have to be; -1 for nowhere. */
function placeOf(value: Buffer, part: Buffer, text: Buffer, start: number, { begins, ends }: Match): number {
  for (let place = part.indexOf(value); place >= 0; place = part.indexOf(value, place + 1)) {
    if (begins(text, start + place) && ends(text, start + place + value.length)) return place;
  }
  return -1;
}
