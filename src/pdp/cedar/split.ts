import { LONG_MARK } from './expression.ts';
import { OperandDepth } from './operand-depth.ts';
import { tokensOf, type Token } from './tokens.ts';

/** One policy or template of a file, as text. */
export type Statement = {
  /** With the comments before it; of the last one, also those behind it. Nothing of a file is in no statement. */
  text: string;
  /** Line of the file, from 1, that `text` starts on. */
  firstLine: number;
  /** Line of the first word. */
  line: number;
  isTemplate: boolean;
  /** Integers that a JSON number would round, as UTF-16 offsets into `text`. */
  bigIntegers: { start: number; end: number; digits: string }[];
};

/**
 * Larger text is refused before Cedar sees it: beyond these its parser or evaluator runs out of stack, or out of time
 * where it spells out operators by repeating their operands.
 */
export const LIMITS = {
  statementLength: 1024 * 1024,
  statements: 250_000,
  nesting: 50,
  arithmetic: 200,
  logic: 500,
  conditionals: 100,
  accessDepth: 100,
  repeats: 10_000,
  listItems: 100_000,
} as const;

/** Where and why a text is refused. */
export class SplitError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * Cuts a file into its policies at the semicolons that end them. It knows just enough of the language for that, and
 * for keeping away what would bring `cedar-wasm` down: an overflow of its stack ends the whole WebAssembly instance.
 * Time and memory are linear in the text, whatever it holds.
 *
 * @throws SplitError for a text beyond LIMITS, or a string without an end.
 */
export function splitPolicies(text: string): Statement[] {
  const statements: Statement[] = [];
  const lines = new Lines(text);
  let open = new OpenStatement(text, 0, lines);
  for (const token of tokensOf(text)) {
    open.add(token);
    if (token.text !== ';' || token.kind !== 'symbol') continue;
    statements.push(open.end(token.end));
    if (statements.length > LIMITS.statements) {
      throw new SplitError(lines.of(token.start), `a file has more than ${LIMITS.statements} policies; split it`);
    }
    open = new OpenStatement(text, token.end, lines);
  }
  if (!open.isEmpty) statements.push(open.end(text.length));
  else if (statements.length > 0) statements.at(-1)!.text += open.rest();
  return statements;
}

/** The text with each big integer behind a mark that survives Cedar's JSON form, which would round it. */
export function markLongs({ text, bigIntegers }: Pick<Statement, 'text' | 'bigIntegers'>): string {
  let marked = '';
  let at = 0;
  for (const { start, end, digits } of bigIntegers) {
    marked += `${text.slice(at, start)}{"${LONG_MARK}":"${digits}"}["${LONG_MARK}"]`;
    at = end;
  }
  return marked + text.slice(at);
}

/** Lines of a text, from 1, asked for in order. */
class Lines {
  readonly #text: string;
  #line = 1;
  #nextBreak: number;

  constructor(text: string) {
    this.#text = text;
    this.#nextBreak = text.indexOf('\n');
  }

  of(offset: number): number {
    while (this.#nextBreak !== -1 && this.#nextBreak < offset) {
      this.#line += 1;
      this.#nextBreak = this.#text.indexOf('\n', this.#nextBreak + 1);
    }
    return this.#line;
  }
}

type Limit = Exclude<keyof typeof LIMITS, 'statementLength' | 'statements'>;
type Counted = Exclude<Limit, 'accessDepth' | 'repeats'>;

/** A policy whose end is not reached. Tokens are counted and let go: there may be millions of them. */
class OpenStatement {
  readonly #text: string;
  readonly #start: number;
  readonly #lines: Lines;
  readonly #firstLine: number;
  readonly #bigIntegers: Statement['bigIntegers'] = [];
  readonly #counts: Record<Counted, number> = {
    nesting: 0,
    arithmetic: 0,
    logic: 0,
    conditionals: 0,
    listItems: 0,
  };
  readonly #operands = new OperandDepth();
  /** Line of the first token. */
  #line: number | undefined;
  #isTemplate = false;

  constructor(text: string, start: number, lines: Lines) {
    this.#text = text;
    this.#start = start;
    this.#lines = lines;
    this.#firstLine = lines.of(start);
  }

  get isEmpty(): boolean {
    return this.#line === undefined;
  }

  /** @throws SplitError */
  add(token: Token): void {
    this.#line ??= this.#lines.of(token.start);
    const { kind, text, start, end } = token;
    if (end - this.#start > LIMITS.statementLength) throw this.#tooLong();
    if (kind === 'unclosed') throw new SplitError(this.#lines.of(start), 'a string has no end; close it with `"`');
    if (kind === 'slot') this.#isTemplate = true;
    if (kind === 'integer' && !Number.isSafeInteger(Number(text))) {
      this.#bigIntegers.push({ start: start - this.#start, end: end - this.#start, digits: text });
    }
    if (kind === 'word' && text === 'if') this.#count('conditionals', token);
    if (kind === 'symbol') this.#addSymbol(token);
    this.#operands.add(token);
    this.#check('accessDepth', this.#operands.access, token);
    this.#check('repeats', this.#operands.repeats, token);
  }

  #addSymbol(token: Token): void {
    const { text } = token;
    if ('([{'.includes(text)) this.#count('nesting', token);
    else if (')]}'.includes(text)) this.#counts.nesting -= 1;
    else if ('+-*!'.includes(text)) this.#count('arithmetic', token);
    else if (text === '&&' || text === '||') this.#count('logic', token);
    else if (text === ',') this.#count('listItems', token);
  }

  #count(limit: Counted, token: Token): void {
    this.#counts[limit] += 1;
    this.#check(limit, this.#counts[limit], token);
  }

  #check(limit: Limit, reached: number, token: Token): void {
    if (reached <= LIMITS[limit]) return;
    const problem = `a policy has more than ${LIMITS[limit]} ${EXCESS_WORDS[limit]}; split it`;
    throw new SplitError(this.#lines.of(token.start), problem);
  }

  /** @throws SplitError */
  end(end: number): Statement {
    const text = this.#text.slice(this.#start, end);
    if (text.length > LIMITS.statementLength) throw this.#tooLong();
    if (text.includes(LONG_MARK)) throw new SplitError(this.#line!, 'a policy holds a reserved character, U+10FFFF');
    return {
      text,
      firstLine: this.#firstLine,
      line: this.#line!,
      isTemplate: this.#isTemplate,
      bigIntegers: this.#bigIntegers,
    };
  }

  /** What stands behind the last policy of the file. @throws SplitError */
  rest(): string {
    if (this.#text.length - this.#start > LIMITS.statementLength) throw this.#tooLong();
    return this.#text.slice(this.#start);
  }

  #tooLong(): SplitError {
    const line = this.#line ?? this.#firstLine;
    return new SplitError(line, `a policy is longer than ${LIMITS.statementLength} characters; split it`);
  }
}

const EXCESS_WORDS: Readonly<Record<Limit, string>> = {
  nesting: 'nested brackets',
  arithmetic: 'signs of `+`, `-`, `*` and `!`',
  logic: 'signs of `&&` and `||`',
  conditionals: '`if`s',
  accessDepth: 'members in one chain of `.` or `[…]`',
  repeats: 'repetitions by `has` with a path and `is` with `in`, one on the other',
  listItems: 'commas',
};
