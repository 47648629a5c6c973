import type { ArgumentOrigin } from '../core/action.ts';

/**
 * How a result is taken in: as trusted, and as found by the delegator's own words; as a list that outsiders can write to, as
 * something the delegator pointed at, as what outsiders had looked up, or as theirs altogether.
 */
export type Reading = 'resolved' | 'trusted' | 'listed' | 'referred' | 'steered' | 'untrusted';

/**
 * How far what a call returns can be trusted, by what it was asked with. A look-up that outsiders steered finds what they
 * want found, whoever answers it; and what the model made up after it had read theirs may be theirs too.
 *
 * @param asked origins of the arguments that say what is asked for.
 * @param outsiders whether outsiders can write what the operation returns.
 * @param exposed whether the task has read what outsiders wrote.
 * @param promptLast whether somebody outside wrote the prompt.
 */
export function readingOf(
  asked: readonly ArgumentOrigin[],
  { outsiders, exposed, promptLast }: { outsiders: boolean; exposed: boolean; promptLast: boolean },
): Reading {
  if (asked.some((origin) => origin === 'untrusted' || origin === 'steered')) return 'steered';
  if (exposed && asked.length > 0 && asked.every((origin) => origin === 'unseen')) return 'untrusted';
  if (outsiders) return asked.includes('prompt') ? 'referred' : 'listed';
  if (asked.includes('listed') || asked.includes('referred')) return 'listed';
  const own = (origin: ArgumentOrigin) =>
    origin === 'parameters' || origin === 'resolved' || (origin === 'prompt' && !promptLast);
  return asked.length > 0 && asked.every(own) ? 'resolved' : 'trusted';
}
