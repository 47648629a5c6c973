/**
 * Takes secrets out of what a target answers (invariant 7): as they are, and as encoders write them. What is taken out is
 * replaced by as many bytes, so that lengths and ranges of the message stay true.
 */
import { compilePatterns, type Patterns } from './strip-patterns.ts';

/** One message on its way, in chunks of any size. */
export type Stripper = {
  /**
   * The bytes that are safe to pass on. Held back is only what may be the beginning of a secret, so that a stream whose
   * chunks are messages is not delayed.
   */
  write(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
};

/** Strippers for what has been given out with one credential. */
export type Strip = {
  /** For one message. */
  begin(): Stripper;
  text(text: string): string;
  /** Whether the name of a header, whose letters may have changed their case on the way, holds one. */
  inName(name: string): boolean;
};

const MARK = Buffer.from('[redacted]');
const FILL = 0x2a;
const NOTHING = new Uint8Array(0);
const KEPT = 64;

/** Strips nothing. */
export const STRIP_NOTHING: Strip = {
  begin: () => ({ write: (chunk) => chunk, end: () => NOTHING }),
  text: (text) => text,
  inName: () => false,
};

/** Shorter values would be found everywhere. A credential that short is refused. */
export const MIN_SECRET = 6;

/** Compiled ones, the most recently used last. */
const known = new Map<string, Strip>();

/** @param secrets of which those shorter than `MIN_SECRET` are not looked for. */
export function stripOf(secrets: readonly string[]): Strip {
  const wanted = secrets.filter((secret) => secret.length >= MIN_SECRET);
  if (wanted.length === 0) return STRIP_NOTHING;
  const key = wanted.join('\0');
  const found = known.get(key);
  const strip = found ?? createStrip(wanted);
  known.delete(key);
  known.set(key, strip);
  if (known.size > KEPT) known.delete(known.keys().next().value!);
  return strip;
}

function createStrip(secrets: readonly string[]): Strip {
  const patterns = compilePatterns(secrets);
  const folded = secrets.map((secret) => secret.toLowerCase());
  // Nothing is left in it between two writes, so all messages share it.
  const visits = { reached: new Int32Array(patterns.accepts.length), steps: 0 };
  return {
    begin: () => createStripper(patterns, visits),
    text: (text) => {
      const bytes = Buffer.from(text);
      const stripper = createStripper(patterns, visits);
      const written = stripper.write(bytes);
      if (written === bytes) return text;
      return Buffer.concat([written, stripper.end()]).toString();
    },
    inName: (name) => {
      const low = name.toLowerCase();
      return folded.some((secret) => low.includes(secret));
    },
  };
}

/**
 * Follows every place where a secret may have begun at once (Thompson's simulation): linear in the text, and each
 * follower knows where it began. Of two at the same node the earlier covers what the later would.
 */
function createStripper(patterns: Patterns, visits: { reached: Int32Array; steps: number }): Stripper {
  const { pairs, firsts, beginsWith, beginsWithPair, edgesOf, edgeByte, edgeTo, accepts } = patterns;
  const { reached } = visits;
  let nodes: number[] = [];
  /** Where the follower of each node began, in the bytes held and given. */
  let starts: number[] = [];
  let held: Uint8Array = NOTHING;

  function write(chunk: Uint8Array): Uint8Array {
    const before = held.length;
    let bytes = before === 0 ? chunk : Buffer.concat([held, chunk]);
    let own = before > 0;
    const last = bytes.length - 1;
    for (let at = before; at <= last; at++) {
      if (nodes.length === 0) {
        while (at < last && pairs[(bytes[at]! << 8) | bytes[at + 1]!] === 0) at++;
        if (at === last && firsts[bytes[at]!] === 0) break;
      }
      const byte = bytes[at]!;
      const nextNodes: number[] = [];
      const nextStarts: number[] = [];
      // Wraps around after 2^31 bytes that follow a beginning: a stale mark would have to be as old.
      const step = (visits.steps = (visits.steps + 1) | 0);
      let accepted = -1;
      const follow = (node: number, start: number): void => {
        for (let edge = edgesOf[node]!; edge < edgesOf[node + 1]!; edge++) {
          const to = edgeTo[edge]!;
          if (edgeByte[edge] !== byte || reached[to] === step) continue;
          reached[to] = step;
          if (accepts[to] === 1 && (accepted === -1 || start < accepted)) accepted = start;
          nextNodes.push(to);
          nextStarts.push(start);
        }
      };
      for (let follower = 0; follower < nodes.length; follower++) follow(nodes[follower]!, starts[follower]!);
      // By two bytes where there are two: of many secrets hardly one begins here.
      if (at === last) for (const node of beginsWith.get(byte) ?? []) follow(node, at);
      else {
        const pair = (byte << 8) | bytes[at + 1]!;
        if (pairs[pair] === 1) for (const node of beginsWithPair.get(pair)!) follow(node, at);
      }
      nodes = nextNodes;
      starts = nextStarts;
      if (accepted === -1) continue;
      // What the caller has given is theirs.
      if (!own) bytes = Buffer.from(bytes);
      own = true;
      bytes.fill(FILL, accepted, at + 1);
      if (at + 1 - accepted >= MARK.length) bytes.set(MARK, accepted);
    }
    if (nodes.length === 0) {
      held = NOTHING;
      return bytes;
    }
    const from = Math.min(...starts);
    held = Buffer.from(bytes.subarray(from));
    starts = starts.map((start) => start - from);
    return bytes.subarray(0, from);
  }

  return {
    write,
    end: () => {
      const rest = held;
      held = NOTHING;
      nodes = [];
      starts = [];
      return rest;
    },
  };
}
