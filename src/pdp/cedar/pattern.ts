/** An element of a `like` pattern in Cedar's JSON policy format. */
export type PatternElement = 'Wildcard' | { Literal: string };

/** A test of `like`: linear in the text and the pattern, without backtracking, whatever an agent has written. */
export function compilePattern(elements: readonly PatternElement[]): (text: string) => boolean {
  const runs = [''];
  for (const element of elements) {
    if (element === 'Wildcard') runs.push('');
    else runs[runs.length - 1] += element.Literal;
  }
  if (runs.length === 1) return (text) => text === runs[0];
  const first = runs[0]!;
  const last = runs.at(-1)!;
  const between = runs.slice(1, -1).filter((run) => run !== '');
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const run of between) {
      const found = indexOf(text, run, at);
      if (found === -1) return false;
      at = found + run.length;
    }
    return at <= end;
  };
}

/** The native search takes the product of both lengths at worst, and is by far the faster one otherwise. */
const MOST_STEPS = 1_000_000;

function indexOf(text: string, run: string, start: number): number {
  if (run.length * (text.length - start) <= MOST_STEPS) return text.indexOf(run, start);
  const borders = bordersOf(run);
  let matched = 0;
  for (let at = start; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && run.charCodeAt(matched) !== unit) matched = borders[matched - 1]!;
    if (run.charCodeAt(matched) === unit) matched += 1;
    if (matched === run.length) return at + 1 - matched;
  }
  return -1;
}

/** Of each prefix, how long its longest part is that it both starts and ends with (Knuth, Morris, Pratt 1977). */
function bordersOf(run: string): Uint32Array {
  const borders = new Uint32Array(run.length);
  for (let at = 1, length = 0; at < run.length; at++) {
    const unit = run.charCodeAt(at);
    while (length > 0 && run.charCodeAt(length) !== unit) length = borders[length - 1]!;
    if (run.charCodeAt(length) === unit) length += 1;
    borders[at] = length;
  }
  return borders;
}
