import { z } from 'zod';
import { InvalidRequest } from '../core/errors.ts';
import { everOpen, isTimeZone, minuteOf, scheduleText, WEEKDAYS, type Schedule } from '../core/schedule.ts';
import { scheduleOfWire } from '../core/schedule-wire.ts';
import type { Window } from '../core/task.ts';

const timeOfDay = z
  .string()
  .refine((text) => minuteOf(text) !== null, 'expected a time of the day such as `09:00`, at most `24:00`');

const hoursForm = z
  .strictObject({ from: timeOfDay.refine((text) => text !== '24:00', 'expected a time before `24:00`'), to: timeOfDay })
  .refine(({ from, to }) => from !== to, 'ends when it begins; leave `hours` out for the whole day')
  .refine(({ to }) => to !== '00:00', 'expected `24:00` for the end of the day');

/** When a task may act: hours of the day and days of the week, by the clocks of a time zone. */
export const scheduleForm = z
  .strictObject({
    time_zone: z
      .string()
      .max(64)
      .refine(isTimeZone, 'expected a name of the IANA time zone database, such as `Europe/Berlin`'),
    weekdays: z.array(z.enum(WEEKDAYS)).min(1).max(7).optional(),
    hours: z.array(hoursForm).min(1).max(8).optional(),
  })
  .refine(
    ({ weekdays, hours }) => weekdays !== undefined || hours !== undefined,
    'names neither `weekdays` nor `hours`',
  );

export const parseSchedule = (form: z.output<typeof scheduleForm>): Schedule => scheduleOfWire(form);

/** The window as asked for, in ms since the epoch and seconds. */
export type WindowRequest = {
  notBefore?: number;
  expiresAt?: number;
  lifetimeSeconds?: number;
  schedules: Schedule[];
};

/** The members of a request that say when. */
export const windowShape = {
  /** RFC 3339. */
  not_before: z.iso.datetime({ offset: true }).optional(),
  /** RFC 3339. Instead of `lifetime_seconds`. */
  expires_at: z.iso.datetime({ offset: true }).optional(),
  lifetime_seconds: z.number().int().positive().optional(),
  schedule: scheduleForm.optional(),
};

type WindowShape = { [Member in keyof typeof windowShape]?: z.output<(typeof windowShape)[Member]> };

/** @throws InvalidRequest when both an end and a length are given. */
export function parseWindow({ not_before, expires_at, lifetime_seconds, schedule }: WindowShape): WindowRequest {
  if (expires_at !== undefined && lifetime_seconds !== undefined) {
    throw new InvalidRequest('`expires_at`: give this or `lifetime_seconds`, not both');
  }
  return {
    ...(not_before === undefined ? {} : { notBefore: Date.parse(not_before) }),
    ...(expires_at === undefined ? {} : { expiresAt: Date.parse(expires_at) }),
    ...(lifetime_seconds === undefined ? {} : { lifetimeSeconds: lifetime_seconds }),
    schedules: schedule === undefined ? [] : [parseSchedule(schedule)],
  };
}

/** The end that a request names, if it names one; `start` is when the window opens. */
export function endOf({ notBefore, expiresAt, lifetimeSeconds }: WindowRequest, start: number): number | undefined {
  if (expiresAt !== undefined) return expiresAt;
  return lifetimeSeconds === undefined ? undefined : (notBefore ?? start) + lifetimeSeconds * 1000;
}

/**
 * @throws InvalidRequest for a window in the past, and for one within which it would never be open: with the schedules of
 *   every task above.
 */
export function checkWindow(
  { notBefore, expiresAt, schedules = [] }: Window,
  now: number,
  above: readonly Schedule[] = [],
) {
  if (expiresAt <= now) throw new InvalidRequest('the window of the task lies in the past; give a later `expires_at`');
  if (expiresAt <= notBefore) throw new InvalidRequest('`expires_at`: is not after the start of the task');
  const all = [...schedules, ...above];
  if (all.length === 0 || everOpen(all, notBefore, expiresAt)) return;
  throw new InvalidRequest(
    `\`schedule\`: ${all.map(scheduleText).join(' and ')} does not come between the start and the end of the task`,
  );
}
