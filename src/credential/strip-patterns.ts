/** The forms in which a secret may come back, as one automaton over bytes. */

/** Edges of node `n` are those from `edgesOf[n]` to `edgesOf[n + 1]`. */
export type Patterns = {
  begins: readonly number[];
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

export function compilePatterns(secrets: readonly string[]): Patterns {
  const building = createBuilding();
  const seen = new Set<string>();
  for (const secret of secrets) {
    for (const form of formsOf(secret)) {
      const name = JSON.stringify(form);
      if (form.length < MIN_FORM || seen.has(name)) continue;
      seen.add(name);
      building.add(form);
    }
  }
  return building.done();
}

function formsOf(secret: string): Form[] {
  const bytes = Buffer.from(secret);
  return [
    [...secret].map(writings),
    [...bytes.toString('hex')].map((digit) => [digit.toLowerCase(), digit.toUpperCase()]),
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
  return [...text.slice([0, 2, 3][offset]!, whole)].map((character) => {
    if (character === '+') return [...writings('+'), ...writings('-')];
    if (character === '/') return [...writings('/'), ...writings('_')];
    return [character];
  });
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

function createBuilding() {
  const edges: Map<number, number[]>[] = [];
  const accepts: number[] = [];
  const begins: number[] = [];
  const node = (): number => {
    edges.push(new Map());
    accepts.push(0);
    return edges.length - 1;
  };

  /** Texts from one node to another, sharing their beginnings. */
  function join(from: number, texts: readonly string[], to: number): void {
    const within = new Map<string, number>();
    for (const text of texts) {
      const bytes = Buffer.from(text);
      let at = from;
      for (const [n, byte] of bytes.entries()) {
        const last = n === bytes.length - 1;
        const prefix = bytes.toString('latin1', 0, n + 1);
        const next = last ? to : (within.get(prefix) ?? node());
        if (!last) within.set(prefix, next);
        const targets = edges[at]!.get(byte) ?? [];
        if (!targets.includes(next)) edges[at]!.set(byte, [...targets, next]);
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
      accepts[at] = 1;
    },
    done: (): Patterns => {
      const flat = edges.map((of) => [...of].flatMap(([byte, targets]) => targets.map((to) => [byte, to] as const)));
      const all = flat.flat();
      const edgesOf = new Int32Array(edges.length + 1);
      for (const [n, of] of flat.entries()) edgesOf[n + 1] = edgesOf[n]! + of.length;
      const firsts = new Uint8Array(256);
      const pairs = new Uint8Array(65_536);
      for (const begin of begins) {
        for (const [first, targets] of edges[begin]!) {
          firsts[first] = 1;
          for (const target of targets) for (const second of edges[target]!.keys()) pairs[(first << 8) | second] = 1;
        }
      }
      return {
        begins,
        edgesOf,
        edgeByte: Uint8Array.from(all, ([byte]) => byte),
        edgeTo: Int32Array.from(all, ([, to]) => to),
        accepts: Uint8Array.from(accepts),
        firsts,
        pairs,
      };
    },
  };
}
