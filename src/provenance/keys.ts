/**
 * What of a text goes into the signature of its block, and which of it a value has to have so that the block can hold it:
 * each word as a whole; and of everything, word borders left out, the smallest hash of each few grams that follow each
 * other (winnowing: Schleimer, Wilkerson and Aiken, 2003). Two texts that share `SURE` bytes share such a gram.
 */
const GRAM = 6;
const WINDOW = 5;
export const SURE = GRAM + WINDOW - 1;

/** The last hashes of the text that is gone through. */
const window = new Uint32Array(WINDOW);

/** What one call has found: keys, and how many bytes of the text had been gone through at each. */
export type Keys = { key: Uint32Array; after: Uint16Array };

/** @param bytes how long a text is at most: each byte may end a word, or a gram. */
export function roomForKeys(bytes: number): Keys {
  return { key: new Uint32Array(bytes + 1), after: new Uint16Array(bytes + 1) };
}

/** Letters and digits of ASCII, and every byte of other characters. */
export function isWordByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte >= 0x80;
}

/**
 * Puts the keys of a part of `bytes` into `found`, in order, until there is no more room.
 *
 * @param words whether to give those of words, too.
 * @returns how many there are.
 */
export function findKeys(bytes: Uint8Array, start: number, end: number, words: boolean, found: Keys): number {
  const { key, after } = found;
  const room = key.length;
  let count = 0;
  // Of the last six bytes, four and two.
  let near = 0;
  let far = 0;
  let grams = 0;
  let seen = 0;
  let last = 0;
  let word = 0;
  let length = 0;
  for (let at = start; at < end && count < room; at++) {
    const byte = bytes[at]!;
    if (!isWordByte(byte)) {
      if (length > 0 && words) {
        key[count] = wordKey(word);
        after[count++] = at - start;
      }
      word = 0;
      length = 0;
      continue;
    }
    word = Math.imul(word ^ byte, 0x01000193) + length;
    length += 1;
    far = ((far << 8) | (near >>> 24)) & 0xffff;
    near = (near << 8) | byte;
    if (++seen < GRAM) continue;
    window[grams++ % WINDOW] = mixed(near ^ Math.imul(far, 0x9e3779b1));
    if (grams < WINDOW) continue;
    let least = window[0]!;
    for (let place = 1; place < WINDOW; place++) if (window[place]! < least) least = window[place]!;
    if (least === last) continue;
    last = least;
    key[count] = least;
    after[count++] = at + 1 - start;
  }
  if (length > 0 && words && count < room) {
    key[count] = wordKey(word);
    after[count++] = end - start;
  }
  return count;
}

function wordKey(hash: number): number {
  return mixed(hash ^ 0x5bd1e995);
}

/** The finaliser of MurmurHash3. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
