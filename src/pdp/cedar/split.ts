import { LONG_MARK } from './expression.ts';

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

/** Larger text is refused before Cedar sees it: beyond these its parser or evaluator runs out of stack. */
export const LIMITS = {
  statementLength: 1024 * 1024,
  nesting: 50,
  arithmetic: 200,
  logic: 2000,
  conditionals: 100,
  accessChain: 100,
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

type Token = { kind: 'word' | 'integer' | 'string' | 'slot' | 'symbol'; start: number; end: number; text: string };

/** White space and comments as Cedar's lexer skips them: a comment ends at either line break. */
const SKIPPED = /(?:\s|\/\/[^\n\r]*)+/y;
const TOKEN =
  /(?<word>[A-Za-z_]\w*)|(?<integer>\d+)|(?<string>"(?:[^"\\]|\\[^])*")|(?<slot>\?[A-Za-z_]\w*)|(?<symbol>&&|\|\||::|[<>=!]=|[^])/y;

/**
 * Cuts a file into its policies at the semicolons that end them. It knows just enough of the language for that, and
 * for keeping away what would bring `cedar-wasm` down: an overflow of its stack ends the whole WebAssembly instance.
 *
 * @throws SplitError for a text beyond LIMITS.
 */
export function splitPolicies(text: string): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  let line = 1;
  let tokens: Token[] = [];
  const finish = (end: number) => {
    statements.push(toStatement(text.slice(start, end), start, line, tokens));
    line += countLines(text, start, end);
    start = end;
    tokens = [];
  };
  for (const token of tokensOf(text)) {
    tokens.push(token);
    if (token.text === ';' && token.kind === 'symbol') finish(token.end);
  }
  if (tokens.length > 0) finish(text.length);
  else if (statements.length > 0) statements.at(-1)!.text += text.slice(start);
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

export function* tokensOf(text: string): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    SKIPPED.lastIndex = at;
    at += SKIPPED.exec(text)?.[0].length ?? 0;
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) return;
    for (const kind of ['word', 'integer', 'string', 'slot', 'symbol'] as const) {
      const found = groups[kind];
      if (found === undefined) continue;
      yield { kind, start: at, end: at + found.length, text: found };
      at += found.length;
      break;
    }
  }
}

function toStatement(text: string, offset: number, firstLine: number, tokens: readonly Token[]): Statement {
  const lineAt = (token: Token) => firstLine + countLines(text, 0, token.start - offset);
  const line = lineAt(tokens[0]!);
  if (text.length > LIMITS.statementLength) {
    throw new SplitError(line, `a policy is longer than ${LIMITS.statementLength} characters; split it`);
  }
  const excess = findExcess(tokens);
  if (excess !== null) throw new SplitError(lineAt(excess.token), excess.problem);
  if (text.includes(LONG_MARK)) throw new SplitError(line, 'a policy holds a reserved character, U+10FFFF');
  return {
    text,
    firstLine,
    line,
    isTemplate: tokens.some(({ kind }) => kind === 'slot'),
    bigIntegers: tokens
      .filter((token) => token.kind === 'integer' && !Number.isSafeInteger(Number(token.text)))
      .map((token) => ({ start: token.start - offset, end: token.end - offset, digits: token.text })),
  };
}

const CHAIN_PARTS = new Set(['.', '(', ')', '[', ']']);

function findExcess(tokens: readonly Token[]): { token: Token; problem: string } | null {
  const count = { nesting: 0, arithmetic: 0, logic: 0, conditionals: 0, accessChain: 0, listItems: 0 };
  for (const token of tokens) {
    const { kind, text } = token;
    if (kind === 'symbol') {
      if ('([{'.includes(text)) count.nesting += 1;
      else if (')]}'.includes(text)) count.nesting -= 1;
      else if ('+-*!'.includes(text)) count.arithmetic += 1;
      else if (text === '&&' || text === '||') count.logic += 1;
      else if (text === ',') count.listItems += 1;
      if (text === '.' || text === '[') count.accessChain += 1;
      else if (!CHAIN_PARTS.has(text)) count.accessChain = 0;
    } else if (kind === 'word' && text === 'if') count.conditionals += 1;
    for (const limit of Object.keys(count) as (keyof typeof count)[]) {
      if (count[limit] > LIMITS[limit]) {
        return { token, problem: `a policy has more than ${LIMITS[limit]} ${EXCESS_WORDS[limit]}; split it` };
      }
    }
  }
  return null;
}

const EXCESS_WORDS = {
  nesting: 'nested brackets',
  arithmetic: 'signs of `+`, `-`, `*` and `!`',
  logic: 'signs of `&&` and `||`',
  conditionals: '`if`s',
  accessChain: 'members in one chain of `.` or `[…]`',
  listItems: 'commas',
} as const;

function countLines(text: string, start: number, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
