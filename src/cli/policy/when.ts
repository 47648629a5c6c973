import { z } from 'zod';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

const isoForm = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/**
 * A time as people give it: `90m`, `24h` or `7d` before now; a day, which begins in UTC; or ISO 8601 with an offset,
 * since a time without one is another time on each machine. Milliseconds since the epoch.
 */
export function parseWhen(text: string, now: number): number | { problem: string } {
  const ago = /^(\d{1,6})([mhd])$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  if (isoForm.safeParse(text).success) return Date.parse(text);
  return { problem: `\`${text}\` is no time; use \`24h\`, \`7d\`, \`2026-11-23\` or \`2026-11-23T08:00:00Z\`` };
}
