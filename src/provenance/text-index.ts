import { eachKey, isWordByte, SURE } from './keys.ts';
import { BITS, KEYS, sign, Signatures } from './signatures.ts';

/** Bytes of a block at most; each begins so far before the end of the one before it, so that no value is cut through. */
const BLOCK = 4096;
const OVERLAP = 160;
/** Longest value that is looked up in one piece. With a border on either side it still fits into the overlap. */
export const LONGEST = 128;
/** Of a value, so many keys are looked up: more would only rule out what the text itself soon does. */
const KEYS_LOOKED_UP = 4;
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
  #bytes = 0;

  /** Of memory, about. */
  get bytes(): number {
    return this.#bytes + this.#signatures.bytes;
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
  find(value: string, match: Match, budget: Budget): number | null {
    const bytes = Buffer.from(value, 'utf8');
    const joined = wordBytes(bytes);
    if (joined.length === 0 || this.isEmpty) return null;
    for (const block of this.#candidates(bytes, joined)) {
      budget.left -= block.text.length * (match.loose ? 4 : 1);
      if (budget.left < 0) return null;
      const place = placeOf(bytes, block, match);
      if (place >= 0) return sourceAt(block, place);
      if (match.loose && joined.length >= SURE && wordBytes(block.text).includes(joined)) return block.sources.at(-1)!;
    }
    return null;
  }

  *#candidates(value: Buffer, joined: Buffer): Generator<Block> {
    if (this.#full.length > 0) yield* this.#fullOnes(value, joined);
    if (this.#open !== null) yield this.#open;
  }

  *#fullOnes(value: Buffer, joined: Buffer): Generator<Block> {
    const keys = new Set<number>();
    // Words may be divided otherwise in the text, so of a longer value only the grams are sure to be there.
    const sure = joined.length < SURE ? value : joined;
    eachKey(sure, 0, sure.length, (key) => keys.add(key).size < KEYS_LOOKED_UP);
    for (const block of this.#signatures.having([...keys])) yield this.#full[block]!;
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
    open.starts.push(start + 1);
    open.sources.push(source);
    this.#bytes += bytes.length + 1;
    return bytes.length;
  }

  #close({ text, starts, sources, cut }: Block): void {
    this.#open = null;
    const signature = new Uint32Array(BITS / 32);
    eachKey(text, 0, text.length, (key) => (sign(signature, key), true));
    this.#push({ text, starts, sources, cut }, signature);
  }

  /** Makes one block of its own from `start` on. Returns where the next one begins. */
  #fill(bytes: Buffer, start: number, source: number): number {
    const signature = new Uint32Array(BITS / 32);
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

/** The bytes of words alone, without what stands between. */
function wordBytes(bytes: Buffer): Buffer {
  const kept = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (const byte of bytes) if (isWordByte(byte)) kept[length++] = byte;
  return kept.subarray(0, length);
}
