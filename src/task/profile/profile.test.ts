import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidConfig, RemitError } from '../../core/errors.ts';
import { matchesPattern } from '../../core/resource.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import type { Catalogue } from '../grant-form.ts';
import { parseTaskRequest, taskRequestForm, type TaskRequest } from '../task-request.ts';
import { parseProfile } from './profile-file.ts';
import { readProfiles } from './profiles.ts';
import { filledText } from './template.ts';

const catalogue: Catalogue = {
  operations: (target) => (target === 'shop' ? ['refund', 'show_order'] : undefined),
  effectOf: (_target, operation) => (operation === 'refund' ? 'write' : 'read'),
  trustDomains: ['remit.local'],
};
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const parts = { catalogue, sha256, maxLifetimeSeconds: 3600 };

const REFUND = `
name: refund-order
version: 2
description: give the money of one order back
agents: [spiffe://remit.local/agent/refunder, 'spiffe://remit.local/fleet/*']
purpose: refund order {parameters.order_id}
parameters:
  type: object
  properties:
    order_id: { type: string }
    lines: { type: array, items: { type: integer } }
  required: [order_id]
  additionalProperties: false
grant:
  - target: shop
    operations: [refund, show_order]
    resources: ['order:{parameters.order_id}', 'order:{parameters.order_id}/**']
    arguments:
      properties:
        order_id: { const: '{parameters.order_id}' }
        kind: { enum: [whole, 'part-of-{parameters.order_id}'] }
sensitivity: confidential
minutes: 30
schedule: { time_zone: Europe/Berlin, weekdays: [mon, tue, wed, thu, fri] }
budget:
  calls: 20
  operations: { 'shop:refund': 1 }
  sums: [{ target: shop, operations: [refund], argument: /amount, at_most: '200.00' }]
max_hops: 1
approval: { task: [2 of owners], hops: [security] }
`;

const profiles = readProfiles(
  {
    'refund.yaml': REFUND,
    'old.yaml': REFUND.replace('version: 2', 'version: 1').replace('minutes: 30', 'minutes: 5'),
  },
  parts,
);

function request(overrides: Record<string, unknown>): TaskRequest | string {
  const form = taskRequestForm.parse({
    profile: 'refund-order',
    agent: 'spiffe://remit.local/agent/refunder',
    parameters: { order_id: '123' },
    ...overrides,
  });
  try {
    return parseTaskRequest(form, form.origin, { catalogue, profiles, checkArguments: createCheckArguments() });
  } catch (error) {
    if (error instanceof RemitError) return error.message;
    throw error;
  }
}

