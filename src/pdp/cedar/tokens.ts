/** `unclosed` is a string that reaches to the end of the text. */
type Kind = 'word' | 'integer' | 'string' | 'unclosed' | 'slot' | 'symbol';
export type Token = { kind: Kind; start: number; end: number; text: string };

/** White space and comments as Cedar's lexer skips them: a comment ends at either line break. */
const SPACE = /\s+/y;
const COMMENT = /\/\/[^\n\r]*/y;
const TOKEN = /(?<word>[A-Za-z_]\w*)|(?<integer>\d+)|(?<slot>\?[A-Za-z_]\w*)|(?<symbol>&&|\|\||::|[<>=!]=|[^])/y;

/** The tokens of a text, one at a time. What Cedar would not take is cut into single characters. */
export function* tokensOf(text: string): Generator<Token> {
  for (let start = skipped(text, 0); start < text.length;) {
    const token = text[start] === '"' ? stringAt(text, start) : tokenAt(text, start);
    yield token;
    start = skipped(text, token.end);
  }
}

/** Where the next token starts. One piece at a time: a single expression for all would overflow on a long one. */
function skipped(text: string, start: number): number {
  let at = start;
  for (let from = -1; from !== at;) {
    from = at;
    for (const piece of [SPACE, COMMENT]) {
      piece.lastIndex = at;
      if (piece.test(text)) at = piece.lastIndex;
    }
  }
  return at;
}

function stringAt(text: string, start: number): Token {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at += 1;
    else if (character === '"') return { kind: 'string', start, end: at + 1, text: text.slice(start, at + 1) };
  }
  return { kind: 'unclosed', start, end: text.length, text: '"' };
}

function tokenAt(text: string, start: number): Token {
  TOKEN.lastIndex = start;
  const groups = TOKEN.exec(text)!.groups!;
  for (const kind of ['word', 'symbol', 'integer', 'slot'] as const) {
    const found = groups[kind];
    if (found !== undefined) return { kind, start, end: start + found.length, text: found };
  }
  throw new TypeError('a character is no token');
}
