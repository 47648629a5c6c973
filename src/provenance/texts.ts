import { Numbers } from './numbers.ts';

/** Texts share pieces of memory of this size; a longer one gets one of its own. */
const SHARED = 64 * 1024;
const SMALLEST = 2 * 1024;
const LINE_END = 0x0a;

/** A piece of memory with texts one behind the other, a line end before each and nothing but line ends behind the last. */
export type Slab = {
  bytes: Buffer;
  length: number;
  /** Where it begins among all texts. */
  readonly first: number;
};

/** Texts with the numbers of their sources, one behind the other in few pieces of memory. */
export class Texts {
  readonly #slabs: Slab[] = [];
  /** Where slabs and texts begin among all texts, and the sources of the texts. */
  readonly #firsts = new Numbers();
  readonly #starts = new Numbers();
  readonly #sources = new Numbers();
  #held = 0;

  get bytes(): number {
    return this.#held + this.#firsts.bytes + this.#starts.bytes + this.#sources.bytes;
  }

  /** The one that was put something into last. */
  get last(): Slab | undefined {
    return this.#slabs.at(-1);
  }

  add(text: string, source: number): Slab {
    const size = 1 + Buffer.byteLength(text, 'utf8');
    const slab = this.#withRoom(size);
    // A line end separates: nothing that is looked up has one.
    slab.bytes.write(text, slab.length + 1, 'utf8');
    this.#starts.push(slab.first + slab.length + 1);
    this.#sources.push(source);
    slab.length += size;
    return slab;
  }

  /** The slab with this place among all texts. */
  slabAt(place: number): Slab {
    return this.#slabs[this.#firsts.lastUpTo(place)]!;
  }

  /** The source of the text at this place among all texts. */
  sourceAt(place: number): number {
    return this.#sources.at(Math.max(0, this.#starts.lastUpTo(place)));
  }

  #withRoom(size: number): Slab {
    const last = this.last;
    if (last !== undefined && last.length + size <= Math.max(SHARED, last.bytes.length)) {
      if (last.length + size > last.bytes.length) {
        const wanted = Math.max(last.length + size, Math.ceil(last.bytes.length * 1.25));
        this.#resize(last, Math.min(SHARED, wanted));
      }
      return last;
    }
    if (last !== undefined) this.#resize(last, last.length);
    const bytes = lineEnds(size >= SHARED ? size : Math.max(size, SMALLEST));
    const slab = { bytes, length: 0, first: last === undefined ? 0 : last.first + last.length };
    this.#slabs.push(slab);
    this.#firsts.push(slab.first);
    this.#held += bytes.length;
    return slab;
  }

  #resize(slab: Slab, size: number): void {
    if (size === slab.bytes.length) return;
    const bytes = lineEnds(size);
    slab.bytes.copy(bytes, 0, 0, slab.length);
    this.#held += size - slab.bytes.length;
    slab.bytes = bytes;
  }
}

/** In memory of its own: a part of Node's pool would keep all of the pool. */
function lineEnds(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size).fill(LINE_END);
}
