import type { Token } from './tokens.ts';

/**
 * How deep an operand goes: members one after another, and how often its innermost part is repeated where Cedar's parser
 * spells operators out: `x has a.b` is `x has a && x.a has b`, and `x is T in y` is `x is T && x in y`.
 */
type Depth = { access: number; repeats: number };

/** What stands in one pair of brackets. */
type Level = { operand: Depth; deepest: Depth };

/** Behind these another operand starts. */
const OPERATOR_WORDS = new Set(['if', 'then', 'else', 'in', 'is', 'has', 'like']);

/**
 * How deep the operands of an expression go, told from its tokens alone. What is in brackets is a part of the operand
 * that goes on behind them: `(true || x.a).b` goes two deep.
 */
export class OperandDepth {
  readonly #outer: Level[] = [];
  #level = nothing();
  /** What may turn out to repeat its operand, with how often that is repeated already. */
  #repeating: Repeating | null = null;

  get access(): number {
    return this.#level.operand.access;
  }
  get repeats(): number {
    return this.#level.operand.repeats;
  }

  add({ kind, text }: Token): void {
    const times = timesRepeated(this.#repeating, text);
    const { repeats } = this;
    if (kind === 'symbol') this.#addSymbol(text);
    if (kind === 'word' && OPERATOR_WORDS.has(text)) this.#endOperand();
    if (times !== null) this.#level.operand.repeats = this.#repeating!.before * times;
    this.#repeating = nextRepeating(this.#repeating, { kind, text, repeats });
  }

  #addSymbol(text: string): void {
    if (text === '.' || text === '[') this.#level.operand.access += 1;
    if ('([{'.includes(text)) {
      this.#outer.push(this.#level);
      this.#level = nothing();
    } else if (')]}'.includes(text)) {
      this.#endOperand();
      const { deepest } = this.#level;
      this.#level = this.#outer.pop() ?? nothing();
      this.#level.operand = deeper(this.#level.operand, deepest);
    } else if (text !== '.' && text !== '::') this.#endOperand();
  }

  #endOperand(): void {
    const { operand, deepest } = this.#level;
    this.#level = { operand: { access: 0, repeats: 1 }, deepest: deeper(deepest, operand) };
  }
}

type Repeating = { word: 'has' | 'is'; names: number; dots: number; before: number };

/** How often an operator that is complete with this token repeats its operand. */
function timesRepeated(repeating: Repeating | null, text: string): number | null {
  if (repeating === null) return null;
  const { word, names, dots } = repeating;
  if (word === 'has') return text === '.' && names === dots + 1 ? names + 1 : null;
  return text === 'in' && names > 0 ? 2 : null;
}

function nextRepeating(
  repeating: Repeating | null,
  { kind, text, repeats }: Pick<Token, 'kind' | 'text'> & { repeats: number },
): Repeating | null {
  // Behind `has` and `.` any word is a name.
  const isName = kind === 'word' && repeating !== null && repeating.names === repeating.dots;
  if (repeating !== null && (isName || (text === '::' && repeating.word === 'is'))) {
    return text === '::' ? { ...repeating, dots: repeating.names } : { ...repeating, names: repeating.names + 1 };
  }
  if (repeating?.word === 'has' && text === '.') return { ...repeating, dots: repeating.dots + 1 };
  if (text === 'has' || text === 'is') return { word: text, names: 0, dots: 0, before: repeats };
  return null;
}

function nothing(): Level {
  return { operand: { access: 0, repeats: 1 }, deepest: { access: 0, repeats: 1 } };
}

function deeper(a: Depth, b: Depth): Depth {
  return { access: Math.max(a.access, b.access), repeats: Math.max(a.repeats, b.repeats) };
}
