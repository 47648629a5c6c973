import { argumentsOf, type Guessed } from '../../catalogue/guess.ts';

/** One operation with its guess, its certainty and why; on one line. */
export function rowOf(each: Guessed): string {
  const { operation, guess, accepted } = each;
  const said = Object.entries(argumentsOf(each)).filter(([, values]) => values.length > 0);
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
    ...said.map(([name, values]) => `[${name} ${values.join(' ')}]`),
  ].join('  ');
}

/** As `--json` prints it. */
export function wireOf(each: Guessed): object {
  const { operation, guess, accepted, agreed } = each;
  return {
    operation: operation.name,
    ...operation.wire,
    guess: guess.effect,
    sensitivity: (accepted ?? guess).sensitivity,
    certainty: guess.certainty,
    why: guess.why,
    notes: operation.notes,
    effect: accepted?.effect ?? null,
    proposed: argumentsOf(each),
    agreed: agreed && accepted !== null,
  };
}

/** `read 12, write 3`: how many of each. */
export function countOf(effects: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const effect of effects) counts.set(effect, (counts.get(effect) ?? 0) + 1);
  return [...counts].map(([effect, count]) => `${effect} ${count}`).join(', ');
}
