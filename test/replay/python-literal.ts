import type { JsonValue } from '../../src/core/json.ts';

/** The value of a Python literal of dicts, lists, tuples, texts, numbers and constants, or `undefined` for anything else. */
export function parsePythonLiteral(text: string): JsonValue | undefined {
  const reader = new Reader(text);
  try {
    const value = reader.value();
    return reader.atEnd() ? value : undefined;
  } catch {
    return undefined;
  }
}

const CONSTANTS: Readonly<Record<string, JsonValue>> = { True: true, False: false, None: null };
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#space();
    return this.#at === this.#text.length;
  }

  value(): JsonValue {
    this.#space();
    const first = this.#text[this.#at] ?? '';
    if (first === '"' || first === "'") return this.#quoted(first);
    if (first === '{') return this.#dict();
    if (first === '[' || first === '(') return this.#items(CLOSING[first]!);
    const word = /^[-+.\w]+/.exec(this.#text.slice(this.#at))?.[0] ?? '';
    this.#at += word.length;
    if (Object.hasOwn(CONSTANTS, word)) return CONSTANTS[word]!;
    const number = Number(word);
    if (word === '' || Number.isNaN(number)) throw new SyntaxError(`unexpected text at ${this.#at}`);
    return number;
  }

  #dict(): JsonValue {
    const members: [string, JsonValue][] = [];
    this.#at += 1;
    while (!this.#ends('}')) {
      const key = this.value();
      this.#expect(':');
      members.push([typeof key === 'string' ? key : JSON.stringify(key), this.value()]);
    }
    return Object.fromEntries(members);
  }

  #items(closing: string): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    while (!this.#ends(closing)) items.push(this.value());
    return items;
  }

  /** Steps over a comma, or over the closing bracket, and says whether it was that. */
  #ends(closing: string): boolean {
    this.#space();
    if (this.#text[this.#at] === ',') this.#at += 1;
    this.#space();
    if (this.#text[this.#at] !== closing) {
      if (this.#at >= this.#text.length) throw new SyntaxError('unexpected end');
      return false;
    }
    this.#at += 1;
    return true;
  }

  #quoted(quote: string): string {
    let value = '';
    this.#at += 1;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new SyntaxError('unexpected end');
      this.#at += 1;
      if (char === quote) return value;
      value += char === '\\' ? this.#escaped() : char;
    }
  }

  #escaped(): string {
    const rest = this.#text.slice(this.#at);
    const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (code !== null) {
      this.#at += code[0].length;
      return String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3]!, 16));
    }
    const char = rest[0] ?? '';
    this.#at += 1;
    return ESCAPES[char] ?? char;
  }

  #expect(char: string): void {
    this.#space();
    if (this.#text[this.#at] !== char) throw new SyntaxError(`expected ${char} at ${this.#at}`);
    this.#at += 1;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
