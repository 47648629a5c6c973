/** The forms in which a secret may come back, as one automaton over bytes. */

/** Edges of node `n` are those from `edgesOf[n]` to `edgesOf[n + 1]`. */
export type Patterns = {
  /** Nodes where forms begin, by their first byte; and by their first two, so that many secrets cost no more than one. */
  beginsWith: ReadonlyMap<number, readonly number[]>;
  beginsWithPair: ReadonlyMap<number, readonly number[]>;
  edgesOf: Int32Array;
  edgeByte: Uint8Array;
  edgeTo: Int32Array;
  /** 1 where a form ends. */
  accepts: Uint8Array;
  /** Bytes, and pairs of them, that a form may begin with. */
  firsts: Uint8Array;
  pairs: Uint8Array;
};

/** A form of a secret: for each character, the texts that may stand for it. */
type Form = readonly (readonly string[])[];

/** Shorter ones occur by chance. */
const MIN_FORM = 6;

/** The automata of single secrets, the most recently used last: those of a target come and go one by one. */
const known = new Map<string, Patterns>();
const KEPT = 2_048;

export function compilePatterns(secrets: readonly string[]): Patterns {
  return joined([...new Set(secrets)].map(patternsOf));
}

function patternsOf(secret: string): Patterns {
  const found = known.get(secret) ?? compiled(secret);
  known.delete(secret);
  known.set(secret, found);
  if (known.size > KEPT) known.delete(known.keys().next().value!);
  return found;
}

function compiled(secret: string): Patterns {
  const building = createBuilding();
  for (const form of formsOf(secret)) if (form.length >= MIN_FORM) building.add(form);
  return building.done();
}

/** Beside each other, as one. */
function joined(all: readonly Patterns[]): Patterns {
  const [first] = all;
  if (all.length === 1) return first!;
  const nodes = all.reduce((sum, { accepts }) => sum + accepts.length, 0);
  const edges = all.reduce((sum, { edgeByte }) => sum + edgeByte.length, 0);
  const whole = {
    beginsWith: new Map<number, number[]>(),
    beginsWithPair: new Map<number, number[]>(),
    edgesOf: new Int32Array(nodes + 1),
    edgeByte: new Uint8Array(edges),
    edgeTo: new Int32Array(edges),
    accepts: new Uint8Array(nodes),
    firsts: new Uint8Array(256),
    pairs: new Uint8Array(65_536),
  };
  let node = 0;
  let edge = 0;
  for (const each of all) {
    for (const [n, from] of each.edgesOf.entries()) whole.edgesOf[node + n] = edge + from;
    for (const [n, to] of each.edgeTo.entries()) whole.edgeTo[edge + n] = node + to;
    whole.edgeByte.set(each.edgeByte, edge);
    whole.accepts.set(each.accepts, node);
    moveInto(whole.beginsWith, whole.firsts, each.beginsWith, node);
    moveInto(whole.beginsWithPair, whole.pairs, each.beginsWithPair, node);
    node += each.accepts.length;
    edge += each.edgeByte.length;
  }
  return whole;
}

function moveInto(
  into: Map<number, number[]>,
  marks: Uint8Array,
  from: ReadonlyMap<number, readonly number[]>,
  by: number,
): void {
  for (const [bytes, nodes] of from) {
    const there = into.get(bytes) ?? [];
    for (const node of nodes) there.push(node + by);
    into.set(bytes, there);
    marks[bytes] = 1;
  }
}

function formsOf(secret: string): Form[] {
  const bytes = Buffer.from(secret);
  return [
    Array.from(secret, writingsOf),
    ...(isAscii(secret) ? utf16(secret) : []),
    Array.from(bytes.toString('hex'), (digit) => [digit, digit.toUpperCase()]),
    ...[0, 1, 2].map((offset) => base64At(bytes, offset)),
  ];
}

/**
 * The characters of the base64 text of anything that has `bytes` at this offset (modulo 3): those at its ends that other
 * bytes have part in are left out (RFC 4648, sections 4 and 5).
 */
