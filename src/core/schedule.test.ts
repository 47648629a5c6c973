import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clock,
  everOpen,
  isOpen,
  isTimeZone,
  localText,
  minuteOf,
  scheduleText,
  WEEKDAYS,
  type Schedule,
} from './schedule.ts';

const at = (time: string) => Date.parse(time);
const hours = (from: string, to: string) => [{ from: minuteOf(from)!, to: minuteOf(to)! }];
const berlin = (rest: Partial<Schedule>): Schedule => ({ timeZone: 'Europe/Berlin', ...rest });

describe('open', () => {
  const office = berlin({ weekdays: ['mon', 'tue', 'wed', 'thu', 'fri'], hours: hours('09:00', '17:30') });
  const night = berlin({ weekdays: ['fri'], hours: hours('22:00', '06:00') });

  test.each<[string, Schedule, string, boolean]>([
    ['the first minute', office, '2026-11-25T08:00:00Z', true],
    ['the millisecond before', office, '2026-11-25T07:59:59.999Z', false],
    ['the last minute', office, '2026-11-25T16:29:59.999Z', true],
    ['the end itself', office, '2026-11-25T16:30:00Z', false],
    ['the same in summer, an hour earlier by UTC', office, '2026-07-01T07:00:00Z', true],
    ['a Saturday', office, '2026-11-28T10:00:00Z', false],
    ['Saturday there, still Friday in UTC', berlin({ weekdays: ['sat'] }), '2026-11-27T23:00:00Z', true],
    ['a span over midnight, on its day', night, '2026-11-27T21:00:00Z', true],
    ['a span over midnight, on the next day', night, '2026-11-28T04:59:00Z', true],
    ['a span over midnight, after it', night, '2026-11-28T05:00:00Z', false],
    ['the morning of its own day', night, '2026-11-27T03:00:00Z', false],
    ['the evening of the next day', night, '2026-11-28T22:00:00Z', false],
    ['the last minute of a day', berlin({ hours: hours('23:00', '24:00') }), '2026-11-25T22:59:00Z', true],
    ['the first of the next', berlin({ hours: hours('23:00', '24:00') }), '2026-11-25T23:00:00Z', false],
    [
      'a place with half an hour',
      { timeZone: 'Asia/Kolkata', hours: hours('09:00', '09:30') },
      '2026-11-25T03:45:00Z',
      true,
    ],
    // In spring Berlin goes from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
    [
      'a span within the hour that does not come',
      berlin({ hours: hours('02:15', '02:45') }),
      '2026-03-29T01:15:00Z',
      false,
    ],
    ['and its day before', berlin({ hours: hours('02:15', '02:45') }), '2026-03-28T01:15:00Z', true],
    [
      'a span that begins in the missing hour',
      berlin({ hours: hours('02:30', '04:00') }),
      '2026-03-29T01:00:00Z',
      true,
    ],
    ['the minute before the clocks change', berlin({ hours: hours('02:30', '04:00') }), '2026-03-29T00:59:00Z', false],
    // In autumn it goes from 03:00 back to 02:00 on 2026-10-25, at 01:00 UTC.
    ['the hour that comes twice, first', berlin({ hours: hours('02:15', '02:45') }), '2026-10-25T00:30:00Z', true],
    ['between', berlin({ hours: hours('02:15', '02:45') }), '2026-10-25T00:50:00Z', false],
    ['the hour that comes twice, again', berlin({ hours: hours('02:15', '02:45') }), '2026-10-25T01:30:00Z', true],
    [
      'a night with a change of clocks, before its end',
      berlin({ weekdays: ['sat'], hours: hours('22:00', '06:00') }),
      '2026-10-25T04:59:00Z',
      true,
    ],
    [
      'a night with a change of clocks, at its end',
      berlin({ weekdays: ['sat'], hours: hours('22:00', '06:00') }),
      '2026-10-25T05:00:00Z',
      false,
    ],
    // Lord Howe changes by half an hour; Samoa left a whole Friday out in 2011.
    [
      'a change by half an hour',
      { timeZone: 'Australia/Lord_Howe', hours: hours('02:00', '02:30') },
      '2026-10-03T15:45:00Z',
      false,
    ],
    [
      'the day before one that did not come',
      { timeZone: 'Pacific/Apia', weekdays: ['thu'] },
      '2011-12-30T09:59:00Z',
      true,
    ],
    ['a day that did not come', { timeZone: 'Pacific/Apia', weekdays: ['fri'] }, '2011-12-30T10:00:00Z', false],
    ['the day behind it', { timeZone: 'Pacific/Apia', weekdays: ['sat'] }, '2011-12-30T10:00:00Z', true],
  ])('%s', (_what, schedule, time, open) => {
    expect(isOpen(schedule, at(time))).toBe(open);
  });

  test('is what another way of reading the clock says, at random times around the world', () => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'America/St_Johns',
      'UTC',
    ];
    const minute = fc.integer({ min: 0, max: 1439 });
    const span = fc.record({ from: minute, to: minute }).filter(({ from, to }) => from !== to);
    const schedule = fc.record<Schedule>(
      {
        timeZone: fc.constantFrom(...zones),
        weekdays: fc.subarray([...WEEKDAYS], { minLength: 1 }),
        hours: fc.array(span, { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: ['timeZone'] },
    );
    const time = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') });
    fc.assert(
      fc.property(schedule, time, (asked, now) => {
        // `2026-11-25 09:30`, whose weekday is a matter of the date alone.
        const text = new Date(now).toLocaleString('sv-SE', { timeZone: asked.timeZone });
        const day = (new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDay() + 6) % 7;
        const of = day * 1440 + Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16));
        const spans = asked.hours ?? [{ from: 0, to: 1440 }];
        const week = 7 * 1440;
        const open = WEEKDAYS.some((name, begins) =>
          asked.weekdays?.includes(name) === false
            ? false
            : spans.some(({ from, to }) => {
                const length = to > from ? to - from : to + 1440 - from;
                return (of - (begins * 1440 + from) + 2 * week) % week < length;
              }),
        );
        expect(isOpen(asked, now)).toBe(open);
      }),
      { numRuns: 300 },
    );
  });
});

