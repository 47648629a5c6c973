import { expect, test } from 'vitest';
import { taskBody } from '../../test/fixtures/control-plane.ts';
import { RemitError } from '../core/errors.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { ProfileSet } from './profile/profiles.ts';
import { type Catalogue } from './grant-form.ts';
import { parseTaskRequest, taskRequestForm, type TaskRequest } from './task-request.ts';

const catalogue: Catalogue = {
  operations: (target) => (target === 'files' ? ['read_text_file', 'write_file'] : undefined),
  effectOf: () => 'read',
  trustDomains: ['remit.local'],
};

/** What the request comes to, or why it is refused. */
function request(overrides: Record<string, unknown>): TaskRequest | string {
  const form = taskRequestForm.safeParse(taskBody(overrides));
  if (!form.success) {
    const [issue] = form.error.issues;
    return `${issue!.path.join('.')}: ${issue!.message}`;
  }
  try {
    return parseTaskRequest(form.data, form.data.origin, {
      catalogue,
      profiles: new ProfileSet([]),
      checkArguments: createCheckArguments(),
    });
  } catch (error) {
    if (error instanceof RemitError) return error.message;
    throw error;
  }
}

const sum = (change: Record<string, unknown>) => ({
  budget: { sums: [{ target: 'files', operations: ['read_text_file'], argument: '/amount', at_most: 5, ...change }] },
});
const hours = (from: string, to: string) => ({ schedule: { time_zone: 'Europe/Berlin', hours: [{ from, to }] } });

test.each<[string, Record<string, unknown>, string]>([
  ['two budgets of calls', { calls: 5, budget: { calls: 5 } }, 'not both'],
  ['a budget of an unknown effect', { budget: { effects: { raed: 1 } } }, 'budget.effects'],
  ['a budget that is negative', { budget: { effects: { read: -1 } } }, 'budget.effects.read'],
  ['a budget that is no integer', { budget: { effects: { read: 1.5 } } }, 'budget.effects.read'],
  ['a budget of an unknown operation', { budget: { operations: { 'files:rm': 1 } } }, '`rm` is not an operation'],
  ['a budget of an unknown target', { budget: { operations: { 'nowhere:rm': 1 } } }, '`nowhere` is not a target'],
  ['a budget of an operation without target', { budget: { operations: { read_text_file: 1 } } }, 'is not a target'],
  ['an unknown member of a budget', { budget: { efects: {} } }, 'efects'],
  ['a sum over no argument', sum({ argument: 'amount' }), 'JSON Pointer'],
  ['a sum over all arguments', sum({ argument: '' }), 'JSON Pointer'],
  ['a sum over a broken pointer', sum({ argument: '/a~2' }), 'JSON Pointer'],
  ['a sum of no operation', sum({ operations: [] }), 'operations'],
  ['a sum of an unknown operation', sum({ operations: ['rm'] }), '`rm` is not an operation'],
  ['a sum below nothing', sum({ at_most: -1 }), 'is negative'],
  ['a sum that a double rounds', sum({ at_most: 2 ** 53 }), 'larger than 900719925474.0991'],
  ['a sum of too many digits', sum({ at_most: '0.00001' }), 'more than four digits'],
  ['a sum that is no number', sum({ at_most: '1e3' }), 'not a plain decimal number'],
  ['an end and a length', { expires_at: '2999-01-01T00:00:00Z', lifetime_seconds: 60 }, 'not both'],
  ['a schedule nowhere', { schedule: { weekdays: ['mon'] } }, 'time_zone'],
  ['a schedule in no time zone', { schedule: { time_zone: 'CEST+1', weekdays: ['mon'] } }, 'IANA'],
  ['a schedule of always', { schedule: { time_zone: 'UTC' } }, 'names neither'],
  ['a schedule of no day', { schedule: { time_zone: 'UTC', weekdays: [] } }, 'weekdays'],
  ['a schedule of an unknown day', { schedule: { time_zone: 'UTC', weekdays: ['Monday'] } }, 'weekdays'],
  ['hours of no length', hours('09:00', '09:00'), 'ends when it begins'],
  ['hours that are no time', hours('9am', '17:00'), 'schedule.hours.0.from'],
  ['hours after midnight', hours('09:00', '24:01'), 'schedule.hours.0.to'],
  ['neither purpose nor profile', { purpose: undefined }, '`purpose`: is missing; give it, or a `profile`'],
  ['a profile that is not there', { profile: 'refund' }, 'there is no profile `refund`; none is configured'],
  ['hours of no end', hours('09:00', '00:00'), '`24:00`'],
  [
    'a misspelt member of hours',
    { schedule: { time_zone: 'UTC', hours: [{ form: '09:00', to: '10:00' }] } },
    'schedule.hours.0',
  ],
])('refuses %s', (_what, overrides, problem) => {
  expect(request(overrides)).toEqual(expect.stringContaining(problem));
});

test('budget and window come out as they are counted and looked at', () => {
  const schedule = { time_zone: 'Europe/Berlin', weekdays: ['mon'], hours: [{ from: '22:00', to: '06:00' }] };
  expect(
    request({
      ...sum({ at_most: '19.9' }),
      calls: 3,
      not_before: '2026-11-25T10:00:00+01:00',
      expires_at: '2026-11-25T11:00:00+01:00',
      schedule,
    }),
  ).toMatchObject({
    budget: {
      calls: 3,
      sums: [{ target: 'files', operations: ['read_text_file'], argument: '/amount', atMost: 199_000 }],
    },
    window: {
      notBefore: Date.UTC(2026, 10, 25, 9),
      expiresAt: Date.UTC(2026, 10, 25, 10),
      schedules: [{ timeZone: 'Europe/Berlin', weekdays: ['mon'], hours: [{ from: 1320, to: 360 }] }],
    },
  });
});