describe('a request by profile', () => {
  test('says the name and the parameters, and is filled in', () => {
    expect(request({})).toMatchObject({
      purpose: 'refund order 123',
      parameters: { order_id: '123' },
      grant: [
        {
          target: 'shop',
          operations: ['refund', 'show_order'],
          resources: ['order:123', 'order:123/**'],
          arguments: { properties: { order_id: { const: '123' }, kind: { enum: ['whole', 'part-of-123'] } } },
        },
      ],
      sensitivity: 'confidential',
      window: { schedules: [{ timeZone: 'Europe/Berlin' }] },
      budget: { calls: 20, operations: { 'shop:refund': 1 }, sums: [{ atMost: 2_000_000 }] },
      maxHops: 1,
      profile: {
        task: { name: 'refund-order', version: 2, digest: `sha256:${sha256(REFUND)}`, hopApproval: ['security'] },
        lifetimeSeconds: 1800,
        approval: ['2 of owners'],
      },
    });
  });

  test('takes the newest version, or the one that it pins', () => {
    expect(request({ profile: 'refund-order@1' })).toMatchObject({
      profile: { task: { version: 1 }, lifetimeSeconds: 300 },
    });
    expect(request({ profile: 'refund-order@3' })).toBe(
      'there is no profile `refund-order@3`; there are `refund-order`',
    );
  });

  test('may narrow every limit', () => {
    const grant = [
      {
        target: 'shop',
        operations: ['show_order'],
        resources: ['order:123/lines'],
        arguments: { properties: { order_id: { const: '123' }, kind: { enum: ['whole', 'part-of-123'] } } },
      },
    ];
    const narrowed = request({
      agent: 'spiffe://remit.local/fleet/7',
      grant,
      sensitivity: 'internal',
      lifetime_seconds: 60,
      schedule: { time_zone: 'UTC', hours: [{ from: '09:00', to: '17:00' }] },
      budget: { calls: 3, operations: { 'shop:refund': 0 }, effects: { read: 2 } },
      max_hops: 0,
    });
    expect(narrowed).toMatchObject({
      grant,
      sensitivity: 'internal',
      window: { lifetimeSeconds: 60, schedules: [{ timeZone: 'Europe/Berlin' }, { timeZone: 'UTC' }] },
      budget: { calls: 3, operations: { 'shop:refund': 0 }, effects: { read: 2 }, sums: [{ atMost: 2_000_000 }] },
      maxHops: 0,
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['another agent', { agent: 'spiffe://remit.local/agent/other' }, 'is for `spiffe://remit.local/agent/refunder`'],
    ['no agent, where there are several', { agent: undefined }, '`agent`: profile `refund-order` is for several'],
    ['another purpose', { purpose: 'something else' }, '`purpose`: profile `refund-order` says it'],
    ['a missing parameter', { parameters: {} }, "must have required property 'order_id'"],
    ['an unknown parameter', { parameters: { order_id: '1', note: '' } }, 'must NOT have additional properties'],
    ['a parameter of another type', { parameters: { order_id: 123 } }, '`/order_id` must be string'],
    ['another target', { grant: [{ target: 'shop', effects: ['write'] }] }, 'does not grant `write`'],
    [
      'another resource',
      { grant: [{ target: 'shop', operations: ['refund'], resources: ['order:12*'] }] },
      'on all of these resources',
    ],
    [
      'any argument',
      { grant: [{ target: 'shop', operations: ['refund'], resources: ['order:123'] }] },
      'with all of these arguments',
    ],
    ['a higher ceiling', { sensitivity: 'restricted' }, 'the ceiling of profile `refund-order` is `confidential`'],
    ['a longer life', { lifetime_seconds: 1801 }, 'at most 1800 seconds'],
    ['more calls', { calls: 21 }, 'allows 20'],
    [
      'more of one operation',
      { budget: { operations: { 'shop:refund': 2 } } },
      '`budget.operations.shop:refund`: profile `refund-order` allows 1',
    ],
    ['more hops', { max_hops: 2 }, 'allows 1'],
  ])('never exceeds it: %s', (_what, overrides, problem) => {
    expect(request(overrides)).toEqual(expect.stringContaining(problem));
  });

  test.each([
    '*',
    '**',
    '1*',
    '1/../2',
    '..',
    '.',
    '1/2',
    '',
    ' 1',
    '{parameters.order_id}',
    '1\n',
    'a\\b',
    '1?',
    'e\u0301',
  ])('takes no %j for a name: it could stand for others', (order_id) => {
    expect(request({ parameters: { order_id } })).toContain('`parameters.order_id`: stands in a name');
  });

  test('INVARIANT 3: whatever a parameter is, the pattern matches what the pattern of plain texts does, or nothing is asked', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.string({ unit: fc.constantFrom('a', '1', '/', '*', '.') }),
        (value, name) => {
          let pattern;
          try {
            pattern = filledText('order:{parameters.id}', { id: value });
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          expect(matchesPattern(pattern, `order:${name}`)).toBe(name === value);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a profile file', () => {
  const refusal = (text: string): string => {
    try {
      parseProfile('p.yaml', text, parts);
    } catch (error) {
      if (error instanceof InvalidConfig) return error.message;
      throw error;
    }
    return 'taken';
  };
  const with_ = (from: string | RegExp, to: string) => {
    const text = REFUND.replace(from, () => to);
    expect(text).not.toBe(REFUND);
    return text;
  };

  test.each<[string, string, string]>([
    ['a misspelt field', with_('minutes: 30', 'minuts: 30'), 'p.yaml:23: `minuts` is not a known field'],
    [
      'a name with a space',
      with_('name: refund-order', 'name: Refund order'),
      'p.yaml:2: `name`: expected a name of a-z',
    ],
    ['no version', with_('version: 2\n', ''), '`version`'],
    ['a version that is no number', with_('version: 2', 'version: two'), 'p.yaml:3: `version`'],
    [
      'an agent that is no SPIFFE ID',
      with_('[spiffe://remit.local/agent/refunder', '[refunder'),
      'p.yaml:5: `agents.0`: expected a SPIFFE ID',
    ],
    [
      'an agent of a pattern of domains',
      with_('spiffe://remit.local/fleet/*', 'spiffe://*/fleet'),
      'p.yaml:5: `agents.1`',
    ],
    [
      'an agent of an unknown domain',
      with_('spiffe://remit.local/fleet/*', 'spiffe://other.test/fleet/*'),
      'p.yaml:5: `agents.1`: its trust domain is not configured',
    ],
    [
      'a broken schema of parameters',
      with_('{ type: array,', '{ type: arry,'),
      'p.yaml:7: `parameters`: the schema cannot be used',
    ],
    [
      'parameters that are no object',
      with_('  type: object', '  type: array'),
      'p.yaml:7: `parameters`: expected a schema of `type: object`',
    ],
    [
      'an unknown target',
      with_('target: shop\n', 'target: shp\n'),
      'p.yaml:14: `grant`: grant 1: `shp` is not a target',
    ],
    ['an unknown operation', with_('[refund, show_order]', '[refund, show]'), '`show` is not an operation of `shop`'],
    [
      'an unknown placeholder',
      with_("'order:{parameters.order_id}'", "'order:{parameters.id}'"),
      '`{parameters.id}` needs `parameters` to require `id`',
    ],
    [
      'a placeholder that may be absent',
      with_("'order:{parameters.order_id}'", "'order:{parameters.lines}'"),
      '`{parameters.lines}` needs',
    ],
    [
      'a brace that is no placeholder',
      with_("'order:{parameters.order_id}'", "'order:{order_id}'"),
      '`order:{order_id}` has a brace that belongs to no placeholder',
    ],
    [
      'a placeholder in a pattern of a schema',
      with_("{ const: '{parameters.order_id}' }", "{ type: string, pattern: '^{parameters.order_id}$' }"),
      'stands where a schema is read; use `const` or `enum`',
    ],
    [
      'a placeholder in a member that is called const',
      with_("order_id: { const: '{parameters.order_id}' }", "const: { pattern: '{parameters.order_id}' }"),
      'stands where a schema is read',
    ],
    ['no ceiling', with_('sensitivity: confidential\n', ''), '`sensitivity`'],
    [
      'a life longer than any',
      with_('minutes: 30', 'minutes: 61'),
      'p.yaml:23: `minutes`: no task lives longer than 60 minutes',
    ],
    [
      'an unknown time zone',
      with_('Europe/Berlin', 'Europe/Atlantis'),
      'p.yaml:24: `schedule.time_zone`: expected a name of the IANA time zone database',
    ],
    [
      'a budget of an unknown operation',
      with_("'shop:refund': 1", "'shop:refnd': 1"),
      'p.yaml:25: `budget`: `budget.operations.shop:refnd`',
    ],
    [
      'a sum of nonsense',
      with_("'200.00'", "'200,00'"),
      'p.yaml:28: `budget.sums.0.at_most`: is not a plain decimal number',
    ],
    ['an approval of nobody', with_('[2 of owners]', "['2 of ']"), 'p.yaml:30: `approval.task.0`: leaves a name empty'],
    ['an approval of too many', with_('[2 of owners]', '[20 of owners]'), 'asks for 20 people'],
    ['a key twice', with_('minutes: 30', 'minutes: 30\nminutes: 31'), 'p.yaml:24: Map keys must be unique'],
    ['a rounded number', with_('version: 2', 'version: 9007199254740993'), 'cannot be kept exactly'],
    ['nothing', '', '`name`'],
    ['no map', '- 1', 'p.yaml:1'],
  ])('%s is refused with its line', (_what, text, problem) => {
    expect(refusal(text)).toContain(problem);
  });

  test('twice the same version is refused, with both files', () => {
    expect(() => readProfiles({ 'a.yaml': REFUND, 'b.yaml': REFUND }, parts)).toThrow(
      'b.yaml: `refund-order@2` is in a.yaml, too; give it another version',
    );
  });
});
