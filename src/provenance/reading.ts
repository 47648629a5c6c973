import type { ArgumentOrigin } from '../core/action.ts';

/** How a result is taken in: as trusted, as a list that outsiders can write to, as something the delegator pointed at, or as theirs altogether. */
export type Reading = 'trusted' | 'listed' | 'referred' | 'untrusted';

/**
 * How far what a call returns can be trusted, by what it was asked with. A look-up that outsiders steered finds what they
 * want found, whoever answers it; and what the model made up after it had read theirs may be theirs too.
 *
 * @param asked origins of the arguments that say what is asked for.
 * @param outsiders whether outsiders can write what the operation returns.
 * @param exposed whether the task has read what outsiders wrote.
 */
export function readingOf(
  asked: readonly ArgumentOrigin[],
  { outsiders, exposed }: { outsiders: boolean; exposed: boolean },
): Reading {
  const madeUp = exposed && asked.length > 0 && asked.every((origin) => origin === 'unseen');
  if (asked.includes('untrusted') || madeUp) return 'untrusted';
  if (!outsiders) return asked.includes('listed') || asked.includes('referred') ? 'listed' : 'trusted';
  return asked.includes('prompt') ? 'referred' : 'listed';
}
