import { clock, minuteOf, type Schedule, type Weekday } from './schedule.ts';

/** A schedule as requests, records and the API show it: times of the day as `HH:MM`. */
export type ScheduleWire = {
  time_zone: string;
  weekdays?: Weekday[];
  hours?: { from: string; to: string }[];
};

export function scheduleToWire({ timeZone, weekdays, hours }: Schedule): ScheduleWire {
  return {
    time_zone: timeZone,
    ...(weekdays === undefined ? {} : { weekdays }),
    ...(hours === undefined ? {} : { hours: hours.map(({ from, to }) => ({ from: clock(from), to: clock(to) })) }),
  };
}

/** @throws RangeError for a time that is none. */
export function scheduleOfWire({ time_zone: timeZone, weekdays, hours }: ScheduleWire): Schedule {
  return {
    timeZone,
    ...(weekdays === undefined ? {} : { weekdays }),
    ...(hours === undefined ? {} : { hours: hours.map(({ from, to }) => ({ from: minute(from), to: minute(to) })) }),
  };
}

function minute(text: string): number {
  const of = minuteOf(text);
  if (of === null) throw new RangeError(`\`${text}\` is no time of the day`);
  return of;
}