function base64At(bytes: Uint8Array, offset: number): Form {
  const text = Buffer.concat([new Uint8Array(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const whole = Math.floor(((offset + bytes.length) * 8) / 6);
  return Array.from(text.slice([0, 2, 3][offset]!, whole), (character) => {
    if (character === '+') return [...writingsOf('+'), ...writingsOf('-')];
    if (character === '/') return [...writingsOf('/'), ...writingsOf('_')];
    return [character];
  });
}

// oxlint-disable-next-line no-control-regex -- all of ASCII is meant
const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** With either end first: each byte of ASCII has a zero beside it. */
function utf16(secret: string): Form[] {
  return [Array.from(secret, (character) => [`${character}\0`]), Array.from(secret, (character) => [`\0${character}`])];
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
};
const ENTITIES: Readonly<Record<string, readonly string[]>> = {
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;'],
  "'": ['&apos;'],
};
/** One level of escaping, a JSON text in a string of another, and that once more. */
const BACKSLASHES = ['\\', '\\\\', '\\\\\\', '\\\\\\\\', '\\'.repeat(7)];
const PERCENTS = ['%', '%25'];

const written = new Map<string, readonly string[]>();

/** Of characters below 128, which secrets are made of, they are worked out once. */
function writingsOf(character: string): readonly string[] {
  const known = written.get(character);
  if (known !== undefined) return known;
  const found = writings(character);
  if (character <= '\x7f') written.set(character, found);
  return found;
}

/** How encoders write a character. All of them leave letters and digits of ASCII as they are. */
function writings(character: string): string[] {
  if (/^[A-Za-z0-9]$/.test(character)) return [character];
  const found = new Set([character, ...(ENTITIES[character] ?? [])]);
  const code = character.codePointAt(0)!;
  found.add(`&#${code};`);
  for (const hex of cases(code.toString(16))) for (const x of ['x', 'X']) found.add(`&#${x}${hex};`);
  for (const percent of PERCENTS) for (const text of percentEncoded(character, percent)) found.add(text);
  if (character === ' ') found.add('+');
  for (const backslashes of BACKSLASHES) {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) found.add(backslashes + short);
    if (/^["'\\/]$/.test(character)) found.add(backslashes + character);
    for (const hex of cases(escapedUnits(character))) found.add(hex.replaceAll('!', `${backslashes}u`));
    if (code < 0x100) {
      for (const hex of cases(code.toString(16).padStart(2, '0'))) found.add(`${backslashes}x${hex}`);
    }
  }
  return [...found];
}

function percentEncoded(character: string, percent: string): string[] {
  const hex = [...Buffer.from(character)].map((byte) => `!${byte.toString(16).padStart(2, '0')}`).join('');
  return cases(hex).map((text) => text.replaceAll('!', percent));
}

/** UTF-16 code units, each behind a mark. */
function escapedUnits(character: string): string {
  return Array.from(
    { length: character.length },
    (_none, n) => `!${character.charCodeAt(n).toString(16).padStart(4, '0')}`,
  ).join('');
}

function cases(hex: string): string[] {
  return [hex.toLowerCase(), hex.toUpperCase()];
}

function note(into: Map<number, Set<number>>, marks: Uint8Array, bytes: number, node: number): void {
  marks[bytes] = 1;
  const there = into.get(bytes);
  if (there === undefined) into.set(bytes, new Set([node]));
  else there.add(node);
}

function asLists(sets: ReadonlyMap<number, ReadonlySet<number>>): Map<number, number[]> {
  return new Map([...sets].map(([bytes, nodes]) => [bytes, [...nodes]]));
}

/** Nodes with their edges as `byte, node, byte, node, …`. */
function createBuilding() {
  const edges: number[][] = [];
  const accepts = new Set<number>();
  const begins: number[] = [];
  const node = (): number => edges.push([]) - 1;

  /** Texts from one node to another, sharing their beginnings. */
  function join(from: number, texts: readonly string[], to: number): void {
    const [only] = texts;
    if (texts.length === 1 && only!.length === 1) return void edges[from]!.push(only!.charCodeAt(0), to);
    const within = new Map<string, number>();
    for (const text of texts) {
      const bytes = Buffer.from(text);
      let at = from;
      for (const [n, byte] of bytes.entries()) {
        const last = n === bytes.length - 1;
        const prefix = bytes.toString('latin1', 0, n + 1);
        const known = within.get(prefix);
        const next = last ? to : (known ?? node());
        if (!last) within.set(prefix, next);
        if (last || known === undefined) edges[at]!.push(byte, next);
        at = next;
      }
    }
  }

  return {
    add: (form: Form): void => {
      let at = node();
      begins.push(at);
      for (const texts of form) {
        const next = node();
        join(at, texts, next);
        at = next;
      }
      accepts.add(at);
    },
    done: (): Patterns => {
      const edgesOf = new Int32Array(edges.length + 1);
      for (const [n, of] of edges.entries()) edgesOf[n + 1] = edgesOf[n]! + of.length / 2;
      const edgeByte = new Uint8Array(edgesOf[edges.length]!);
      const edgeTo = new Int32Array(edgeByte.length);
      let at = 0;
      for (const of of edges) {
        for (let n = 0; n < of.length; n += 2, at++) {
          edgeByte[at] = of[n]!;
          edgeTo[at] = of[n + 1]!;
        }
      }
      const firsts = new Uint8Array(256);
      const pairs = new Uint8Array(65_536);
      const beginsWith = new Map<number, Set<number>>();
      const beginsWithPair = new Map<number, Set<number>>();
      for (const begin of begins) {
        for (let first = edgesOf[begin]!; first < edgesOf[begin + 1]!; first++) {
          note(beginsWith, firsts, edgeByte[first]!, begin);
          const then = edgeTo[first]!;
          for (let second = edgesOf[then]!; second < edgesOf[then + 1]!; second++) {
            note(beginsWithPair, pairs, (edgeByte[first]! << 8) | edgeByte[second]!, begin);
          }
        }
      }
      return {
        beginsWith: asLists(beginsWith),
        beginsWithPair: asLists(beginsWithPair),
        edgesOf,
        edgeByte,
        edgeTo,
        accepts: Uint8Array.from(edges, (_of, n) => (accepts.has(n) ? 1 : 0)),
        firsts,
        pairs,
      };
    },
  };
}
