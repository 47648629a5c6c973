import { readOption } from './read-option.ts';
import { UsageError } from './io.ts';

/** The options that bound a task. */
export const LIMIT_OPTIONS = {
  sensitivity: { type: 'string' },
  minutes: { type: 'string' },
  schedule: { type: 'string' },
  calls: { type: 'string' },
  budget: { type: 'string' },
  hops: { type: 'string' },
} as const;

export const LIMIT_USAGE =
  '[--sensitivity LEVEL] [--minutes N] [--schedule FILE|JSON] [--calls N] [--budget FILE|JSON] [--hops N]';

type Limits = Partial<Record<keyof typeof LIMIT_OPTIONS, string | undefined>>;

/** As the API takes them. */
export function limitsOf({ sensitivity, minutes, schedule, calls, budget, hops }: Limits): Record<string, unknown> {
  return {
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(minutes === undefined ? {} : { lifetime_seconds: Math.round(numberOf('minutes', minutes) * 60) }),
    ...(schedule === undefined ? {} : { schedule: readOption('schedule', schedule) }),
    ...(calls === undefined ? {} : { calls: numberOf('calls', calls) }),
    ...(budget === undefined ? {} : { budget: readOption('budget', budget) }),
    ...(hops === undefined ? {} : { max_hops: hops === '0' ? 0 : numberOf('hops', hops) }),
  };
}

function numberOf(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new UsageError(`\`--${option} ${text}\`: expected a positive number`);
  return value;
}
