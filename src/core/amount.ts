import type { JsonValue } from './json.ts';

/**
 * An exact non-negative decimal number with at most four digits after the point, as a whole number of ten-thousandths: what
 * sums over arguments are made of. A double cannot hold 0.1, so nothing is ever added as one. At most
 * 900719925474.0991, where whole numbers end to be exact (2^53 − 1 ten-thousandths).
 */
export type Amount = number;

const SCALE = 10_000;
const LARGEST = '900719925474.0991';
/** No sign, no exponent, no leading zeros: a text that two systems could read as two numbers is none. */
const PLAIN = /^(0|[1-9]\d*)(?:\.(\d+))?$/;

/** The amount, or what is wrong with the value, in words that follow its name. */
export function parseAmount(value: JsonValue | undefined): { amount: Amount } | { problem: string } {
  if (value === undefined) return { problem: 'is missing' };
  if (typeof value !== 'number' && typeof value !== 'string') return { problem: 'is not a number' };
  // The shortest text that names a double is what JSON carries on to the target.
  const text = typeof value === 'number' ? String(value === 0 ? 0 : value) : value;
  if (/^-\d/.test(text)) return { problem: 'is negative' };
  const [, whole, fraction = ''] = PLAIN.exec(text) ?? [];
  if (whole === undefined) {
    const huge = typeof value === 'number' && value >= 1;
    return { problem: huge && Number.isFinite(value) ? `is larger than ${LARGEST}` : 'is not a plain decimal number' };
  }
  if (fraction.length > 4) return { problem: 'has more than four digits after the point' };
  const digits = `${whole}${fraction.padEnd(4, '0')}`;
  const amount = Number(digits);
  if (digits.length > 17 || !Number.isSafeInteger(amount)) return { problem: `is larger than ${LARGEST}` };
  return { amount };
}

/** The shortest decimal text of an amount: `12`, `12.5`. */
export function formatAmount(amount: Amount): string {
  const fraction = String(amount % SCALE)
    .padStart(4, '0')
    .replace(/0+$/, '');
  const whole = String(Math.floor(amount / SCALE));
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
