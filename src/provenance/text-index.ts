import { eachKey, SURE } from './keys.ts';
import { looselyIn } from './loosely-in.ts';
import type { Needle } from './needle.ts';
import { emptySignature, KEYS, mayHave, sign, Signatures } from './signatures.ts';

/** Bytes of a block at most; each begins so far before the end of the one before it, so that no value is cut through. */
const BLOCK = 4096;
const OVERLAP = 160;
/** Longest value that is looked up in one piece. With a border on either side it still fits into the overlap. */
export const LONGEST = 128;
/** `starts[n]`: where the text of `sources[n]` begins. `cut`: whether it goes on in the block before and after this one. */
type Block = {
  text: Buffer;
  starts: number[];
  sources: number[];
  cut: { start: boolean; end: boolean };
};

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
 * cannot be, in about one and a half times their size.
 */
export class TextIndex {
  /** Full blocks, numbered as their signatures are. */
  readonly #full: Block[] = [];
  readonly #signatures = new Signatures();
  #open: Block | null = null;
  /** Made when something is looked up, and anew after the block has grown. */
  #openSignature: Uint32Array | undefined;
  #bytes = 0;

  /** Of memory, about. */
  get bytes(): number {
    return this.#bytes + this.#signatures.bytes + (this.#openSignature?.byteLength ?? 0);
  }

  get isEmpty(): boolean {
    return this.#open === null && this.#full.length === 0;
  }

  /** @param text in the form that values are looked up in. */
  add(text: string, source: number): void {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length === 0) return;
    let start = this.#append(bytes, source);
    while (start < bytes.length) start = this.#fill(bytes, start, source);
  }

  /** The first source whose text has the value, `null` for none. Stops when the budget is spent. */
  find(needle: Needle, match: Match, budget: Budget): number | null {
    const asItIs = (block: Block) => placeOf(needle.bytes, block, match);
    if (!match.loose || needle.joined.length < SURE) return this.#search(needle.keys, budget, asItIs);
    // Whatever has it as it is has its grams, too: one look at the signatures does for both.
    return this.#search(needle.grams, budget, (block) => {
      const place = asItIs(block);
      return place >= 0 ? place : looselyIn(block.text, needle.joined, budget);
    });
  }

  /** The source at the first place in a block that may have the keys. */
  #search(keys: readonly number[], budget: Budget, placeIn: (block: Block) => number): number | null {
    const look = (block: Block): number | null => {
      budget.left -= block.text.length;
      const place = budget.left < 0 ? -1 : placeIn(block);
      return place < 0 ? null : sourceAt(block, place);
    };
    if (this.#full.length > 0) {
      for (const number of this.#signatures.having(keys)) {
        const source = look(this.#full[number]!);
        if (source !== null || budget.left < 0) return source;
      }
    }
    if (this.#open === null) return null;
    this.#openSignature ??= signatureOf(this.#open.text);
    return mayHave(this.#openSignature, keys) ? look(this.#open) : null;
  }

  /** Puts what has room into the open block. Returns where the rest begins. */
  #append(bytes: Buffer, source: number): number {
    const start = this.#open?.text.length ?? 0;
    if (start + 1 + bytes.length > BLOCK) {
      if (this.#open !== null) this.#close(this.#open);
      if (1 + bytes.length > BLOCK) return 0;
      return this.#append(bytes, source);
    }
    const cut = { start: false, end: false };
    const open = (this.#open ??= { text: Buffer.alloc(0), starts: [], sources: [], cut });
    // A line end separates: nothing that is looked up has one.
    open.text = exactly([open.text, LINE_END, bytes]);
    this.#openSignature = undefined;
    open.starts.push(start + 1);
    open.sources.push(source);
    this.#bytes += bytes.length + 1;
    return bytes.length;
  }

  #close({ text, starts, sources, cut }: Block): void {
    this.#open = null;
    this.#push({ text, starts, sources, cut }, this.#openSignature ?? signatureOf(text));
    this.#openSignature = undefined;
  }

  /** Makes one block of its own from `start` on. Returns where the next one begins. */
  #fill(bytes: Buffer, start: number, source: number): number {
    const signature = emptySignature();
    let keys = 0;
    const limit = Math.min(bytes.length, start + BLOCK);
    const end = eachKey(bytes, start, limit, (key) => !sign(signature, key) || ++keys < KEYS);
    const text = exactly([bytes.subarray(start, end)]);
    const cut = { start: start > 0, end: end < bytes.length };
    this.#push({ text, starts: [0], sources: [source], cut }, signature);
    this.#bytes += text.length;
    return cut.end ? end - OVERLAP : end;
  }

  #push(block: Block, signature: Uint32Array): void {
    this.#signatures.add(signature);
    this.#full.push(block);
  }
}

function signatureOf(text: Buffer): Uint32Array {
  const signature = emptySignature();
  eachKey(text, 0, text.length, (key) => (sign(signature, key), true));
  return signature;
}

/** Where the value stands in the block, with borders as they have to be; -1 for nowhere. */
function placeOf(value: Buffer, { text, cut }: Block, { begins, ends }: Match): number {
  for (let place = text.indexOf(value); place >= 0; place = text.indexOf(value, place + 1)) {
    const end = place + value.length;
    // At a cut nobody knows the neighbours; the value stands once more in the block beside, and there they are known.
    const known = (place > NEIGHBOUR || !cut.start) && (end < text.length - NEIGHBOUR || !cut.end);
    if (known && begins(text, place) && ends(text, end)) return place;
  }
  return -1;
}

/** Bytes of one character at most. */
const NEIGHBOUR = 4;
const LINE_END = Buffer.from('\n');

/** In memory of their own: a small part of Node's pool would keep all of the pool. */
function exactly(parts: readonly Uint8Array[]): Buffer {
  const whole = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

function sourceAt({ starts, sources }: Block, place: number): number {
  const after = starts.findIndex((start) => start > place);
  return sources[after < 0 ? sources.length - 1 : Math.max(0, after - 1)]!;
}
