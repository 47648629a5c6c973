import type { Strip, Stripper } from '../credential/strip.ts';
import { idsIn } from '../core/lease.ts';
import { findSecrets } from '../secrets/find-secrets.ts';
import { MIN_LOOKED_FOR } from './mask.ts';

/** A line that is longer is looked into as far as it has come. */
const WINDOW = 64 * 1024;
/** Of a window so much stays behind: a secret at its end may go on. */
const OVERLAP = 8 * 1024;
const MARK = '[redacted]';
const KEY_BEGINS = '-----BEGIN ';
const KEY_ENDS = '-----END ';

/**
 * For texts that are passed on as they come: line by line, with whatever looks like a secret replaced by as many bytes. What
 * tells a secret from the line before, or is spread over more than a window, is not found.
 *
 * @param heard what the agent has said itself. `onFound` is called for each finding, with its rule.
 */
export function screenLines(heard: string, onFound: (rule: string) => void): Strip {
  return {
    begin: () => createStripper((text) => masked(text, heard, onFound)),
    text: (text) => masked(text, heard, onFound),
    inName: () => false,
  };
}

/** In Latin-1 every byte is a character, so what is no text, or in another encoding, passes as it is. */
function createStripper(mask: (text: string) => string): Stripper {
  let held = '';
  return {
    write: (chunk) => {
      held += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
      const end = passable(held);
      if (end === 0) return new Uint8Array(0);
      const text = held.slice(0, end);
      held = held.slice(end);
      return Buffer.from(mask(text), 'latin1');
    },
    end: () => {
      const text = held;
      held = '';
      return Buffer.from(mask(text), 'latin1');
    },
  };
}

/** How much can be looked into for good: whole lines, but for a private key that has only begun. */
function passable(text: string): number {
  const lines = text.lastIndexOf('\n') + 1;
  const key = text.lastIndexOf(KEY_BEGINS, lines);
  const open = key !== -1 && text.indexOf(KEY_ENDS, key) === -1;
  const end = open ? Math.min(key, lines) : lines;
  return end === 0 && text.length > WINDOW ? text.length - OVERLAP : end;
}

function masked(text: string, heard: string, onFound: (rule: string) => void): string {
  let kept = '';
  let from = 0;
  for (const { start, end, rule, certainty } of findSecrets(text)) {
    const value = text.slice(start, end);
    if (certainty === 'possible' || value.length < MIN_LOOKED_FOR || idsIn(value).length > 0 || heard.includes(value)) {
      continue;
    }
    onFound(rule);
    kept += text.slice(from, start) + MARK.slice(0, value.length).padEnd(value.length, '*');
    from = end;
  }
  return from === 0 ? text : kept + text.slice(from);
}
