import { isWordByte } from './keys.ts';
import type { Budget } from './text-index.ts';

/** From the most to the least frequent in texts and identifiers. */
const OFTEN = 'etaoinsrhldcumfpgwybvkxjqz0125346789';

/** Where the value stands in the text when all but letters and digits is left out of it; -1 for nowhere. */
export function looselyIn(text: Buffer, value: Buffer, budget: Budget): number {
  const pivot = rarest(value);
  for (let place = text.indexOf(value[pivot]!); place >= 0; place = text.indexOf(value[pivot]!, place + 1)) {
    const behind = matched(text, place, value, pivot, 1);
    const before = behind < 0 ? -1 : matched(text, place, value, pivot, -1);
    if (before >= 0) return before;
    // Each try may cost as much as the value is long.
    budget.left -= 8;
    if (budget.left < 0) return -1;
  }
  return -1;
}

/** Goes on from a place that fits, in one direction. Returns where the last byte stands; -1 when one does not fit. */
function matched(text: Buffer, start: number, value: Buffer, pivot: number, step: 1 | -1): number {
  let place = start;
  for (let at = pivot + step; at >= 0 && at < value.length; at += step) {
    do place += step;
    while (place >= 0 && place < text.length && !isWordByte(text[place]!));
    if (text[place] !== value[at]) return -1;
  }
  return place;
}

function rarest(value: Buffer): number {
  let best = 0;
  let rank = -1;
  for (let at = 0; at < value.length; at++) {
    const found = RANKS[value[at]!]!;
    if (found > rank) [best, rank] = [at, found];
  }
  return best;
}

/** Of each byte; what is not in the list is rarer. */
const RANKS = Array.from({ length: 256 }, (_none, byte) => {
  const rank = OFTEN.indexOf(String.fromCharCode(byte));
  return rank < 0 ? OFTEN.length : rank;
});