test('whether several are ever open together', () => {
  const morning = berlin({ hours: hours('09:00', '10:00') });
  const minute = berlin({ hours: hours('09:59', '10:00') });
  const afternoon = berlin({ hours: hours('14:00', '15:00') });
  const day = [at('2026-11-25T00:00:00Z'), at('2026-11-26T00:00:00Z')] as const;
  expect(everOpen([morning, minute], ...day)).toBe(true);
  expect(everOpen([morning, afternoon], ...day)).toBe(false);
  expect(everOpen([afternoon], at('2026-11-25T14:00:00Z'), at('2026-11-25T20:00:00Z'))).toBe(false);
});

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Europe/Atlantis', false],
  ['+01:00', false],
  ['', false],
  ['CET\u0000', false],
])('`%s` as the name of a time zone: %s', (name, known) => {
  expect(isTimeZone(name)).toBe(known);
});

test.each<[string, number | null]>([
  ['00:00', 0],
  ['09:30', 570],
  ['24:00', 1440],
  ['24:01', null],
  ['9:30', null],
  ['09:60', null],
  ['09:30:00', null],
  ['-1:00', null],
])('`%s` as a time of the day', (text, minute) => {
  expect(minuteOf(text)).toBe(minute);
  if (minute !== null) expect(clock(minute)).toBe(text);
});

test('is said in words', () => {
  const schedule = berlin({
    weekdays: ['mon', 'tue'],
    hours: [...hours('09:00', '12:00'), ...hours('22:00', '06:00')],
  });
  expect(scheduleText(schedule)).toBe('mon, tue 09:00–12:00, 22:00–06:00 (Europe/Berlin)');
  expect(localText(schedule, at('2026-11-28T02:12:00Z'))).toBe('sat 03:12');
});
