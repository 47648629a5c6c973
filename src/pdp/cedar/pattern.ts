/** An element of a `like` pattern in Cedar's JSON policy format. */
export type PatternElement = 'Wildcard' | { Literal: string };

/** A test of `like`: linear in the text for each literal run of the pattern, without backtracking. */
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
      const found = text.indexOf(run, at);
      if (found === -1) return false;
      at = found + run.length;
    }
    return at <= end;
  };
}
