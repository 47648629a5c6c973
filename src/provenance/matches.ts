/**
 * Hands over each match of a pattern with the flag `g`, none of them empty, until `take` says `false`. As `matchAll`, which
 * makes a pattern of its own for each text: that takes longer than most texts here.
 */
export function eachMatch(pattern: RegExp, text: string, take: (match: RegExpExecArray) => unknown): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (take(match) === false) return;
  }
}
