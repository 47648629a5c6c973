import { CLASS_OF_LETTER, isAlphanumeric, isIn, runEnd, type ClassLetter } from './character-class.ts';

/** The fixed start of a format, and what follows it: literal texts and runs of one class of characters. */
export type TokenPattern = { prefix: string; parts: readonly Part[] };

type Part = string | { mask: number; least: number; most: number };

const PIECE = /<([dhlUaubt])(\d+)(?:-(\d+))?>|([^<>]+)/g;

/**
 * Reads a pattern: literal text, and `<CLASS LEAST-MOST>` for a run, so `ghp_<a36-255>`.
 * There is no choice and no repetition of a part, so that matching never goes back: linear by construction.
 */
export function readPattern(written: string): TokenPattern {
  const pieces: Part[] = [];
  let read = 0;
  for (const [whole, letter, least, most, literal] of written.matchAll(PIECE)) {
    read += whole.length;
    if (literal !== undefined) pieces.push(literal);
    else
      pieces.push({
        mask: CLASS_OF_LETTER[letter as ClassLetter],
        least: Number(least),
        most: Number(most ?? least),
      });
  }
  const [prefix, ...parts] = pieces;
  if (read !== written.length || typeof prefix !== 'string') throw new Error(`not a pattern: \`${written}\``);
  return { prefix, parts };
}

/** Where the match that begins at `start` ends, or -1. A token that goes on beyond its longest form is another thing. */
export function matchEnd(text: string, start: number, pattern: TokenPattern): number {
  let at = start + pattern.prefix.length;
  let last = 0;
  for (const part of pattern.parts) {
    if (typeof part === 'string') {
      if (!text.startsWith(part, at)) return -1;
      at += part.length;
      last = 0;
    } else {
      const end = runEnd(text, at, part.mask, part.most);
      if (end - at < part.least) return -1;
      at = end;
      last = part.mask;
    }
  }
  const next = text.charCodeAt(at);
  if (isIn(last, next) || isAlphanumeric(next)) return -1;
  return at;
}
