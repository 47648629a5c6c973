import { UsageError } from './io.ts';

type Limits = Record<'sensitivity' | 'minutes' | 'calls' | 'hops', string | undefined>;

/** The options that bound a task, as the API takes them. */
export function limitsOf({ sensitivity, minutes, calls, hops }: Limits): Record<string, string | number> {
  return {
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(minutes === undefined ? {} : { lifetime_seconds: Math.round(numberOf('minutes', minutes) * 60) }),
    ...(calls === undefined ? {} : { calls: numberOf('calls', calls) }),
    ...(hops === undefined ? {} : { max_hops: hops === '0' ? 0 : numberOf('hops', hops) }),
  };
}

function numberOf(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new UsageError(`\`--${option} ${text}\`: expected a positive number`);
  return value;
}
