export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/**
 * When a task may act, by the clock on a wall of some place. A span counts for the day on which it begins, so that Friday
 * 22:00 to 06:00 reaches into Saturday.
 */
export type Schedule = {
  /** Name of the IANA time zone database. */
  timeZone: string;
  /** Absent: every day. */
  weekdays?: Weekday[];
  /** Absent: all day. Minutes of the day, `from` inside and `to` outside; `to` before `from` is on the next day. */
  hours?: { from: number; to: number }[];
};

const DAY = 24 * 60;
const MINUTE_MS = 60_000;

/**
 * Whether the schedule is open at `now`, in ms since the epoch. An instant has one local time, so a change of clocks is never
 * guessed at: what lies in the hour that spring leaves out does not come that day, and the hour that autumn
 * repeats is open twice.
 */
export function isOpen({ timeZone, weekdays, hours }: Schedule, now: number): boolean {
  const { day, minute } = localTime(timeZone, now);
  const counts = (weekday: number) => weekdays === undefined || weekdays.includes(WEEKDAYS[weekday]!);
  const today = counts(day);
  if (hours === undefined) return today;
  const yesterday = counts((day + 6) % 7);
  return hours.some(({ from, to }) =>
    from < to ? today && from <= minute && minute < to : (today && from <= minute) || (yesterday && minute < to),
  );
}

/** Whether there is a minute in the span at which all of the schedules are open. Looks at each of them: at most some days. */
export function everOpen(schedules: readonly Schedule[], from: number, until: number): boolean {
  for (let at = from; at < until; at += MINUTE_MS) if (schedules.every((schedule) => isOpen(schedule, at))) return true;
  return false;
}

/** `mon, tue 09:00–17:30 (Europe/Berlin)` */
export function scheduleText({ timeZone, weekdays, hours }: Schedule): string {
  const days = weekdays === undefined ? [] : [weekdays.join(', ')];
  const spans = hours === undefined ? [] : [hours.map(({ from, to }) => `${clock(from)}–${clock(to)}`).join(', ')];
  return [...days, ...spans, `(${timeZone})`].join(' ');
}

/** `sat 03:12` */
export function localText({ timeZone }: Schedule, now: number): string {
  const { day, minute } = localTime(timeZone, now);
  return `${WEEKDAYS[day]!} ${clock(minute)}`;
}

/** `HH:MM` of a minute of the day; `24:00` is its end. */
export function clock(minute: number): string {
  const text = (part: number) => String(part).padStart(2, '0');
  return `${text(Math.floor(minute / 60))}:${text(minute % 60)}`;
}

/** The minute of the day of `HH:MM`, `null` for what is none. */
export function minuteOf(text: string): number | null {
  const [, hour, minute] = /^(\d\d):([0-5]\d)$/.exec(text) ?? [];
  const of = Number(hour) * 60 + Number(minute);
  return of <= DAY ? of : null;
}

export function isTimeZone(name: string): boolean {
  // `+01:00` is taken by Intl, too: a place has changes of clocks, an offset has none.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();
const REMEMBERED = 1_000;

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  if (FORMATS.size >= REMEMBERED) FORMATS.clear();
  FORMATS.set(timeZone, format);
  return format;
}

/** The weekday, 0 for Monday, and the minute of the day. */
function localTime(timeZone: string, now: number): { day: number; minute: number } {
  let day = -1;
  let minute = 0;
  for (const { type, value } of formatOf(timeZone).formatToParts(now)) {
    if (type === 'weekday') day = WEEKDAYS.indexOf(value.toLowerCase() as Weekday);
    else if (type === 'hour') minute += Number(value) * 60;
    else if (type === 'minute') minute += Number(value);
  }
  return { day, minute };
}
