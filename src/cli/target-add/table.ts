import type { Guessed } from '../../catalogue/guess.ts';

/** One operation with its guess, its certainty and why; on one line. */
export function rowOf({ operation, guess, accepted }: Guessed): string {
  const { effect, sensitivity } = accepted ?? guess;
  const request = operation.wire['request'];
  return [
    effect.padEnd(8),
    sensitivity.padEnd(12),
    guess.certainty.padEnd(7),
    operation.name,
    ...(typeof request === 'string' ? [`(${request})`] : []),
    guess.why.slice(0, 2).join('; '),
    ...operation.notes.map((note) => `[${note}]`),
  ].join('  ');
}

/** As `--json` prints it. */
export function wireOf({ operation, guess, accepted }: Guessed): object {
  return {
    operation: operation.name,
    ...operation.wire,
    guess: guess.effect,
    sensitivity: (accepted ?? guess).sensitivity,
    certainty: guess.certainty,
    why: guess.why,
    notes: operation.notes,
    effect: accepted?.effect ?? null,
  };
}

/** `read 12, write 3`: how many of each. */
export function countOf(effects: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const effect of effects) counts.set(effect, (counts.get(effect) ?? 0) + 1);
  return [...counts].map(([effect, count]) => `${effect} ${count}`).join(', ');
}
